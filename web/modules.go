package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// wasmSuffix ends the file names of modules; a module's name goes without it.
const wasmSuffix = ".wasm"

const wasmMediaType = "application/wasm"

func (s *Server) listModules(c echo.Context) error {
	return within(c, requestDurationMax, func(c echo.Context) error {
		infos, err := s.herder(c).Modules(c.Request().Context())
		if err != nil {
			return err
		}
		list := make([]module, 0, len(infos))
		for _, info := range infos {
			list = append(list, newModule(info))
		}
		return writeJSON(c, http.StatusOK, list)
	})
}

func (s *Server) getModule(c echo.Context) error {
	return s.withModule(c, func(c echo.Context, info host.ModuleInfo) error {
		return writeJSON(c, http.StatusOK, newModule(info))
	})
}

// downloadModule answers the module itself, under its digest as entity tag.
func (s *Server) downloadModule(c echo.Context) error {
	return s.withModule(c, func(c echo.Context, info host.ModuleInfo) error {
		if err := holdModule(c, info.SizeBytes); err != nil {
			return err
		}
		content, err := s.herder(c).ModuleContent(c.Request().Context(), info.Digest)
		if err != nil {
			return err
		}
		header := c.Response().Header()
		header.Set("ETag", `"`+info.Digest+`"`)
		header.Set(echo.HeaderContentDisposition,
			mime.FormatMediaType("attachment", map[string]string{"filename": info.Name + wasmSuffix}))
		return c.Blob(http.StatusOK, wasmMediaType, content)
	})
}

// withModule finds the module that the path names.
func (s *Server) withModule(c echo.Context, answer func(echo.Context, host.ModuleInfo) error) error {
	name, version, err := moduleParams(c)
	if err != nil {
		return err
	}
	return within(c, requestDurationMax, func(c echo.Context) error {
		info, err := s.herder(c).Module(c.Request().Context(), name, version)
		if err != nil {
			return err
		}
		return answer(c, info)
	})
}

func moduleParams(c echo.Context) (name, version string, err error) {
	if name, err = param(c, "name"); err != nil {
		return "", "", err
	}
	version, err = param(c, "version")
	return name, version, err
}

func (s *Server) deleteModule(c echo.Context) error {
	name, version, err := moduleParams(c)
	if err != nil {
		return err
	}
	if err := s.herder(c).DeleteModule(c.Request().Context(), name, version); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// addModule takes a wasm module as the multipart field "file" or as the body itself, or pulls it from the registry that
// a JSON body names. Its name is that of ?name=, of the JSON (in a form, the field "info"), which may have its
// signature, too, or of the file or repository, in this order. With ?dry_run=true it is checked and that is all.
func (s *Server) addModule(c echo.Context) error {
	if mediaTypeOf(c) == echo.MIMEApplicationJSON {
		body, err := readPull(c)
		if err != nil {
			return err
		}
		return within(c, requestDurationMax, func(c echo.Context) error {
			upload, err := s.pull(c, body)
			if err != nil {
				return err
			}
			return s.addUpload(c, upload)
		})
	}
	upload, err := readModule(c)
	if err != nil {
		return err
	}
	return within(c, requestDurationMax, func(c echo.Context) error { return s.addUpload(c, upload) })
}

func (s *Server) addUpload(c echo.Context, upload host.ModuleUpload) error {
	if given := c.QueryParam("name"); given != "" {
		upload.Name = given
	}
	upload.DryRun = isTrue(c, "dry_run")
	upload.By = userOf(c)
	name := strings.TrimSuffix(upload.Name, wasmSuffix)
	if name == "" || name != path.Base(name) || name == "." || name == ".." {
		return host.BadRequest("The module needs a name: send it as a file, or give ?name= without slashes")
	}
	upload.Name = name
	info, added, err := s.herder(c).AddModule(c.Request().Context(), upload)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if added {
		status = http.StatusCreated
	}
	return writeJSON(c, status, newModule(info))
}

func mediaTypeOf(c echo.Context) string {
	mediaType, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	return mediaType
}

// readModule returns the module with the name that came with it, if one did.
func readModule(c echo.Context) (upload host.ModuleUpload, err error) {
	if mediaTypeOf(c) == echo.MIMEMultipartForm {
		upload, err = readModuleForm(c)
	} else {
		upload.Wasm, err = readBody(c, moduleBodyBytesMax)
	}
	if err == nil && len(upload.Wasm) == 0 {
		err = host.BadRequest("The request has no module: send a .wasm file as the multipart field \"file\" or as the body")
	}
	return upload, err
}

// moduleParts are the fields of a form; others are passed over.
type moduleParts struct {
	fileName string
	wasm     []byte
	info     struct {
		Name      string `json:"name"`
		Signature []byte `json:"signature"` // in Base64, as JSON has bytes
	}
}

func readModuleForm(c echo.Context) (host.ModuleUpload, error) {
	if err := holdBody(c, moduleBodyBytesMax); err != nil {
		return host.ModuleUpload{}, err
	}
	c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, moduleBodyBytesMax)
	form, err := c.Request().MultipartReader()
	if err != nil {
		return host.ModuleUpload{}, host.BadRequest("The multipart body can't be read: " + err.Error())
	}
	var parts moduleParts
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return host.ModuleUpload{Name: cmp.Or(parts.info.Name, parts.fileName), Wasm: parts.wasm,
				Signature: parts.info.Signature}, nil
		}
		if err != nil {
			return host.ModuleUpload{}, partError(err)
		}
		if err := parts.read(part); err != nil {
			return host.ModuleUpload{}, err
		}
	}
}

func (p *moduleParts) read(part *multipart.Part) (err error) {
	switch part.FormName() {
	case "file":
		p.fileName = part.FileName()
		if p.wasm, err = io.ReadAll(part); err != nil {
			return partError(err)
		}
	case "info":
		text, err := io.ReadAll(io.LimitReader(part, jsonBodyBytesMax))
		if err != nil {
			return partError(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&p.info); err != nil {
			return host.BadRequest(fmt.Sprintf("The multipart field \"info\" must be JSON like {\"name\": \"geo\", "+
				"\"signature\": \"BASE64\"}: %v", err))
		}
	}
	return nil
}

func partError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &host.Error{Kind: errTooLarge, Message: "The module is larger than 64 MiB"}
	}
	return host.BadRequest("The multipart body can't be read: " + err.Error())
}

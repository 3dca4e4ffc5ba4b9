package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// wasmSuffix ends the file names of modules; a module's name goes without it.
const wasmSuffix = ".wasm"

func (s *Server) listModules(c echo.Context) error {
	return within(c, requestDurationMax, func(c echo.Context) error {
		infos, err := s.herder.Modules(c.Request().Context())
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

// addModule takes a wasm module as the multipart field "file" or as the body itself; ?name= names it, else the file's
// name does.
func (s *Server) addModule(c echo.Context) error {
	name, wasm, err := readModule(c)
	if err != nil {
		return err
	}
	if given := c.QueryParam("name"); given != "" {
		name = given
	}
	if name = strings.TrimSuffix(name, wasmSuffix); name == "" || name != path.Base(name) || name == "." || name == ".." {
		return host.BadRequest("The module needs a name: send it as a file, or give ?name= without slashes")
	}
	return within(c, requestDurationMax, func(c echo.Context) error {
		info, err := s.herder.AddModule(c.Request().Context(), name, wasm)
		if err != nil {
			return err
		}
		return writeJSON(c, http.StatusCreated, newModule(info))
	})
}

// readModule returns the module with the name of its file, if it came with one.
func readModule(c echo.Context) (name string, wasm []byte, err error) {
	mediaType, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if mediaType == echo.MIMEMultipartForm {
		name, wasm, err = readModulePart(c)
	} else {
		wasm, err = readBody(c, moduleBodyBytesMax)
	}
	if err == nil && len(wasm) == 0 {
		err = host.BadRequest("The request has no module: send a .wasm file as the multipart field \"file\" or as the body")
	}
	return name, wasm, err
}

func readModulePart(c echo.Context) (string, []byte, error) {
	c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, moduleBodyBytesMax)
	parts, err := c.Request().MultipartReader()
	if err != nil {
		return "", nil, host.BadRequest("The multipart body can't be read: " + err.Error())
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return "", nil, nil
		}
		if err != nil {
			return "", nil, partError(err)
		}
		if part.FormName() != "file" {
			continue
		}
		wasm, err := io.ReadAll(part)
		if err != nil {
			return "", nil, partError(err)
		}
		return part.FileName(), wasm, nil
	}
}

func partError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &host.Error{Kind: errTooLarge, Message: "The module is larger than 64 MiB"}
	}
	return host.BadRequest("The multipart body can't be read: " + err.Error())
}

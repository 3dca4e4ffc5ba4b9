package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/host/oci"
)

// What "berth plugin" does with the modules of a running worker.

// uploadPlugin uploads a module to a running worker, and prints the worker's answer.
func uploadPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin upload", "FILE.wasm|oci://REGISTRY/REPOSITORY@sha256:DIGEST [-name NAME] "+
		"[-signature FILE] [-dry-run] [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	name := flags.String("name", "", "the module's name; by default that of the file or repository")
	signature := flags.String("signature", "", "a file with its signature, as \"berth plugin sign\" and cosign write it")
	dryRun := flags.Bool("dry-run", false, "have it checked only")
	positional, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	body, mediaType, err := uploadBody(positional[0], *name, *signature)
	if err != nil {
		return err
	}
	query := ""
	if *dryRun {
		query = "?dry_run=true"
	}
	answer, err := remote.send(http.MethodPost, "/plugins"+query, mediaType, body)
	if err != nil {
		return fmt.Errorf("upload %s: %w", positional[0], err)
	}
	_, err = fmt.Fprintln(out, string(answer))
	return err
}

// uploadBody makes the body of an upload: the module itself, or the reference by which the worker gets it.
func uploadBody(module, name, signatureFile string) (body *bytes.Buffer, mediaType string, err error) {
	info := map[string]any{}
	if name != "" {
		info["name"] = name
	}
	if signatureFile != "" {
		if info["signature"], err = readSignature(signatureFile); err != nil {
			return nil, "", err
		}
	}
	if strings.HasPrefix(module, oci.Scheme) {
		info["oci"] = module
		text, _ := json.Marshal(info) // strings and bytes can't fail
		return bytes.NewBuffer(text), "application/json", nil
	}
	return uploadForm(module, info)
}

// uploadForm puts what there is to say of a module in front of it.
func uploadForm(file string, info map[string]any) (*bytes.Buffer, string, error) {
	module, err := os.ReadFile(file)
	if err != nil && strings.Contains(file, "@sha256:") {
		return nil, "", fmt.Errorf("%w; write %s before a reference to a registry", err, oci.Scheme)
	}
	if err != nil {
		return nil, "", err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if len(info) > 0 {
		text, _ := json.Marshal(info) // strings and bytes can't fail
		err = form.WriteField("info", string(text))
	}
	var part io.Writer
	if err == nil {
		part, err = form.CreateFormFile("file", filepath.Base(file))
	}
	if err == nil {
		_, err = part.Write(module)
	}
	if err == nil {
		err = form.Close()
	}
	return &body, form.FormDataContentType(), err
}

// readSignature reads a signature in Base64.
func readSignature(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the signature: %w", err)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the signature %s: it must be Base64: %w", file, err)
	}
	return signature, nil
}

// showPlugin prints what a worker knows of a module.
func showPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin show", "NAME VERSION [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	positional, err := ParseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	answer, err := remote.send(http.MethodGet, modulePathOf(positional), "", nil)
	if err != nil {
		return err
	}
	return printIndented(out, answer)
}

// getPlugin downloads a module.
func getPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin get", "NAME VERSION [-o FILE.wasm] [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	target := flags.String("o", "", "the file to write; by default NAME-VERSION.wasm")
	positional, err := ParseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	module, err := remote.send(http.MethodGet, modulePathOf(positional)+"/module", "", nil)
	if err != nil {
		return err
	}
	if *target == "" {
		*target = strings.ReplaceAll(positional[0]+"-"+positional[1], "/", "_") + ".wasm"
	}
	if err := os.WriteFile(*target, module, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d KiB, sha256:%s\n", *target, len(module)>>10, sumOf(module))
	return err
}

// removePlugin deletes a module that no connector uses.
func removePlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin rm", "NAME VERSION [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	positional, err := ParseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	if err := remote.ask(http.MethodDelete, modulePathOf(positional), nil, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s is deleted\n", positional[0], positional[1])
	return err
}

// modulePathOf is that of a module by name (or class) and version (or digest).
func modulePathOf(nameAndVersion []string) string {
	return "/plugins/" + url.PathEscape(nameAndVersion[0]) + "/" + url.PathEscape(nameAndVersion[1])
}

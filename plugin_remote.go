package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
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

func urlFlag(flags *flag.FlagSet) *string {
	return flags.String("url", "http://127.0.0.1:8083", "the REST API of a worker")
}

// uploadPlugin uploads a module to a running worker, and prints the worker's answer.
func uploadPlugin(args []string, out io.Writer) error {
	flags := newFlags("plugin upload", "FILE.wasm|oci://REGISTRY/REPOSITORY@sha256:DIGEST [-name NAME] "+
		"[-signature FILE] [-dry-run] [-url URL]", out)
	address := urlFlag(flags)
	name := flags.String("name", "", "the module's name; by default that of the file or repository")
	signature := flags.String("signature", "", "a file with its signature, as \"berth plugin sign\" and cosign write it")
	dryRun := flags.Bool("dry-run", false, "have it checked only")
	positional, err := parseFlags(flags, args, 1, 1)
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
	answer, err := askWorker(http.MethodPost, *address, "/plugins"+query, mediaType, body)
	var refused *httpRefusal
	if errors.As(err, &refused) {
		return fmt.Errorf("the worker refused %s: %s", positional[0], refused.message)
	}
	if err != nil {
		return err
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
	flags := newFlags("plugin show", "NAME VERSION [-url URL]", out)
	address := urlFlag(flags)
	positional, err := parseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	answer, err := askWorker(http.MethodGet, *address, modulePathOf(positional), "", nil)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		return fmt.Errorf("%s gives no JSON that a worker would (%w); -url must name its REST API", *address, err)
	}
	_, err = fmt.Fprintln(out, indented.String())
	return err
}

// getPlugin downloads a module.
func getPlugin(args []string, out io.Writer) error {
	flags := newFlags("plugin get", "NAME VERSION [-o FILE.wasm] [-url URL]", out)
	address := urlFlag(flags)
	target := flags.String("o", "", "the file to write; by default NAME-VERSION.wasm")
	positional, err := parseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	module, err := askWorker(http.MethodGet, *address, modulePathOf(positional)+"/module", "", nil)
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
	flags := newFlags("plugin rm", "NAME VERSION [-url URL]", out)
	address := urlFlag(flags)
	positional, err := parseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	if _, err := askWorker(http.MethodDelete, *address, modulePathOf(positional), "", nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s is deleted\n", positional[0], positional[1])
	return err
}

// modulePathOf is that of a module by name (or class) and version (or digest).
func modulePathOf(nameAndVersion []string) string {
	return "/plugins/" + url.PathEscape(nameAndVersion[0]) + "/" + url.PathEscape(nameAndVersion[1])
}

// askWorker sends a request and returns the body of a good answer. Errors: *httpRefusal, those of the network.
func askWorker(method, address, path, mediaType string, body io.Reader) ([]byte, error) {
	address = strings.TrimSuffix(address, "/")
	request, err := http.NewRequest(method, address+path, body)
	if err != nil {
		return nil, fmt.Errorf("-url %s: %w", address, err)
	}
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the worker: %w; -url must name its REST API", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the worker's answer: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, &httpRefusal{response.StatusCode, refusal(response.Status, answer)}
	}
	return bytes.TrimSuffix(answer, []byte("\n")), nil
}

// refusal is the message of Connect's error body, or the status when there is none.
func refusal(status string, answer []byte) string {
	var body struct{ Message string }
	if err := json.Unmarshal(answer, &body); err != nil || body.Message == "" {
		return status
	}
	return body.Message
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// connect is the worker's REST API.
type connect struct{ url string }

// await returns when the worker answers.
func (c connect) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := c.call(ctx, http.MethodGet, "/connectors", "", nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the worker does not answer: %w", err)
		case <-time.After(feedEvery):
		}
	}
}

// put creates a connector or gives it a new configuration.
func (c connect) put(ctx context.Context, name string, config map[string]string) error {
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPut, "/connectors/"+name+"/config", "application/json", bytes.NewReader(text))
	return err
}

// upload adds a module to the running worker.
func (c connect) upload(ctx context.Context, file string) error {
	module, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", filepath.Base(file))
	if err != nil {
		return err
	}
	if _, err := part.Write(module); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPost, "/plugins", form.FormDataContentType(), &body)
	return err
}

// state returns "RUNNING", or what else a connector or one of its tasks is, with the trace.
func (c connect) state(ctx context.Context, name string) (state, trace string, err error) {
	answer, err := c.call(ctx, http.MethodGet, "/connectors/"+name+"/status", "", nil)
	if err != nil {
		return "", "", err
	}
	type part struct{ State, Trace string }
	var status struct {
		Connector part
		Tasks     []part
	}
	if err := json.Unmarshal(answer, &status); err != nil {
		return "", "", fmt.Errorf("read the status of %s: %w", name, err)
	}
	for _, p := range append(status.Tasks, status.Connector) {
		if p.State != "RUNNING" {
			return p.State, p.Trace, nil
		}
	}
	return "RUNNING", "", nil
}

func (c connect) call(ctx context.Context, method, path, mediaType string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return answer, err
}

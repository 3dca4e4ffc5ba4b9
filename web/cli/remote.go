package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// remoteTimeout bounds a request; that which deletes all of a tenant waits for its tasks to end.
const remoteTimeout = 2 * time.Minute

// defaultURL is where a worker's REST API is unless its listeners say otherwise.
const defaultURL = "http://localhost:8083"

// remote is a running worker, and how to show it who asks.
type remote struct{ url, user, token string }

// addRemote adds the options of every command that asks a worker; url is the default.
func addRemote(flags *flag.FlagSet, url string) *remote {
	r := &remote{}
	flags.StringVar(&r.url, "url", url, "the REST API of a worker, with /tenants/NAME behind it that of a tenant")
	flags.StringVar(&r.user, "user", "", "NAME:PASSWORD, where the API asks for one")
	flags.StringVar(&r.token, "token", "", "a bearer token; by default that of the environment variable BERTH_TOKEN")
	return r
}

// httpRefusal is an answer that is no success.
type httpRefusal struct {
	status        int
	what, message string
}

func (r *httpRefusal) Error() string { return "the worker refused " + r.what + ": " + r.message }

// ask sends a body, if any, as JSON and reads the answer into what is given for it, if any. Errors: *httpRefusal, those
// of the network.
func (r *remote) ask(method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	answer, err := r.send(method, path, "application/json", content)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s%s gives no JSON that a worker would (%w); -url must name its REST API", r.url, path, err)
	}
	return nil
}

// send makes a request and returns the body of a good answer. Errors as those of ask.
func (r *remote) send(method, path, mediaType string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequest(method, strings.TrimSuffix(r.url, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("-url %s: %w", r.url, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", mediaType)
	}
	r.authorize(request)
	response, err := (&http.Client{Timeout: remoteTimeout}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the worker: %w; -url must name its REST API", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", r.url, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, &httpRefusal{response.StatusCode, method + " " + path, refusal(response.Status, answer)}
	}
	return bytes.TrimSuffix(answer, []byte("\n")), nil
}

// authorize says who asks; what an option names goes before the environment. A user in the URL is net/http's to add.
func (r *remote) authorize(request *http.Request) {
	if name, password, found := strings.Cut(r.user, ":"); found {
		request.SetBasicAuth(name, password)
	} else if token := cmp.Or(r.token, os.Getenv("BERTH_TOKEN")); token != "" && request.URL.User == nil {
		request.Header.Set("Authorization", "Bearer "+token)
	}
}

// refusal is the message of Connect's error body, or the status when there is none.
func refusal(status string, answer []byte) string {
	var body struct{ Message string }
	if err := json.Unmarshal(answer, &body); err != nil || body.Message == "" {
		return status
	}
	return body.Message
}

// printIndented prints an answer of a worker for people.
func printIndented(out io.Writer, answer []byte) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		return errors.New("the answer is no JSON that a worker would give; -url must name its REST API")
	}
	_, err := fmt.Fprintln(out, indented.String())
	return err
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// tenantTimeout bounds a request; that which deletes all of a tenant waits for its tasks to end.
const tenantTimeout = 2 * time.Minute

// runTenant is "berth tenant …": what an operator does with the tenants of a running group of workers.
func runTenant(args []string, out io.Writer) error {
	steps := map[string]func([]string, io.Writer) error{
		"ls": lsTenants, "show": showTenant, "put": putTenant, "rm": rmTenant,
	}
	if len(args) > 0 {
		if step, found := steps[args[0]]; found {
			return step(args[1:], out)
		}
	}
	return errors.New("berth tenant takes ls, show, put or rm, each with -h for its options")
}

func lsTenants(args []string, out io.Writer) error {
	flags := newFlags("tenant ls", "[-url URL]", out)
	remote := addRemote(flags)
	if _, err := parseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	text, err := remote.ask(http.MethodGet, "/tenants", nil)
	if err != nil {
		return err
	}
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		return fmt.Errorf("read the answer of %s: %w", remote.url, err)
	}
	for _, name := range names {
		fmt.Fprintln(out, name)
	}
	return nil
}

func showTenant(args []string, out io.Writer) error {
	flags := newFlags("tenant show", "NAME [-url URL]", out)
	remote := addRemote(flags)
	names, err := parseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	text, err := remote.ask(http.MethodGet, "/tenants/"+url.PathEscape(names[0]), nil)
	if err != nil {
		return err
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, text, "", "  "); err != nil {
		return fmt.Errorf("read the answer of %s: %w", remote.url, err)
	}
	fmt.Fprintln(out, shown.String())
	return nil
}

func putTenant(args []string, out io.Writer) error {
	flags := newFlags("tenant put", "NAME FILE.json|- [-url URL]", out)
	remote := addRemote(flags)
	given, err := parseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	var record []byte
	if given[1] == "-" {
		record, err = io.ReadAll(os.Stdin)
	} else {
		record, err = os.ReadFile(given[1])
	}
	if err != nil {
		return fmt.Errorf("read the tenant's record: %w", err)
	}
	if _, err := remote.ask(http.MethodPut, "/tenants/"+url.PathEscape(given[0]), record); err != nil {
		return err
	}
	fmt.Fprintf(out, "tenant %s: its API is %s/tenants/%s\n", given[0], strings.TrimSuffix(remote.url, "/"), given[0])
	return nil
}

func rmTenant(args []string, out io.Writer) error {
	flags := newFlags("tenant rm", "NAME [-force] [-url URL]", out)
	remote := addRemote(flags)
	force := flags.Bool("force", false, "delete all that it has, too: connectors, offsets, groups, modules")
	names, err := parseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	path := "/tenants/" + url.PathEscape(names[0])
	if *force {
		path += "?force=true"
	}
	if _, err := remote.ask(http.MethodDelete, path, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "tenant %s is deleted\n", names[0])
	return nil
}

// remote is a running worker, and how to show it who asks.
type remote struct{ url, user, token string }

func addRemote(flags *flag.FlagSet) *remote {
	r := &remote{}
	flags.StringVar(&r.url, "url", "http://localhost:8083", "the REST API of a worker")
	flags.StringVar(&r.user, "user", "", "NAME:PASSWORD, where the API asks for one")
	flags.StringVar(&r.token, "token", "", "a bearer token; by default that of the environment variable BERTH_TOKEN")
	return r
}

// ask makes a request and returns the answer's body. Error: what the worker says.
func (r *remote) ask(method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, strings.TrimSuffix(r.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if name, password, found := strings.Cut(r.user, ":"); found {
		request.SetBasicAuth(name, password)
	} else if token := cmp.Or(r.token, os.Getenv("BERTH_TOKEN")); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Timeout: tenantTimeout}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", r.url, err)
	}
	if response.StatusCode < http.StatusMultipleChoices {
		return text, nil
	}
	var refusal struct{ Message string }
	if json.Unmarshal(text, &refusal) != nil || refusal.Message == "" {
		refusal.Message = strings.TrimSpace(string(text))
	}
	return nil, fmt.Errorf("%s answers %d: %s", r.url, response.StatusCode, refusal.Message)
}

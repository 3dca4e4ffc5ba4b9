package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

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
	flags := NewFlags("tenant ls", "[-url URL]", out)
	remote := addRemote(flags, defaultURL)
	if _, err := ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	var names []string
	if err := remote.ask(http.MethodGet, "/tenants", nil, &names); err != nil {
		return err
	}
	for _, name := range names {
		fmt.Fprintln(out, name)
	}
	return nil
}

func showTenant(args []string, out io.Writer) error {
	flags := NewFlags("tenant show", "NAME [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	names, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	text, err := remote.send(http.MethodGet, "/tenants/"+url.PathEscape(names[0]), "", nil)
	if err != nil {
		return err
	}
	return printIndented(out, text)
}

func putTenant(args []string, out io.Writer) error {
	flags := NewFlags("tenant put", "NAME FILE.json|- [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	given, err := ParseFlags(flags, args, 2, 2)
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
	path := "/tenants/" + url.PathEscape(given[0])
	if _, err := remote.send(http.MethodPut, path, "application/json", bytes.NewReader(record)); err != nil {
		return err
	}
	fmt.Fprintf(out, "tenant %s: its API is %s/tenants/%s\n", given[0], strings.TrimSuffix(remote.url, "/"), given[0])
	return nil
}

func rmTenant(args []string, out io.Writer) error {
	flags := NewFlags("tenant rm", "NAME [-force] [-url URL]", out)
	remote := addRemote(flags, defaultURL)
	force := flags.Bool("force", false, "delete all that it has, too: connectors, offsets, groups, modules")
	names, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	path := "/tenants/" + url.PathEscape(names[0])
	if *force {
		path += "?force=true"
	}
	if err := remote.ask(http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "tenant %s is deleted\n", names[0])
	return nil
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
)

// listedPlugin is a line of "berth plugin ls"; a Java worker tells neither aliases nor modules.
type listedPlugin struct {
	Class   string   `json:"class"`
	Aliases []string `json:"aliases"`
	Type    string   `json:"type"`
	Version string   `json:"version"`
	Module  string   `json:"module"`
	Doc     string   `json:"documentation"`
}

// lsPlugins lists the plugins that come with this program, or those of a running worker.
func (p Program) lsPlugins(args []string, out io.Writer) error {
	flags := NewFlags("plugin ls", "[-url URL] [-json]", out)
	remote := addRemote(flags, "") // "": what is in this program
	asJSON := flags.Bool("json", false, "print JSON")
	if _, err := ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	list := p.bundledPlugins
	if remote.url != "" {
		list = func() ([]listedPlugin, error) { return workerPlugins(remote) }
	}
	plugins, err := list()
	if err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(plugins)
	}
	return printPlugins(out, plugins)
}

// bundledPlugins reads manifests only, so there is no engine.
func (p Program) bundledPlugins() ([]listedPlugin, error) {
	registry := plugin.New(plugin.Config{Bundle: p.Bundle, Log: slog.New(slog.DiscardHandler)}, nil)
	if err := registry.Load(context.Background()); err != nil {
		return nil, err
	}
	plugins := []listedPlugin{}
	for _, i := range registry.Infos() {
		plugins = append(plugins, listedPlugin{i.Class, slices.Concat([]string{}, i.Aliases), string(i.Kind), i.Version,
			i.Module, i.Doc})
	}
	return plugins, nil
}

// kindsInOrder is the order of GET /connector-plugins, in which the table stands, too.
var kindsInOrder = []string{string(host.KindSink), string(host.KindSource), string(host.KindTransformation),
	string(host.KindPredicate), string(host.KindConverter), string(host.KindHeaderConverter)}

// workerPlugins asks for modules, and a worker that has none, as Kafka Connect's own, for plugins.
func workerPlugins(r *remote) ([]listedPlugin, error) {
	var modules []struct {
		Name    string
		Plugins []listedPlugin
	}
	plugins := []listedPlugin{}
	err := r.ask(http.MethodGet, "/plugins", nil, &modules)
	var refused *httpRefusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		err = r.ask(http.MethodGet, "/connector-plugins?connectorsOnly=false", nil, &plugins)
	default:
		for _, m := range modules {
			for _, p := range m.Plugins {
				p.Module = m.Name
				plugins = append(plugins, p)
			}
		}
	}
	slices.SortStableFunc(plugins, func(a, b listedPlugin) int {
		if a.Type != b.Type {
			return slices.Index(kindsInOrder, a.Type) - slices.Index(kindsInOrder, b.Type)
		}
		return strings.Compare(a.Class, b.Class)
	})
	return plugins, err
}

// printPlugins prints a table with the shortest name that a configuration may use.
func printPlugins(out io.Writer, plugins []listedPlugin) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tALIAS\tCLASS\tVERSION\tMODULE")
	for _, p := range plugins {
		alias := "-"
		if len(p.Aliases) > 0 {
			alias = slices.MinFunc(p.Aliases, func(a, b string) int { return len(a) - len(b) })
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", strings.ReplaceAll(p.Type, "_", " "), alias, p.Class,
			dashed(p.Version), dashed(p.Module))
	}
	return table.Flush()
}

func dashed(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/worker"
)

// site knows what all pages have in common.
type site struct {
	worker   *worker.Worker
	registry *plugin.Registry
	infos    []host.PluginInfo
	sources  []*source
}

func newSite(w *worker.Worker, r *plugin.Registry, sources []*source) *site {
	return &site{worker: w, registry: r, infos: w.Plugins(""), sources: sources}
}

// checkCoverage expects each plugin on one page.
func (s *site) checkCoverage() error {
	pages := map[string][]string{}
	for _, source := range s.sources {
		for _, name := range source.plugins {
			of := s.named(name)
			if len(of) == 0 {
				return fmt.Errorf("source/%s: there is no plugin %s", source.file, name)
			}
			pages[of[0].Class] = append(pages[of[0].Class], source.file)
		}
	}
	for _, info := range s.infos {
		if n := len(pages[info.Class]); n != 1 {
			return fmt.Errorf("%s must have one page and has %d: list it in one of source/*.md", info.Class, n)
		}
	}
	return nil
}

// named lists the plugins with a class or alias: a class that is two kinds of converter is two plugins.
func (s *site) named(name string) []host.PluginInfo {
	var all []host.PluginInfo
	for _, info := range s.infos {
		if info.Class == name || slices.Contains(info.Aliases, name) {
			all = append(all, info)
		}
	}
	return all
}

// troubles is the section that stands last: who comes for it has read the rest, or looks for the end.
const troubles = "When it fails"

// page renders one: what it is for, names, examples, keys, what can go wrong.
func (s *site) page(ctx context.Context, source *source, run func(context.Context, *example) (result, error)) (string,
	error) {
	var out, last strings.Builder
	fmt.Fprintf(&out, "<!-- Made by make docs from source/%s: change that. -->\n# %s\n\n%s\n", source.file, source.title,
		source.lead)
	s.writeNames(&out, source)
	for _, part := range source.parts {
		to := &out
		if part.title == troubles {
			to = &last
		}
		fmt.Fprintf(to, "\n## %s\n", part.title)
		for _, p := range part.pieces {
			if p.example == nil {
				prose, err := s.expanded(p.prose)
				if err != nil {
					return "", err
				}
				fmt.Fprintf(to, "\n%s\n", prose)
				continue
			}
			r, err := run(ctx, p.example)
			if err == nil && r.failed != (part.title == troubles) {
				err = fmt.Errorf("examples fail in the section %q and nowhere else; this one gave\n%s", troubles, r.output)
			}
			if err != nil {
				return "", fmt.Errorf("section %q: %w", part.title, err)
			}
			writeExample(to, p.example, r)
		}
	}
	if err := s.writeKeys(&out, source); err != nil {
		return "", err
	}
	return out.String() + last.String(), nil
}

func (s *site) writeNames(out *strings.Builder, source *source) {
	if len(source.plugins) == 0 {
		return
	}
	out.WriteString("\n| kind | class | also | module | version |\n|---|---|---|---|---|\n")
	for _, name := range source.plugins {
		for _, info := range s.named(name) {
			fmt.Fprintf(out, "| %s | `%s` | %s | %s | %s |\n", strings.ReplaceAll(string(info.Kind), "_", " "), info.Class,
				code(info.Aliases), info.Module, info.Version)
		}
	}
}

func code(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "`" + word + "`"
	}
	return strings.Join(quoted, " ")
}

func writeExample(out *strings.Builder, e *example, r result) {
	fmt.Fprintf(out, "\n%sproperties\n%s\n%s\n", fence, e.config, fence)
	if e.input != "" {
		fmt.Fprintf(out, "\n%s\n\n%s%s\n%s\n%s\n", r.takes, fence, r.inputForm, r.input, fence)
	}
	if r.output == "" {
		r.outputForm, r.output = "text", "(no record)"
	}
	fmt.Fprintf(out, "\n%s\n\n%s%s\n%s\n%s\n", r.gives, fence, r.outputForm, r.output, fence)
	if r.schemas != "" {
		fmt.Fprintf(out, "\nIn the schema registry:\n\n%stext\n%s\n%s\n", fence, r.schemas, fence)
	}
}

// writeKeys writes a table of the plugins' own keys; those that all connectors have are on a page of their own.
func (s *site) writeKeys(out *strings.Builder, source *source) error {
	tables := map[string]string{}
	for _, name := range source.plugins {
		for _, info := range s.named(name)[:1] {
			table, err := s.ownKeys(info.Class)
			if err != nil {
				return err
			}
			tables[table] = name
		}
	}
	switch len(tables) {
	case 0:
		return nil
	case 1:
		out.WriteString("\n## Keys\n\n")
		for table := range tables {
			out.WriteString(table)
		}
		return nil
	}
	return fmt.Errorf("plugins %v have different keys: they need pages of their own", source.plugins)
}

func (s *site) ownKeys(class string) (string, error) {
	described, err := s.registry.Find(class, "")
	if err != nil {
		return "", err
	}
	infos, err := s.worker.PluginConfig("", class, "")
	if err != nil {
		return "", err
	}
	connector := ""
	if described.Kind == abi.KindSource || described.Kind == abi.KindSink {
		connector = "\nThose that every connector has are in [keys of connectors](connectors.md).\n"
	}
	own := described.Config.Keys
	if len(own) == 0 {
		return "It has none of its own.\n" + connector, nil
	}
	return keyTable(infos[:len(own)], own) + connector, nil
}

const keyTableHead = "| key | type | default | valid | importance | what |\n|---|---|---|---|---|---|\n"

// keyTable shows keys as the REST API does. What is valid the API does not tell; the definition does.
func keyTable(infos []host.ConfigKeyInfo, keys []abi.ConfigKey) string {
	var out strings.Builder
	out.WriteString(keyTableHead)
	for i, info := range infos {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s | %s |\n", info.Name, strings.ToLower(info.Type), defaultOf(info),
			cell(keys[i].ValidValues()), strings.ToLower(info.Importance), cell(info.Documentation))
	}
	return out.String()
}

func defaultOf(info host.ConfigKeyInfo) string {
	switch {
	case info.Required:
		return "**required**"
	case info.DefaultValue == nil:
		return "none"
	case *info.DefaultValue == "":
		return "empty"
	}
	return "`" + *info.DefaultValue + "`"
}

// cell is text within a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<code>", "`", "</code>", "`", "<", "&lt;").Replace(text)
}

// mark is what a source may ask for: {{plugins KIND}}, the plugins of a kind with their pages; {{keys KIND}}, what the
// worker adds to a connector's own keys: to both kinds, to a source's or to a sink's.
var mark = regexp.MustCompile(`\{\{(plugins|keys) ([a-z_]+)\}\}`)

func (s *site) expanded(prose string) (string, error) {
	var failed error
	out := mark.ReplaceAllStringFunc(prose, func(found string) string {
		m := mark.FindStringSubmatch(found)
		if m[1] == "plugins" {
			return s.list(host.PluginKind(m[2]))
		}
		table, err := s.workerKeys(m[2])
		failed = errors.Join(failed, err)
		return table
	})
	return out, failed
}

// workerKeys is a table of the keys that connectors of a kind have and those of the other have not, or both.
func (s *site) workerKeys(kind string) (string, error) {
	added := map[host.PluginKind][]host.ConfigKeyInfo{}
	for class, kind := range map[string]host.PluginKind{blackhole: host.KindSink, datagen: host.KindSource} {
		described, err := s.registry.Find(class, "")
		if err != nil {
			return "", err
		}
		infos, err := s.worker.PluginConfig("", class, "")
		if err != nil {
			return "", err
		}
		added[kind] = infos[len(described.Config.Keys):]
	}
	of, other := added[host.KindSource], added[host.KindSink]
	if kind == string(host.KindSink) {
		of, other = other, of
	}
	infos := slices.DeleteFunc(of, func(info host.ConfigKeyInfo) bool {
		shared := slices.ContainsFunc(other, func(o host.ConfigKeyInfo) bool { return o.Name == info.Name })
		return shared != (kind == "both")
	})
	return strings.TrimSpace(keyTable(infos, make([]abi.ConfigKey, len(infos)))), nil
}

func (s *site) list(kind host.PluginKind) string {
	out := "| plugin | what it does |\n|---|---|"
	for _, source := range s.sources {
		for _, name := range source.plugins {
			i := slices.IndexFunc(s.named(name), func(info host.PluginInfo) bool { return info.Kind == kind })
			if i >= 0 {
				out += fmt.Sprintf("\n| [%s](%s) | %s |", source.title, source.file, cell(s.named(name)[i].Doc))
				break
			}
		}
	}
	return out
}

// firstDifference is the first line in which texts differ, "" if none does.
func firstDifference(old, now string) string {
	if old == now {
		return ""
	}
	before, after := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			return fmt.Sprintf("line %d is\n\t%s\nand would be\n\t%s", i+1, before[i], after[i])
		}
	}
	return fmt.Sprintf("it has %d lines and would have %d", len(before), len(after))
}

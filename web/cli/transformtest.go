package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/host/worker"
)

// runTransform is "berth transform …".
func (p Program) runTransform(args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "test" {
		return p.testTransforms(args[1:], out)
	}
	return errors.New("berth transform takes test, which has -h for its options")
}

// goldenSuffix ends the names of golden files.
const goldenSuffix = ".golden.json"

// testTransforms plays golden files against the bundled plugins and those of modules, without Kafka and without a
// worker that runs.
func (p Program) testTransforms(args []string, out io.Writer) error {
	var modules TextList
	flags := NewFlags("transform test", "[-module FILE.wasm …] [-update] DIR|FILE …", out)
	flags.Var(&modules, "module", "a module whose plugins the files may use; may be repeated")
	update := flags.Bool("update", false, "write what the chains make of the records as what the files expect")
	targets, err := ParseFlags(flags, args, 1, 1000)
	if err != nil {
		return err
	}
	files, err := goldenFiles(targets)
	if err != nil {
		return err
	}
	ctx := context.Background()
	offline, err := p.newOffline(ctx, modules)
	if err != nil {
		return err
	}
	failed := 0
	for _, file := range files {
		problem, err := playGolden(ctx, offline.worker, file, *update)
		switch {
		case err != nil:
			return errors.Join(fmt.Errorf("%s: %w", file, err), offline.close(ctx))
		case problem != "":
			failed++
			fmt.Fprintf(out, "FAIL  %s\n%s", file, problem)
		default:
			fmt.Fprintf(out, "ok    %s\n", file)
		}
	}
	if failed > 0 {
		err = fmt.Errorf("%d of %d files failed; if what they made now is right: -update", failed, len(files))
	}
	return errors.Join(err, offline.close(ctx))
}

// goldenFiles are the files that are named, and those below the folders that are.
func goldenFiles(targets []string) ([]string, error) {
	var files []string
	for _, target := range targets {
		err := filepath.WalkDir(target, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && (path == target || strings.HasSuffix(path, goldenSuffix)) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no file that ends in %s in %s", goldenSuffix, strings.Join(targets, ", "))
	}
	return files, nil
}

// offline is a worker that runs nothing but previews.
type offline struct {
	engine *engine.Engine
	worker *worker.Worker
}

// newOffline loads the bundled module and those in files. What is compiled is kept in the user's cache folder.
func (p Program) newOffline(ctx context.Context, modules []string) (*offline, error) {
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "berth", "compiled")
	}
	e, err := engine.Open(ctx, cache)
	if err != nil {
		return nil, err
	}
	o := &offline{engine: e}
	log := slog.New(slog.DiscardHandler)
	registry := plugin.New(plugin.Config{Bundle: p.Bundle, Log: log}, e)
	if err := registry.Load(ctx); err != nil {
		return nil, errors.Join(err, o.close(ctx))
	}
	for _, file := range modules {
		if err := addModule(ctx, registry, file); err != nil {
			return nil, errors.Join(err, o.close(ctx))
		}
	}
	o.worker = worker.New(worker.Config{WorkerID: "offline", Properties: host.ConfigOf(p.Properties)}, worker.Ports{
		Registry: registry, Validator: validate.New(registry, validate.PolicyAll), Meter: noop.Meter{}, Log: log})
	return o, nil
}

func addModule(ctx context.Context, registry *plugin.Registry, file string) error {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(file), ".wasm")
	if _, _, err = registry.Add(ctx, host.ModuleUpload{Name: name, Wasm: wasm}); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (o *offline) close(ctx context.Context) error { return o.engine.Close(ctx) }

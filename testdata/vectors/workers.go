package main

import (
	"context"
	"errors"
	"fmt"
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

// workers are two workers for each zone that vectors name: one with the bundled module, one with the probe.
type workers struct {
	engine *engine.Engine
	stock  byZone
	probe  byZone // empty: there is none
}

// byZone has workers by their default zone.
type byZone map[string]*worker.Worker

// of returns the worker in the zone of the JVM that answered; nil: there is none.
func (b byZone) of(v *vector) *worker.Worker { return b[v.zone()] }

func newWorkers(ctx context.Context, m modules, zones []string, log *slog.Logger) (*workers, error) {
	e, err := engine.Open(ctx, filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		return nil, err
	}
	w := &workers{engine: e, stock: byZone{}, probe: byZone{}}
	for _, zone := range zones {
		if w.stock[zone], err = newWorker(ctx, e, m.stock, zone, log); err == nil && m.probe != "" {
			w.probe[zone], err = newWorker(ctx, e, m.probe, zone, log)
		}
		if err != nil {
			return nil, errors.Join(err, e.Close(ctx))
		}
	}
	return w, nil
}

func (w *workers) close(ctx context.Context) { _ = w.engine.Close(ctx) } // the program ends anyway

// newWorker makes a worker that has one module and no Kafka: it runs no connectors.
func newWorker(ctx context.Context, e *engine.Engine, module, zone string, log *slog.Logger) (*worker.Worker, error) {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return nil, err
	}
	mirror, err := readMirror(filepath.Dir(module))
	if err != nil {
		return nil, err
	}
	registry := plugin.New(plugin.Config{TimeZone: zone, Bundle: mirror, Log: log}, e)
	if err := registry.Load(ctx); err != nil {
		return nil, err
	}
	if _, _, err := registry.Add(ctx, host.ModuleUpload{Name: "vectors", Wasm: wasm}); err != nil {
		return nil, fmt.Errorf("%s: %w", module, err)
	}
	return worker.New(worker.Config{WorkerID: "vectors"}, worker.Ports{Registry: registry,
		Validator: validate.New(registry, validate.PolicyAll), Meter: noop.Meter{}, Log: log}), nil
}

// readMirror reads what MirrorMaker's module says of itself, if it lies in the folder. It is never compiled: vectors
// name the definitions of its plugins alone.
func readMirror(folder string) ([]plugin.Bundled, error) {
	manifest, err := os.ReadFile(filepath.Join(folder, "mirror.manifest"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []plugin.Bundled{{Name: "mirror", Manifest: manifest}}, err
}

// families says who plays which file.
func (w *workers) families() families {
	viaPlugins := plugins{workers: w.stock}
	viaProbe := probe{workers: w.probe}
	viaValidator := newConfigs(w.stock[utc])
	return func(v *vector) family {
		switch {
		case v.file == "configdef":
			return viaValidator
		case v.file == "config-transformer":
			return function(playProviders)
		case strings.HasPrefix(v.file, "transforms-"), v.file == "predicates", v.file == "json-converter",
			v.file == "simple-converters", v.file == "values" && strings.HasPrefix(v.text("op"), "header"):
			return viaPlugins
		case v.file == "values", v.file == "java-format", v.file == "schema-projector", v.file == "schema-validation":
			return viaProbe
		}
		return function(func(*vector) (any, error) { return nil, unplayable("nobody plays " + v.file + ".jsonl") })
	}
}

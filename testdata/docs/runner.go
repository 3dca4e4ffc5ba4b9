package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/host/worker"
)

// runner is a worker with the bundled modules, on a Kafka and a schema registry in memory.
type runner struct {
	worker    *worker.Worker
	registry  *plugin.Registry
	engine    *engine.Engine
	kafka     *kafka
	schemas   *schemaRegistry
	clusters  clusters
	dir       string // what examples call /data lies below it
	connector int    // how many ran
}

func newRunner(ctx context.Context, modules string) (*runner, error) {
	bundle, err := readBundle(modules)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "berth-docs-")
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(ctx, filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &runner{engine: e, kafka: newKafka(), schemas: newSchemaRegistry(), dir: dir}
	if r.clusters, err = newClusters(); err != nil {
		return nil, errors.Join(err, e.Close(ctx), os.RemoveAll(dir))
	}
	reachable, err := network.ParsePolicy(r.clusters.granted())
	if err != nil {
		r.close()
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	grants := plugin.Grants{Dirs: []string{dir}, Network: reachable}
	r.registry = plugin.New(plugin.Config{Bundle: bundle, Grants: grants, Log: log}, e)
	if err := r.registry.Load(ctx); err != nil {
		r.close()
		return nil, err
	}
	r.worker = worker.New(worker.Config{WorkerID: "docs:8083", Properties: workerProperties(),
		OffsetFlushInterval: 20 * time.Millisecond, OffsetFlushTimeout: 5 * time.Second,
		TaskShutdownGraceful: 5 * time.Second,
	}, worker.Ports{Registry: r.registry, Validator: validate.New(r.registry, validate.PolicyAll), Clients: r.kafka,
		Offsets: r.kafka, Status: r.kafka, Meter: noop.Meter{}, Log: log})
	return r, nil
}

func (r *runner) close() {
	r.schemas.server.Close()
	r.clusters.close()
	_ = r.engine.Close(context.Background()) // the program ends anyway
	_ = os.RemoveAll(r.dir)                  // below the system's folder for what may go
}

// readBundle reads the modules that the file bundled lists.
func readBundle(dir string) ([]plugin.Bundled, error) {
	names, err := os.ReadFile(filepath.Join(dir, "bundled"))
	if err != nil {
		return nil, err
	}
	var bundle []plugin.Bundled
	for _, name := range strings.Fields(string(names)) {
		b, err := readModule(dir, name)
		if err != nil {
			return nil, err
		}
		bundle = append(bundle, b)
	}
	if len(bundle) == 0 {
		return nil, fmt.Errorf("%s names no module", filepath.Join(dir, "bundled"))
	}
	return bundle, nil
}

// readModule reads a module, which may be packed.
func readModule(dir, name string) (plugin.Bundled, error) {
	b := plugin.Bundled{Name: name}
	var err error
	if b.Manifest, err = os.ReadFile(filepath.Join(dir, name+".manifest")); err != nil {
		return b, err
	}
	file := filepath.Join(dir, name+".wasm")
	if b.Wasm, err = os.ReadFile(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	packed, err := os.ReadFile(file + ".gz")
	if err != nil {
		return b, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return b, fmt.Errorf("%s.gz: %w", file, err)
	}
	b.Wasm, err = io.ReadAll(unpacked)
	return b, err
}

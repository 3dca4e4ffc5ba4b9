package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/berth-connect/berth/testdata/local"
)

// classes are those connectors that every kind of worker has a class of its own for.
type classes struct {
	nullSink  string // counts records and drops them
	rowSource string // makes the rows of P4
}

var (
	berthClasses = classes{"berth.Blackhole", "bench.RowSource"}
	jvmClasses   = classes{"NullSink", "RowSource"}
)

const (
	fileSource = "org.apache.kafka.connect.file.FileStreamSourceConnector"
	fileSink   = "org.apache.kafka.connect.file.FileStreamSinkConnector"
)

// jvmWarmRecords are enough to have everything compiled.
const jvmWarmRecords = 10_000_000

// worker is a Connect worker in a process of its own.
type worker struct {
	*process
	url string
}

const workerProperties = `bootstrap.servers=%[1]s
group.id=%[2]s
config.storage.topic=%[2]s-configs
offset.storage.topic=%[2]s-offsets
status.storage.topic=%[2]s-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.flush.interval.ms=1000
listeners=http://%[3]s
berth.data.dir=%[4]s
berth.allow.dirs=%[5]s
plugin.path=%[6]s
`

// startBerth starts a worker that may read and write files in the bench's folder, and returns when it answers. data
// is its own folder.
func (b *bench) startBerth(ctx context.Context, group, data string) (*worker, error) {
	return b.startWorker(ctx, group, data, b.program, "worker", "-c")
}

// startJVM starts Kafka Connect with the options of its own start script.
func (b *bench) startJVM(ctx context.Context, group, data string) (*worker, error) {
	return b.startWorker(ctx, group, data, "java", "-Xms256M", "-Xmx2G", "-server", "-XX:+UseG1GC",
		"-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
		"-Djava.awt.headless=true", "-cp", b.jvm, "org.apache.kafka.connect.cli.ConnectDistributed")
}

// startWorker starts a program whose last argument is its .properties file.
func (b *bench) startWorker(ctx context.Context, group, data, program string, args ...string) (*worker, error) {
	addresses, err := local.Addresses(1)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, group+".properties")
	text := fmt.Sprintf(workerProperties, b.bootstrap, group, addresses[0], data, b.dir, b.plugins)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log := filepath.Join(b.dir, group+".log")
	p, err := startProcess(log, program, append(args, file)...)
	if err != nil {
		return nil, err
	}
	w := &worker{p, "http://" + addresses[0]}
	if err := w.await(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w; see %s", err, log)
	}
	return w, nil
}

const (
	startTime = 2 * time.Minute
	startLook = 5 * time.Millisecond
)

// await returns when the worker answers GET /connectors.
func (w *worker) await(ctx context.Context) error {
	return w.until(ctx, startLook, func(ctx context.Context) error {
		return w.call(ctx, http.MethodGet, "/connectors", nil, nil)
	})
}

// awaitRunning returns when n connectors with a task each are running.
func (w *worker) awaitRunning(ctx context.Context, n int) error {
	return w.until(ctx, lookEvery, func(ctx context.Context) error {
		var all map[string]struct{ Status connectorStatus }
		if err := w.call(ctx, http.MethodGet, "/connectors?expand=status", nil, &all); err != nil {
			return err
		}
		running := 0
		for _, c := range all {
			if c.Status.running() {
				running++
			}
		}
		if running != n {
			return fmt.Errorf("%d of %d connectors are running", running, n)
		}
		return nil
	})
}

// connectorStatus is GET /connectors/NAME/status.
type connectorStatus struct {
	Connector state
	Tasks     []state
}

type state struct{ State string }

func (s connectorStatus) running() bool {
	return s.Connector.State == "RUNNING" && len(s.Tasks) == 1 && s.Tasks[0].State == "RUNNING"
}

// create makes a connector; while workers rebalance, that is refused.
func (w *worker) create(ctx context.Context, name string, config map[string]string) error {
	return w.until(ctx, lookEvery, func(ctx context.Context) error {
		return w.call(ctx, http.MethodPut, "/connectors/"+name+"/config", config, nil)
	})
}

func (w *worker) delete(ctx context.Context, name string) error {
	return w.call(ctx, http.MethodDelete, "/connectors/"+name, nil, nil)
}

// until repeats an action that the worker may not be ready for.
func (w *worker) until(ctx context.Context, every time.Duration, act func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := act(ctx)
		if err == nil {
			return nil
		}
		if pause(ctx, every) != nil {
			return fmt.Errorf("the worker is not ready: %w", err)
		}
	}
}

// call sends body and reads the answer into answer, which may be nil.
func (w *worker) call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, w.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, got)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(got, answer)
	}
	return err
}

// Command demo shows Berth at work: the airports of the world run from a file through two transforms into Kafka, and
// through one into another file. Half way, a plugin written in Go is uploaded to the running worker and put to use.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type options struct {
	berth, wheel, plugin, dir string
	perSecond                 int
	once                      bool
}

func main() {
	var o options
	flag.StringVar(&o.berth, "berth", "bin/berth", "the program to show")
	flag.StringVar(&o.wheel, "data", "", "the data set, a wheel of the Python package airportsdata")
	flag.StringVar(&o.plugin, "plugin", "", "the built plugin to upload, a .wasm file")
	flag.StringVar(&o.dir, "dir", "", "a folder for all files of the demo")
	flag.IntVar(&o.perSecond, "rate", 3000, "records a second that are fed")
	flag.BoolVar(&o.once, "once", false, "end when all records have arrived")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	data, err := readDataset(o.wheel)
	if err != nil {
		return err
	}
	worker, err := startBerth(o.berth, o.dir)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(worker.kafka))
	if err != nil {
		return errors.Join(err, worker.stop())
	}
	defer client.Close()
	s := newScene(o, data, worker, kadm.NewClient(client))
	err = s.play(ctx)
	if err == nil && !o.once {
		s.invite()
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		err = nil // the user wants to leave
		fmt.Println()
	}
	return errors.Join(err, worker.stop())
}

// scene is one run of the demo.
type scene struct {
	options
	data   dataset
	worker *berth
	rest   connect
	board  *board
	feeder *feeder
	input  string
	output string
	news   chan string // what happens beside the board
}

const topic = "airports"

func newScene(o options, data dataset, worker *berth, kafka *kadm.Client) *scene {
	s := &scene{
		options: o, data: data, worker: worker, rest: connect{worker.url},
		input: filepath.Join(o.dir, "airports.csv"), output: filepath.Join(o.dir, "airports.out"),
		news: make(chan string, 2),
	}
	s.feeder = &feeder{file: s.input, lines: data.lines, perSecond: o.perSecond, seen: make(chan struct{})}
	s.board = &board{
		out: os.Stdout, terminal: isTerminal(os.Stdout), total: len(data.lines), feeder: s.feeder,
		kafka: kafka, topic: topic, output: lineCounter{path: s.output},
	}
	return s
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// play runs the records through and checks that each arrived.
func (s *scene) play(ctx context.Context) error {
	if err := s.rest.await(ctx); err != nil {
		return fmt.Errorf("%w; its log is %s", err, s.worker.logs)
	}
	s.board.say("berth dev runs: Kafka at %s, Connect's REST API at %s", s.worker.kafka, s.worker.url)
	if err := os.WriteFile(s.input, nil, 0o644); err != nil {
		return err
	}
	err := errors.Join(s.rest.put(ctx, "airports-in", s.source()), s.rest.put(ctx, "airports-out", s.sink()))
	if err != nil {
		return err
	}
	s.board.say("%d airports: file -> HoistField, InsertField -> topic %s -> ExtractField -> file",
		len(s.data.lines), topic)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	go doOrFail(fail, func() error { return s.feeder.run(ctx) })
	if err := s.until(ctx, len(s.data.lines)/3); err != nil {
		return err
	}
	go doOrFail(fail, func() error { return s.usePlugin(ctx) })
	if err := s.until(ctx, len(s.data.lines)); err != nil {
		return err
	}
	return s.check(ctx)
}

func doOrFail(fail context.CancelCauseFunc, do func() error) {
	if err := do(); err != nil {
		fail(err)
	}
}

func (s *scene) source() map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
		"file": s.input, "topic": topic,
		"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"transforms":                     "hoist,origin",
		"transforms.hoist.type":          "org.apache.kafka.connect.transforms.HoistField$Value",
		"transforms.hoist.field":         "line",
		"transforms.origin.type":         "org.apache.kafka.connect.transforms.InsertField$Value",
		"transforms.origin.static.field": "origin", "transforms.origin.static.value": "airportsdata",
	}
}

func (s *scene) sink() map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1",
		"topics": topic, "file": s.output,
		"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"transforms": "line", "transforms.line.field": "line",
		"transforms.line.type": "org.apache.kafka.connect.transforms.ExtractField$Value",
	}
}

// usePlugin uploads the Go plugin and adds it to the sink's transforms while records flow.
func (s *scene) usePlugin(ctx context.Context) error {
	began := time.Now()
	if err := s.rest.upload(ctx, s.plugin); err != nil {
		return fmt.Errorf("upload the plugin: %w", err)
	}
	s.news <- fmt.Sprintf("uploaded %s, written in Go, in %d ms: checked, compiled and usable without a restart",
		filepath.Base(s.plugin), time.Since(began).Milliseconds())
	sink := s.sink()
	sink["transforms"] = "line,json"
	sink["transforms.json.type"] = "demo.CsvToJson"
	sink["transforms.json.columns"] = strings.Join(s.data.columns, ",")
	if err := s.rest.put(ctx, "airports-out", sink); err != nil {
		return fmt.Errorf("use the plugin: %w", err)
	}
	s.news <- "put it to use: the sink now writes JSON objects instead of lines"
	return s.awaitObject(ctx)
}

// awaitObject waits for the first object that the plugin made, and lets the feeder go on at its rate.
func (s *scene) awaitObject(ctx context.Context) error {
	for {
		written, err := os.ReadFile(s.output)
		if err != nil {
			return fmt.Errorf("look for the plugin's objects: %w", err)
		}
		if strings.Contains(string(written), "\n{") {
			close(s.feeder.seen)
			return nil
		}
		select {
		case <-time.After(feedEvery):
		case <-ctx.Done():
			return nil // all has arrived, or the demo was ended
		}
	}
}

const stallTime = time.Minute

// until shows the board until n records have been written.
func (s *scene) until(ctx context.Context, n int) error {
	moved, arrived := time.Now(), int64(0)
	for arrived < int64(n) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case text := <-s.news:
			s.board.say("%s", text)
		case <-time.After(lookEvery):
		}
		now, err := s.board.look(ctx)
		if err != nil {
			return err
		}
		if now.arrived > arrived {
			arrived, moved = now.arrived, now.at
		}
		if time.Since(moved) > stallTime {
			return fmt.Errorf("nothing was written for %v; the worker's log is %s", stallTime, s.worker.logs)
		}
		if err := s.failed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// failed reports a connector or task that has failed.
func (s *scene) failed(ctx context.Context) error {
	for _, name := range []string{"airports-in", "airports-out"} {
		state, trace, err := s.rest.state(ctx, name)
		if err == nil && state == "FAILED" {
			return fmt.Errorf("%s has failed: %s", name, trace)
		}
	}
	return nil
}

// check waits until every record is in the file, since a restart may write some twice, and says how they arrived.
func (s *scene) check(ctx context.Context) error {
	for deadline := time.Now().Add(stallTime); ; {
		a, err := checkArrival(s.output, s.data)
		if err != nil {
			return err
		}
		if a.missing > 0 && a.foreign == "" && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(lookEvery)
			continue
		}
		if err := a.problem(); err != nil {
			return err
		}
		s.board.say("every record arrived: %d of %d, %d as lines, then %d as JSON by the plugin, %d of them twice",
			len(s.data.lines)-a.missing, len(s.data.lines), a.asLine, a.asObject, a.twice)
		return nil
	}
}

// invite says what there is to play with.
func (s *scene) invite() {
	s.board.say(`
To play with, until Ctrl-C:
  curl '%[1]s/connectors?expand=status'
  curl '%[1]s/connector-plugins?connectorsOnly=false'
  curl %[1]s/plugins
  curl %[1]s/metrics
  curl -X PUT %[1]s/connectors/airports-out/pause
  echo '"XBER","","Berth","Bremen","Bremen","DE",3,53.1,8.8,"Europe/Berlin",""' >> %[2]s
  tail -f %[3]s
  bin/berth plugin new transform shout && bin/berth plugin build shout
Kafka is at %[4]s, the worker's log at %[5]s.`, s.worker.url, s.input, s.output, s.worker.kafka, s.worker.logs)
}

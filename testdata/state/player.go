package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/testdata/local"
)

// stepPatience bounds the wait for a step to leave in the topics what was recorded, which takes a flush of offsets or a
// scheduled rebalance (3 s) at most; sessionTime is what a killed worker is missed after, besides.
const (
	stepPatience = 12 * time.Second
	sessionTime  = 10 * time.Second
)

// quietTime is how long nothing more may come after what was recorded.
const quietTime = 400 * time.Millisecond

// player plays the steps of a scenario.
type player struct {
	scenario
	program, home, bootstrap string

	log       *topicLog
	addresses map[string]string // recorded address of a worker -> that of ours
	running   []runningWorker   // in the order of their starts
	written   []logged          // since the step before
	marks     map[string][]int64
}

type runningWorker struct {
	recorded string // address
	*process
}

func newPlayer(ctx context.Context, s scenario, program, home, bootstrap string) (*player, error) {
	input := filepath.Join(home, "in.txt")
	if err := errors.Join(os.MkdirAll(home, 0o755), os.WriteFile(input, []byte(lines), 0o600)); err != nil {
		return nil, err
	}
	topics := slices.Collect(maps.Values(s.Topics))
	for _, described := range s.described {
		if !slices.Contains(topics, described.Topic) {
			topics = append(topics, described.Topic)
		}
	}
	log, err := openLog(bootstrap, topics)
	if err != nil {
		return nil, err
	}
	p := &player{scenario: s, program: program, home: home, bootstrap: bootstrap, log: log, marks: map[string][]int64{}}
	if p.addresses, err = addressesFor(s); err != nil {
		return nil, err
	}
	return p, p.fillSinkTopic(ctx)
}

// addressesFor finds an address for each recorded worker. Their order is kept, as a leader goes through the members of
// its group in the order of ids that begin with the address.
func addressesFor(s scenario) (map[string]string, error) {
	var recorded []string
	for _, step := range s.steps {
		if step.Properties != nil && !slices.Contains(recorded, step.Worker) {
			recorded = append(recorded, step.Worker)
		}
	}
	ours, err := local.Addresses(len(recorded))
	if err != nil {
		return nil, err
	}
	slices.Sort(recorded)
	slices.Sort(ours)
	addresses := map[string]string{}
	for i := range recorded {
		addresses[recorded[i]] = ours[i]
	}
	return addresses, nil
}

func (p *player) close() {
	for _, worker := range p.running {
		worker.stop()
	}
	p.log.client.Close()
}

// What the recorded source read, as its offsets tell: Connect's counts characters, and skips as many bytes.
const (
	lines    = "one\ntwo\nfour\nпервый\n"
	moreLine = "added\n"
)

// fillSinkTopic makes the topic that the recorded sink read: its group had committed 2 of each of 4 partitions.
func (p *player) fillSinkTopic(ctx context.Context) error {
	topic := strings.TrimSuffix(p.Topics["config"], "-configs") + "-t-lines"
	if len(p.committed.Committed) == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	partitions := int32(len(p.committed.Committed))
	if _, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for i := range 2 * partitions {
		record := &kgo.Record{Topic: topic, Partition: i % partitions, Value: fmt.Appendf(nil, "line %d", i)}
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return fmt.Errorf("write to topic %s: %w", topic, err)
		}
	}
	return nil
}

func (p *player) play(ctx context.Context) []outcome {
	var outcomes []outcome
	for i, s := range p.steps {
		o := outcome{id: fmt.Sprintf("step %d (%s)", s.Number, s.title())}
		if err := errors.Join(p.act(s), p.compare(ctx, s)); err != nil {
			o.failure = strings.Join(strings.Fields(err.Error()), " ")
		}
		outcomes = append(outcomes, o)
		if i == 0 {
			outcomes = append(outcomes, p.describedTopics(ctx, true))
		}
	}
	if len(p.described) > len(p.Topics) {
		outcomes = append(outcomes, p.describedTopics(ctx, false))
	}
	if len(p.committed.Committed) > 0 {
		outcomes = append(outcomes, p.committedOffsets(ctx))
	}
	if len(p.transactions.Transactions) > 0 {
		outcomes = append(outcomes, p.transactionalIDs(ctx))
	}
	return outcomes
}

func (s step) title() string {
	if s.What != "" {
		title, _, _ := strings.Cut(s.What, ":")
		return title
	}
	return s.Method + " " + s.Path
}

// act does what the step says. What events are is told in words.
func (p *player) act(s step) error {
	switch {
	case s.Method != "":
		return p.request(s)
	case s.Properties != nil:
		return p.start(s)
	case strings.Contains(s.What, "SIGKILL"):
		err := p.end(s, (*process).kill)
		time.Sleep(sessionTime)
		return err
	case strings.Contains(s.What, "SIGTERM"), strings.HasPrefix(s.What, "stopped"),
		strings.Contains(s.What, "worker stopped"):
		return p.end(s, (*process).stop)
	case strings.HasPrefix(s.What, "one more line"):
		file, err := os.OpenFile(filepath.Join(p.home, "in.txt"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteString(moreLine)
		return errors.Join(err, file.Close())
	case strings.HasPrefix(s.What, "20 s later"):
		time.Sleep(20 * time.Second) // keys are made anew by the clock
	}
	return nil
}

// start starts a worker and waits until it takes part; one at the same address ends first.
func (p *player) start(s step) error {
	if at := p.indexOf(s.Worker); at >= 0 {
		p.running[at].stop()
		p.running = slices.Delete(p.running, at, at+1)
	}
	address := p.addresses[s.Worker]
	_, port, _ := net.SplitHostPort(address) // it is what was listened on
	properties := maps.Clone(s.Properties)
	properties["bootstrap.servers"], properties["listeners"] = p.bootstrap, "http://"+address
	properties["rest.advertised.port"], properties["plugin.path"] = port, filepath.Join(filepath.Dir(p.home), "plugins")
	properties["berth.data.dir"], properties["berth.allow.dirs"] = filepath.Join(filepath.Dir(p.home), "data"), p.home
	worker, err := startWorker(p.program, p.home, properties)
	if err != nil {
		return err
	}
	p.running = append(p.running, runningWorker{s.Worker, worker})
	return worker.awaitHealth("http://" + address)
}

func (p *player) indexOf(recorded string) int {
	return slices.IndexFunc(p.running, func(w runningWorker) bool { return w.recorded == recorded })
}

// end ends the worker that the step names, or the second one, or else the first.
func (p *player) end(s step, how func(*process)) error {
	if len(p.running) == 0 {
		return errors.New("no worker runs")
	}
	at := p.indexOf(s.Worker)
	if at < 0 && strings.HasPrefix(s.What, "second") {
		at = len(p.running) - 1
	}
	at = max(at, 0)
	how(p.running[at].process)
	p.running = slices.Delete(p.running, at, at+1)
	return nil
}

// request sends what was sent, and looks at the answer: whole if it was asked for, else only at the status.
func (p *player) request(s step) error {
	base := "http://" + p.addresses[s.Worker]
	if s.Method == http.MethodGet {
		return p.ask(base, s)
	}
	address, err := url.Parse(base)
	if err != nil {
		return err
	}
	path, query, _ := strings.Cut(s.Path, "?")
	if address.Path, err = url.PathUnescape(path); err != nil {
		return err
	}
	address.RawPath, address.RawQuery = path, query
	request, err := http.NewRequest(s.Method, address.String(), bytes.NewReader(s.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != s.Status {
		return fmt.Errorf("status %d, recorded %d: %s", response.StatusCode, s.Status, said)
	}
	return nil
}

func (p *player) ask(base string, s step) error {
	c := comparison{base: base, ids: p.addresses}
	var err error
	for deadline := time.Now().Add(stepPatience); time.Now().Before(deadline); time.Sleep(askInterval) {
		if err = c.difference(answer{s.Path, s.Status, s.Response}); err == nil {
			return nil
		}
	}
	return err
}

// compare waits until the topics hold what was recorded, and no more.
func (p *player) compare(ctx context.Context, s step) error {
	if s.Ends == nil {
		return nil
	}
	want, err := p.recordedBefore(s.Ends)
	if err != nil {
		return err
	}
	var difference error
	quietSince := time.Now()
	for deadline := time.Now().Add(stepPatience); time.Now().Before(deadline); time.Sleep(askInterval) {
		records, err := p.log.read(ctx)
		if err != nil {
			return err
		}
		if len(records) > 0 {
			p.written, quietSince = append(p.written, records...), time.Now()
		}
		difference = p.differences(want, p.written)
		if difference == nil && time.Since(quietSince) > quietTime {
			break
		}
	}
	p.written, p.marks = nil, s.Ends
	return difference
}

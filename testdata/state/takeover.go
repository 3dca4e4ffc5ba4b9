package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/local"
)

// takeoverPatience bounds the wait for a worker to answer as recorded.
const takeoverPatience = 30 * time.Second

const askInterval = 50 * time.Millisecond

// takeover is a recorded state: the content of the three topics, and what a worker answers that was started on it.
type takeover struct {
	dir, home string

	Topics       map[string]string  `json:"topics"`     // config, offset and status
	Partitions   map[string]int32   `json:"partitions"` // of these
	TopicConfigs map[string]*string `json:"topic_configs"`
	Worker       map[string]string  `json:"worker"` // properties
	Files        map[string]string  `json:"files_in_working_directory"`
	Started      bool               `json:"started"`
	Answers      []answer           `json:"answers"`

	Appended map[string][]recorded `json:"appended_by_worker"` // by kind of topic
}

// answer is that to a GET.
type answer struct {
	Path     string `json:"path"`
	Status   int    `json:"status"`
	Response any    `json:"response"`
}

// playTakeovers starts the program berth on each state below dir, or on one.
func playTakeovers(dir, only string) ([]outcome, error) {
	folders, err := filepath.Glob(filepath.Join(dir, cmp.Or(only, "*"), "expect.json"))
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "berth-takeover-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	program, err := buildWorker(tmp)
	if err != nil {
		return nil, err
	}
	var outcomes []outcome
	for _, file := range folders {
		name := filepath.Base(filepath.Dir(file))
		o := outcome{id: name}
		if err := playTakeover(filepath.Dir(file), program, filepath.Join(tmp, name)); err != nil {
			o.failure = err.Error()
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// playTakeover returns how a worker on the state in dir differs from the recording.
func playTakeover(dir, program, home string) error {
	t := takeover{dir: dir, home: home}
	text, err := os.ReadFile(filepath.Join(dir, "expect.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(rootedIn(t.home, string(text))), &t); err != nil {
		return fmt.Errorf("read expect.json: %w", err)
	}
	for name, content := range t.Files {
		file := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(home, 0o755), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	ctx := context.Background()
	bootstrap, stop, err := startBroker(filepath.Join(home, "kafka"))
	if err != nil {
		return err
	}
	defer stop()
	if err := t.load(ctx, bootstrap); err != nil {
		return fmt.Errorf("load the topics: %w", err)
	}
	written, err := followTopics(ctx, bootstrap, t.Topics)
	if err != nil {
		return err
	}
	defer written.client.Close()
	return t.compare(ctx, program, bootstrap, written)
}

// relative finds the names of files in the worker's current directory, which plugins of Berth do not have.
var relative = regexp.MustCompile(`("file(?:name)?": ?")([^"/]+")`)

// rootedIn gives files a path from the root.
func rootedIn(home, text string) string { return relative.ReplaceAllString(text, "${1}"+home+"/$2") }

// recorded is a record of a topic, or the marker that ends a transaction.
type recorded struct {
	Partition int32   `json:"partition"`
	Offset    int64   `json:"offset"`
	Text      string  `json:"key"`
	Key       *string `json:"key_b64"`
	Value     *string `json:"value_b64"`
	Batch     struct {
		BaseOffset    int64  `json:"base_offset"` // records written together share it
		Transactional bool   `json:"transactional"`
		Control       bool   `json:"control"`
		ControlType   string `json:"control_type"`
	} `json:"batch"`
}

// content is the record's key and value with the paths of this run; nil: it has none.
func (r recorded) content(home string) (key, value []byte, err error) {
	for _, part := range []struct {
		from *string
		to   *[]byte
	}{{r.Key, &key}, {r.Value, &value}} {
		if part.from == nil {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(*part.from)
		if err != nil {
			return nil, nil, fmt.Errorf("read a recorded record: %w", err)
		}
		*part.to = []byte(rootedIn(home, string(text)))
	}
	return key, value, nil
}

// load fills the three topics.
func (t takeover) load(ctx context.Context, bootstrap string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, kind := range []string{"config", "offset", "status"} {
		_, err := kadm.NewClient(client).CreateTopic(ctx, t.Partitions[kind], 1, t.TopicConfigs, t.Topics[kind])
		if err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topics[kind], err)
		}
		records, err := t.records(kind)
		if err != nil {
			return err
		}
		if err := t.write(ctx, client, bootstrap, t.Topics[kind], records); err != nil {
			return fmt.Errorf("write to topic %s: %w", t.Topics[kind], err)
		}
	}
	return nil
}

func (t takeover) records(kind string) ([]recorded, error) {
	text, err := os.ReadFile(filepath.Join(t.dir, kind+".jsonl"))
	if err != nil {
		return nil, err
	}
	var records []recorded
	for line := range strings.Lines(string(text)) {
		var r recorded
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%s.jsonl: %w", kind, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// write keeps the order: a transaction ends where its marker stands.
func (t takeover) write(ctx context.Context, plain *kgo.Client, bootstrap, topic string, records []recorded) error {
	var open *kgo.Client
	for i, r := range records {
		switch {
		case r.Batch.Control:
			end := kgo.TryAbort
			if r.Batch.ControlType == "COMMIT" {
				end = kgo.TryCommit
			}
			if open == nil {
				return fmt.Errorf("record %d: a marker without a transaction", i)
			}
			err := open.EndTransaction(ctx, end)
			open.Close()
			if open = nil; err != nil {
				return fmt.Errorf("end a transaction: %w", err)
			}
			continue
		case r.Batch.Transactional && open == nil:
			var err error
			if open, err = begin(bootstrap, fmt.Sprintf("%s-%d", topic, i)); err != nil {
				return err
			}
		}
		client := plain
		if r.Batch.Transactional {
			client = open
		}
		record, err := r.record(t, topic)
		if err != nil {
			return err
		}
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

func begin(bootstrap, id string) (*kgo.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.TransactionalID(id),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	return client, client.BeginTransaction()
}

func (r recorded) record(t takeover, topic string) (*kgo.Record, error) {
	key, value, err := r.content(t.home)
	return &kgo.Record{Topic: topic, Partition: r.Partition, Key: key, Value: value}, err
}

// compare runs a worker and waits until it answers as recorded and has written what was recorded.
func (t takeover) compare(ctx context.Context, program, bootstrap string, written *appended) error {
	addresses, err := local.Addresses(1)
	if err != nil {
		return err
	}
	address := addresses[0]
	worker, err := startWorker(program, t.home, t.properties(t.home, bootstrap, address))
	if err != nil {
		return err
	}
	defer worker.stop()
	asked := comparison{
		base: "http://" + address, ids: map[string]string{t.recordedID(): address}, passed: map[string]bool{},
	}
	var difference error
	for deadline := time.Now().Add(takeoverPatience); time.Now().Before(deadline); time.Sleep(askInterval) {
		select {
		case err := <-worker.ended:
			worker.ended <- err
			if t.Started {
				return fmt.Errorf("the worker ended: %w: %s", err, worker.lastLine())
			}
			return nil
		default:
		}
		if difference = asked.differences(t.Answers); difference == nil {
			difference = written.missing(ctx, t, address)
		}
		if difference == nil && t.Started {
			return nil
		}
	}
	if !t.Started {
		return errors.New("the worker runs where Connect's ended")
	}
	return difference
}

func (t takeover) recordedID() string {
	return net.JoinHostPort(t.Worker["rest.advertised.host.name"], t.Worker["rest.advertised.port"])
}

func (t takeover) properties(home, bootstrap, address string) map[string]string {
	_, port, _ := net.SplitHostPort(address) // it is what was listened on
	properties := map[string]string{}
	for key, value := range t.Worker {
		properties[key] = value
	}
	properties["bootstrap.servers"], properties["listeners"] = bootstrap, "http://"+address
	properties["rest.advertised.port"] = port
	properties["berth.data.dir"], properties["berth.allow.dirs"] = filepath.Join(filepath.Dir(home), "data"), home
	return properties
}

// process is a running worker.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan error
}

// startWorker starts a worker that leaves in its topics what Kafka Connect does by fault, too: that is recorded.
func startWorker(program, home string, properties map[string]string) (*process, error) {
	var text strings.Builder
	properties = maps.Clone(properties)
	properties[host.KafkaQuirksKey] = "true"
	for key, value := range properties {
		fmt.Fprintf(&text, "%s=%s\n", key, value)
	}
	file := filepath.Join(home, "worker.properties")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(program, "worker", "-c", file), log: log.Name(), ended: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = home, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// awaitHealth returns when the worker has started, and is in its group.
func (p *process) awaitHealth(base string) error {
	for deadline := time.Now().Add(takeoverPatience); time.Now().Before(deadline); time.Sleep(askInterval) {
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("the worker ended: %w: %s", err, p.lastLine())
		default:
		}
		if health, err := get(base, "/health"); err == nil && health.Status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the worker has not started within %v: %s", takeoverPatience, p.lastLine())
}

// stop ends the worker softly, or after a while as a crash does.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error: it has ended
	select {
	case <-p.ended:
	case <-time.After(takeoverPatience):
		p.kill()
	}
}

// kill ends the worker as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error: it has ended
	<-p.ended
}

func (p *process) lastLine() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

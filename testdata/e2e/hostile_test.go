package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// hostileMemoryMax bounds the resident memory of the worker: two guests at their cap, and half a GiB for all else.
const hostileMemoryMax = 1536 << 20

var (
	// hostileWithin is how long a guest that misbehaves may live.
	hostileWithin = strictOr(2*time.Second, 8*time.Second)
	// restWithin is the 99th percentile of GET /connectors while guests misbehave.
	restWithin = strictOr(50*time.Millisecond, 500*time.Millisecond)
)

// hostileCase is a guest, the step at which it misbehaves, and the cause that its user reads.
type hostileCase struct{ how, step, kind, says string }

const overCPU = "limit cpu-per-batch"

var hostileCases = []hostileCase{
	// Where a guest can loop: each step of its life.
	{"loop", "section", "sink", "start function"},
	{"loop", "_start", "sink", overCPU},
	{"loop", "describe", "sink", overCPU},
	{"loop", "validate", "sink", overCPU},
	{"loop", "connector", "sink", overCPU},
	{"loop", "configs", "sink", overCPU},
	{"loop", "start", "sink", overCPU},
	{"loop", "poll", "source", overCPU},
	{"loop", "batch", "sink", overCPU},
	{"loop", "batch", "transform", overCPU},
	{"loop", "flush", "sink", overCPU},
	// How a guest can loop.
	{"nested", "batch", "sink", overCPU},
	{"wrapping", "batch", "sink", overCPU},
	{"float", "batch", "sink", overCPU},
	{"division", "batch", "sink", overCPU},
	{"simd", "batch", "sink", overCPU},
	{"brtable", "batch", "sink", overCPU},
	{"tree", "batch", "sink", overCPU},
	{"indirecttree", "batch", "sink", overCPU},
	{"indirectmaze", "batch", "sink", overCPU},
	{"straight", "batch", "sink", overCPU},
	{"chase", "batch", "sink", overCPU},
	{"select", "batch", "sink", overCPU},
	{"naps", "batch", "sink", overCPU},
	// Stack, memory, tables.
	{"recursion", "batch", "sink", "limit stack-bytes"},
	{"mutual", "batch", "sink", "limit stack-bytes"},
	{"bigframes", "batch", "sink", "limit stack-bytes"},
	{"tablerecursion", "batch", "sink", "limit stack-bytes"},
	{"grow", "batch", "sink", "limit "}, // of memory, or of CPU: the system clears what it touches
	{"growsteps", "batch", "sink", "limit "},
	{"growrefused", "batch", "sink", overCPU},
	{"fill", "batch", "sink", overCPU},
	{"copy", "batch", "sink", overCPU},
	{"tablegrow", "batch", "sink", "unreachable"},
	{"tablegrowsteps", "batch", "sink", "unreachable"},
	{"tablecopy", "batch", "sink", overCPU},
	{"tableinitial", "describe", "sink", "table"},
	// Wrong calls.
	{"pollpointer", "batch", "sink", "buffer outside of memory"},
	{"polllength", "batch", "sink", "buffer outside of memory"},
	{"puthead", "batch", "sink", "unreachable"},
	{"putdata", "batch", "sink", "unreachable"},
	{"puthuge", "batch", "sink", "put of 83886080 bytes"},
	{"putlarge", "batch", "transform", "limit output-bytes"},
	{"putkind", "batch", "sink", "unknown kind 4711"},
	{"puttwice", "batch", "sink", "asks for none"},
	{"putspin", "batch", "sink", overCPU},
	{"garbage", "batch", "sink", "read batch"},
	{"almost", "batch", "transform", "read batch"},
	{"amplify", "batch", "transform", "grew over 67108864 bytes"},
	{"env", "describe", "sink", `unknown module "env"`},
	{"otherabi", "describe", "sink", "this worker speaks berth_abi_1"},
	{"signature", "describe", "sink", "signature"},
	{"memoryinitial", "describe", "sink", "memory"},
	{"commitpointer", "flush", "sink", "unreachable"},
	{"commitgarbage", "flush", "sink", "broke the ABI"},
	{"commitseq", "flush", "sink", "asks for none"},
	{"logpointer", "batch", "sink", "unreachable"},
	{"metricpointer", "batch", "sink", "unreachable"},
	{"metricflood", "batch", "sink", overCPU},
	{"position", "batch", "sink", "unreachable"},
	{"fdwrite", "batch", "sink", "unreachable"},
	{"fdread", "batch", "sink", "unreachable"},
	{"randomget", "batch", "sink", "unreachable"},
	{"polloneoff", "batch", "sink", "unreachable"},
	{"fdwritebomb", "batch", "sink", overCPU},
	{"newlines", "batch", "sink", overCPU},
	{"logflood", "batch", "sink", overCPU},
	{"randombomb", "batch", "sink", overCPU},
	{"clockspin", "batch", "sink", overCPU},
	{"pollspin", "batch", "sink", overCPU},
	// Traps, exits and sleep.
	{"trap", "_start", "sink", "unreachable"},
	{"trap", "describe", "sink", "unreachable"},
	{"trap", "validate", "sink", "unreachable"},
	{"trap", "connector", "sink", "unreachable"},
	{"trap", "configs", "sink", "unreachable"},
	{"trap", "start", "sink", "unreachable"},
	{"trap", "poll", "source", "unreachable"},
	{"trap", "batch", "transform", "unreachable"},
	{"trap", "flush", "sink", "unreachable"},
	{"exit", "describe", "sink", "exited early"},
	{"exit", "validate", "sink", "exited early"},
	{"exit", "configs", "sink", "exited early"},
	{"exit", "start", "sink", "exited early"},
	{"exit", "batch", "sink", "exited early"},
	{"sleep", "describe", "sink", "limit sleep-per-batch"},
	{"sleep", "validate", "sink", "limit time-per-call"},
	{"sleep", "start", "sink", "limit time-per-call"},
	{"sleep", "batch", "sink", "limit time-per-call"},
	{"sleep", "batch", "transform", "limit sleep-per-batch"},
	// Ends that are not waited for.
	{"loop", "stop", "sink", ""},
	{"sleep", "stop", "sink", ""},
	{"trap", "stop", "sink", ""},
	{"loop", "described", "sink", ""},
	{"sleep", "described", "sink", ""},
}

func (c hostileCase) name() string { return c.how + "-" + strings.Trim(c.step, "_") + "-" + c.kind }

// Each guest costs its own task only, soon, and by name; a neighbour, REST and the worker's memory do not notice.
func TestE2EHostileGuests(t *testing.T) {
	p := startProcess(t, hostileLimits()...)
	neighbour := startNeighbour(p)
	rest, memory := p.watchREST(), p.watchMemory()
	table := &hostileTable{}
	t.Run("guests", func(t *testing.T) {
		for _, c := range hostileCases {
			t.Run(c.name(), func(t *testing.T) {
				t.Parallel()
				own := *p
				own.t, own.patience = t, 4*hostileWithin
				own.misbehave(c, table)
			})
		}
	})
	latencies := rest()
	t.Logf("a neighbour got %d records, all of them once; GET /connectors %d times: p50 %v, p99 %v, max %v; "+
		"memory of the worker at most %d MiB\n%s", neighbour.finish(), len(latencies), percentile(latencies, 50),
		percentile(latencies, 99), percentile(latencies, 100), memory()>>20, table)
	if p99 := percentile(latencies, 99); p99 > restWithin {
		t.Errorf("GET /connectors: p99 is %v, at most %v", p99, restWithin)
	}
	if most := memory(); most > hostileMemoryMax {
		t.Errorf("the worker had %d MiB of memory, at most %d", most>>20, hostileMemoryMax>>20)
	}
}

// hostileLimits are settings of the worker under which a guest that sleeps is noticed about as soon as one that
// computes, but no guest of a crowded machine because it had to wait for a core.
func hostileLimits() []string {
	wall := strictOr("1800", "4000")
	return []string{"BERTH_LIMITS_BATCH_CPU_MS=500", "BERTH_LIMITS_BATCH_SLEEP_MS=1000", "BERTH_LIMITS_START_MS=" + wall,
		"BERTH_LIMITS_DESCRIBE_MS=" + wall, "BERTH_LIMITS_TRANSFORM_MS=" + wall, "BERTH_LIMITS_PUT_MS=" + wall,
		"CONNECT_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS=1000"}
}

// strictOr is the bound that is promised when BERTH_STRICT is set, which makes sense on an idle machine; otherwise one
// that a crowded machine keeps as well.
func strictOr[T any](strict, loose T) T {
	if os.Getenv("BERTH_STRICT") != "" {
		return strict
	}
	return loose
}

func (p *process) misbehave(c hostileCase, table *hostileTable) {
	module := guests.Text{How: c.how, Step: c.step, Kind: c.kind}
	wasm, name := module.Build(p.t), p.name(c.name())
	started := time.Now()
	code, answer := p.upload(name, wasm)
	if slices.Contains([]string{"section", "_start", "describe"}, c.step) {
		contains(p.t, p.refused(http.StatusBadRequest, code, answer), name, c.says)
		p.checkSoon(c, time.Since(started), table)
		return
	}
	if code != http.StatusCreated {
		p.t.Fatalf("upload: %d %s", code, answer)
	}
	uploaded := time.Now()
	if c.step == "described" { // it is killed after its manifest, and nobody waits for it
		table.add(c, uploaded.Sub(started))
		return
	}
	topic, config := p.hostileConfig(c, module.Class())
	code, answer = p.call("PUT", "/connectors/"+name+"/config", config)
	if c.step == "validate" {
		contains(p.t, p.refused(code, code, answer), module.Class(), c.says)
		p.checkSoon(c, time.Since(uploaded), table)
		return
	}
	if code != http.StatusCreated {
		p.t.Fatalf("PUT config: %d %s", code, answer)
	}
	if c.step == "stop" {
		p.awaitState(name, "RUNNING", 1)
	} else {
		trace := p.awaitFailure(name)
		contains(p.t, trace, c.says, "plugin "+module.Class(), "version "+guests.Version)
		if c.step == "batch" {
			contains(p.t, trace, topic+"-0@0")
		}
		p.checkSoon(c, p.lifeOf(name), table)
	}
	started = time.Now()
	p.ask("DELETE", "/connectors/"+name, nil, nil)
	p.await(name+" being gone", func() bool {
		code, _ := p.call("GET", "/connectors/"+name+"/status", nil)
		return code == http.StatusNotFound
	})
	if c.step == "stop" {
		p.checkSoon(c, time.Since(started), table)
	}
}

// hostileConfig makes a topic with a record of 100 kB, and the configuration of a connector that gets them.
func (p *process) hostileConfig(c hostileCase, class string) (topic string, config keys) {
	p.t.Helper()
	topic = p.name(c.name())
	config = p.sink(p.file(c.name()), topic)
	switch c.kind {
	case "source":
		return topic, keys{"connector.class": class, "tasks.max": "1"}
	case "sink":
		config["connector.class"] = class
	case "transform":
		config["transforms"], config["transforms.bad.type"] = "bad", class
	}
	p.CreateTopic(p.t, topic, 1)
	p.Produce(p.t, kafkatest.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 100_000)})
	return topic, config
}

// lifeOf is the time from a guest's last words to its end, by the worker's log.
func (p *process) lifeOf(connector string) time.Duration {
	p.t.Helper()
	var began, ended time.Time
	for line := range bytes.Lines(read(p.t, p.log.Name())) {
		var entry struct {
			Time           time.Time
			Msg, Connector string
		}
		if json.Unmarshal(line, &entry) != nil || entry.Connector != connector {
			continue
		}
		switch entry.Msg {
		case "misbehaves now":
			began = entry.Time
		case "task failed", "connector failed":
			ended = entry.Time
		}
	}
	if began.IsZero() || ended.IsZero() {
		p.t.Fatalf("the log does not tell when %s began to misbehave (%v) and when it ended (%v)", connector, began, ended)
	}
	return ended.Sub(began)
}

func (p *process) checkSoon(c hostileCase, took time.Duration, table *hostileTable) {
	p.t.Helper()
	table.add(c, took)
	if took > hostileWithin {
		p.t.Errorf("it took %v to end the guest, at most %v", took, hostileWithin)
	}
}

// hostileTable is what a reader of the test's output gets: how long each guest lived.
type hostileTable struct {
	sync.Mutex
	rows []string
}

func (h *hostileTable) add(c hostileCase, took time.Duration) {
	h.Lock()
	defer h.Unlock()
	h.rows = append(h.rows, fmt.Sprintf("%s\t%s\t%s\t%v\t%s\n", c.how, c.step, c.kind,
		took.Round(time.Millisecond), c.says))
}

func (h *hostileTable) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	slices.Sort(h.rows)
	fmt.Fprintf(w, "guest\tstep\tkind\tended after\tcause\n%s", strings.Join(h.rows, ""))
	_ = w.Flush()
	return b.String()
}

// neighbour is a stock source and a stock sink of the same worker, fed with 1,000 records a second.
type neighbour struct{ flow }

func startNeighbour(p *process) neighbour {
	p.t.Helper()
	f := flow{p, p.name("neighbour"), p.name("neighbour-in"), p.name("neighbour-out"), p.file("neighbour.out"), nil}
	f.stop = p.appendAtPace(p.file("in.txt"))
	p.put(f.from, p.source(p.file("in.txt"), f.topic))
	p.put(f.to, p.sink(f.output, f.topic))
	f.awaitOutput()
	return neighbour{f}
}

// finish checks that no record was lost or came twice, and returns their number.
func (n neighbour) finish() int {
	n.t.Helper()
	count := n.flow.finish()
	n.checkTopic(n.topic, count)
	n.checkFile(n.output, count)
	return count
}

// watchREST asks for the list of connectors 50 times a second; the function that it returns ends that and returns how
// long the answers took, sorted.
func (p *process) watchREST() func() []time.Duration {
	quit, done := make(chan struct{}), make(chan []time.Duration, 1)
	go func() {
		var took []time.Duration
		for {
			select {
			case <-quit:
				slices.Sort(took)
				done <- took
				return
			case <-time.After(20 * time.Millisecond):
			}
			asked := time.Now()
			response, err := http.Get(p.url + "/connectors")
			if err != nil {
				p.t.Errorf("GET /connectors: %v", err)
				continue
			}
			if response.Body.Close(); response.StatusCode != http.StatusOK {
				p.t.Errorf("GET /connectors: %s", response.Status)
			}
			took = append(took, time.Since(asked))
		}
	}()
	return func() []time.Duration {
		close(quit)
		return <-done
	}
}

// watchMemory looks at the worker's resident memory; the function that it returns tells the most it has had.
func (p *process) watchMemory() func() int64 {
	status := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	return func() int64 {
		for line := range strings.Lines(string(read(p.t, status))) {
			if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
				kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					p.t.Fatal(err)
				}
				return kib << 10
			}
		}
		p.t.Fatalf("%s does not tell VmHWM", status)
		return 0
	}
}

// percentile of sorted values.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(10 * time.Microsecond)
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/kafka"
)

// swapTasks is how many tasks write to the one topic of the scene.
const swapTasks = 2

// playSwap lets two versions of a transformation take turns under load. Each record says which version made it and how
// many that transformation has made, a count that goes from version to version.
func playSwap(ctx context.Context, s *scene) error {
	s.say("swap: a transformation is replaced %d times while %d records/s pass it, in %d tasks", s.swaps, s.rate,
		swapTasks)
	began := time.Now()
	versions := []string{"1.0.0", "2.0.0"}
	for _, version := range versions {
		module, err := s.compile("stamp", version)
		if err == nil {
			err = s.upload("", module)
		}
		if err != nil {
			return err
		}
	}
	s.tell("plugin", "stamp 1.0.0 and 2.0.0, compiled and uploaded: %s", round(time.Since(began)))
	config := sceneSource("stamped", swapTasks, float64(s.rate)/swapTasks)
	config["transforms"], config["transforms.stamp.type"] = "stamp", "test.Stamp"
	config["transforms.stamp.plugin.version"] = versions[0]
	if err := s.ask(http.MethodPut, "/connectors/in/config", config, nil); err != nil {
		return err
	}
	if err := s.awaitRunning(ctx, "", "in", swapTasks); err != nil {
		return err
	}
	time.Sleep(swapLead)
	p := newSwapProof(versions[0])
	var pauses []time.Duration
	p.from = time.Now()
	for i := range s.swaps {
		time.Sleep(time.Until(p.from.Add(time.Duration(i) * swapEvery)))
		var swaps []listedSwap
		err := s.swap(http.MethodPut, "/connectors/in/transforms/stamp/version",
			map[string]string{"version": versions[(i+1)%2]}, &swaps)
		if err != nil {
			return err
		}
		took, err := p.log.add(swaps[0])
		if err != nil {
			return err
		}
		pauses = append(pauses, took...)
	}
	p.to = time.Now()
	if err := s.stopConnector(ctx, "/connectors/in"); err != nil {
		return err
	}
	s.tell("swaps", "%d in %s, each done in all tasks; no task was started anew", s.swaps, round(p.to.Sub(p.from)))
	s.tell("pause", "p50 %s, p99 %s, longest %s (of %d)", round(quantile(pauses, 0.5)), round(quantile(pauses, 0.99)),
		round(quantile(pauses, 1)), len(pauses))
	return s.proveSwaps(ctx, p)
}

// swapLead is how long records flow before the first swap, for comparison.
const swapLead = 2 * time.Second

// swapEvery is the least time from one swap to the next.
const swapEvery = 100 * time.Millisecond

// proveSwaps reads the topic and holds it against the swaps' own log.
func (s *scene) proveSwaps(ctx context.Context, p *swapProof) error {
	total, err := s.read(ctx, "stamped", func(r kafka.TopicRecord) bool {
		p.add(r)
		return p.problem == nil
	})
	if err != nil {
		return err
	}
	if p.problem != nil {
		return p.problem
	}
	before, during, slowest := p.throughput()
	s.tell("throughput", "%.0f records/s before, %.0f meanwhile (%+.1f %%); in the slowest %d ms %d", before, during,
		100*(during/before-1), swapBucketMs, slowest)
	s.say("proof: what the topic says, against the version that the swap log names for each offset")
	s.tell("records", "%d: the numbers 0 to %d of task 0, 0 to %d of task 1, in order; 0 lost, 0 twice", total,
		p.next[0]-1, p.next[1]-1)
	s.tell("versions", "%d by 1.0.0, %d by 2.0.0, in %d turns; 0 by another than the log names",
		p.perVersion["1.0.0"], p.perVersion["2.0.0"], p.turns)
	s.tell("state", "each record counted once, by one version after the other: 0 gaps")
	if p.turns < s.swaps {
		return fmt.Errorf("the topic shows %d turns of a version, the log has %d: records must pass between swaps; "+
			"raise -rate", p.turns, swapTasks*s.swaps)
	}
	return s.checkEnd(p.next)
}

// checkEnd holds the numbers that are due against the offsets that the tasks have committed at their end.
func (s *scene) checkEnd(next []int64) error {
	var stored struct {
		Offsets []struct {
			Partition struct{ Task int }
			Offset    struct{ Index int64 }
		}
	}
	if err := s.ask(http.MethodGet, "/connectors/in/offsets", nil, &stored); err != nil {
		return err
	}
	if len(stored.Offsets) != len(next) {
		return fmt.Errorf("%d tasks have committed offsets, want %d", len(stored.Offsets), len(next))
	}
	for _, o := range stored.Offsets {
		if o.Offset.Index != next[o.Partition.Task] {
			return fmt.Errorf("task %d has committed %d records, the topic has %d", o.Partition.Task, o.Offset.Index,
				next[o.Partition.Task])
		}
	}
	return nil
}

// versionLog is what the swap log names: for each task the numbers of records behind which a version began.
type versionLog map[string][]versionFrom

type versionFrom struct {
	after   int64
	version string
}

// add notes a swap and returns the pauses of its tasks.
func (l versionLog) add(s listedSwap) ([]time.Duration, error) {
	if s.State != "done" || s.Version == nil || len(s.Tasks) != swapTasks {
		return nil, fmt.Errorf("swap %d is %s: %s", s.Revision, s.State, dashedText(s.Reason))
	}
	var pauses []time.Duration
	for _, task := range s.Tasks {
		if task.Restarted || task.PauseUs == nil || len(task.After) != 1 {
			return nil, fmt.Errorf("swap %d: task %d was started anew, or has no offset: %s", s.Revision, task.ID,
				dashedText(task.Reason))
		}
		var partition struct{ Task json.Number }
		var next struct{ Index int64 }
		if err := errors.Join(json.Unmarshal(task.After[0].Partition, &partition),
			json.Unmarshal(task.After[0].Offset, &next)); err != nil {
			return nil, fmt.Errorf("swap %d, task %d: its offset can't be read: %w", s.Revision, task.ID, err)
		}
		id := partition.Task.String()
		l[id] = append(l[id], versionFrom{next.Index - 1, *s.Version})
		pauses = append(pauses, time.Duration(*task.PauseUs)*time.Microsecond)
	}
	return pauses, nil
}

// swapBucketMs is the length of the times in which records are counted.
const swapBucketMs = 100

// swapProof checks each record of the topic.
type swapProof struct {
	log        versionLog
	first      string // the version before all swaps
	next       []int64
	at         [swapTasks]int // of the log's entries
	turns      int
	perVersion map[string]int64
	rates      map[int64]int64 // records by time, in swapBucketMs
	from, to   time.Time       // of the swaps
	problem    error
}

func newSwapProof(first string) *swapProof {
	return &swapProof{log: versionLog{}, first: first, next: make([]int64, swapTasks), perVersion: map[string]int64{},
		rates: map[int64]int64{}}
}

// add reads "NUMBER … COUNT TASK/VERSION".
func (p *swapProof) add(r kafka.TopicRecord) {
	fields := strings.Fields(string(r.Value))
	mark := string(r.Value[bytes.LastIndexByte(r.Value, ' ')+1:])
	task, version, _ := strings.Cut(mark, "/")
	id, err := strconv.Atoi(task)
	if err != nil || id < 0 || id >= swapTasks || len(fields) < 3 {
		p.problem = fmt.Errorf("record %q at offset %d is not stamped", r.Value, r.Offset)
		return
	}
	due := p.next[id]
	want := p.versionOf(id, due)
	switch {
	case fields[0] != strconv.FormatInt(due, 10):
		p.problem = fmt.Errorf("record %q at offset %d: number %d of task %d is due", r.Value, r.Offset, due, id)
	case version != want:
		p.problem = fmt.Errorf("record %q at offset %d: the log names version %s", r.Value, r.Offset, want)
	case fields[len(fields)-2] != strconv.FormatInt(due+1, 10):
		p.problem = fmt.Errorf("record %q at offset %d: it was to be counted as %d", r.Value, r.Offset, due+1)
	}
	p.next[id]++
	p.perVersion[version]++
	p.rates[r.TimestampMs/swapBucketMs]++
}

// versionOf is the version that the log names for a task's record; records come in order.
func (p *swapProof) versionOf(task int, number int64) string {
	turns := p.log[strconv.Itoa(task)]
	for p.at[task] < len(turns) && number > turns[p.at[task]].after {
		p.at[task]++
		p.turns++
	}
	if p.at[task] == 0 {
		return p.first
	}
	return turns[p.at[task]-1].version
}

// throughput is in records a second before the swaps and while they went on, and the fewest in a whole bucket then.
func (p *swapProof) throughput() (before, during float64, slowest int64) {
	from := p.from.UnixMilli()/swapBucketMs + 1
	to := max(p.to.UnixMilli()/swapBucketMs, from+1)
	lead := from - int64(swapLead/time.Millisecond)/swapBucketMs + 1
	sum := func(from, to int64) (sum, least int64) {
		least = p.rates[from]
		for at := from; at < to; at++ {
			sum += p.rates[at]
			least = min(least, p.rates[at])
		}
		return sum, least
	}
	seconds := func(from, to int64) float64 { return float64(max(to-from, 1)*swapBucketMs) / 1000 }
	n, _ := sum(lead, from-1)
	before = float64(n) / seconds(lead, from-1)
	n, slowest = sum(from, to)
	return before, float64(n) / seconds(from, to), slowest
}

// quantile sorts the durations.
func quantile(of []time.Duration, share float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[int(share*float64(len(of)-1))]
}

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
)

// neighbourShareMin is how much of its throughput a neighbour keeps at least while another tenant runs amok.
const neighbourShareMin = 0.5

// restPause is the time between two requests of those that are timed.
const restPause = 20 * time.Millisecond

const amokSpace, calmSpace = "/tenants/amok", "/tenants/calm"

// attack is a connector that a tenant runs amok with, and what of its trace tells that it was stopped by a limit; "":
// it is slowed or cut instead.
type attack struct{ name, does, stopped string }

var attacks = []attack{
	{"loop", "never returns from a batch", "limit cpu-per-batch"},
	{"memory", "takes all memory", "limit memory-per"},
	{"panic", "panics on each batch", "exit code 2"},
	{"flood", "logs without end", ""},
}

// playAmok has two tenants: the records of one flow while the other's plugins do what they should not.
func playAmok(ctx context.Context, s *scene) error {
	s.say("amok: two tenants on one worker; one runs plugins that loop, eat memory, panic and flood")
	module, err := s.compile("hostile", "6.6.6")
	if err != nil {
		return err
	}
	for space, quota := range map[string]host.Quota{calmSpace: {}, amokSpace: {MemoryBytes: 256 << 20,
		RecordsPerSecond: 2000, LogLinesPerSecond: 100}} {
		topics := []string{strings.TrimPrefix(space, "/tenants/") + ".*"}
		if err := s.ask(http.MethodPut, space, map[string]any{"topics": topics, "quota": quota}, nil); err != nil {
			return err
		}
	}
	if err := s.upload(amokSpace, module); err != nil {
		return err
	}
	if err := s.ask(http.MethodPut, calmSpace+"/connectors/in/config", sceneSource("calm.numbers", 1, float64(s.rate)),
		nil); err != nil {
		return err
	}
	if err := s.awaitRunning(ctx, calmSpace, "in", 1); err != nil {
		return err
	}
	return s.measureAmok(ctx)
}

// measureAmok lets the neighbour run alone, then beside the attacks, and compares.
func (s *scene) measureAmok(ctx context.Context) error {
	phase := time.Duration(s.seconds) * time.Second
	marks := []time.Time{time.Now()}
	alone, err := s.timeREST(ctx, phase)
	if err != nil {
		return err
	}
	if err := s.attack(ctx); err != nil {
		return err
	}
	marks = append(marks, time.Now())
	beside, err := s.timeREST(ctx, phase)
	if err != nil {
		return err
	}
	marks = append(marks, time.Now())
	var calm sceneStatus
	if err := s.ask(http.MethodGet, calmSpace+"/connectors/in/status", nil, &calm); err != nil {
		return err
	}
	if calm.Tasks[0].State != "RUNNING" {
		return fmt.Errorf("the neighbour's task is %s: %s", calm.Tasks[0].State, calm.Tasks[0].Trace)
	}
	var failures []host.TaskFailure
	if err := s.ask(http.MethodGet, calmSpace+"/connectors/in/tasks/0/failures", nil, &failures); err != nil {
		return err
	}
	if len(failures) > 0 {
		return fmt.Errorf("the neighbour's task has failed: %s", failures[0].Trace)
	}
	if err := s.tellAttacks(ctx); err != nil {
		return err
	}
	if err := s.stopConnector(ctx, calmSpace+"/connectors/in"); err != nil {
		return err
	}
	s.tell("REST", "p50 %s, p99 %s before; p50 %s, p99 %s, longest %s meanwhile (%d requests, none failed)",
		round(quantile(alone, 0.5)), round(quantile(alone, 0.99)), round(quantile(beside, 0.5)),
		round(quantile(beside, 0.99)), round(quantile(beside, 1)), len(alone)+len(beside))
	return s.proveCalm(ctx, marks)
}

// amokRestarts has an attack begin again, a tenth of a second after it was stopped, as long as the scene goes on.
var amokRestarts = map[string]string{"berth.restart.max": "10000", "berth.restart.backoff.ms": "100",
	"berth.restart.backoff.max.ms": "100"}

// attack starts all attacks, first a source that makes records as fast as it can: beside one that takes all of the
// tenant's memory it would not be started.
func (s *scene) attack(ctx context.Context) error {
	greedy := sceneSource("amok.greedy", 1, 0)
	maps.Copy(greedy, amokRestarts)
	if err := s.ask(http.MethodPut, amokSpace+"/connectors/greedy/config", greedy, nil); err != nil {
		return err
	}
	if err := s.awaitRunning(ctx, amokSpace, "greedy", 1); err != nil {
		return err
	}
	for _, a := range attacks {
		config := sceneSource("amok."+a.name, 1, 1000)
		maps.Copy(config, amokRestarts)
		maps.Copy(config, map[string]string{"transforms": "x", "transforms.x.type": "hostile.Transform",
			"transforms.x.misbehave": "batch:" + a.name})
		if err := s.ask(http.MethodPut, amokSpace+"/connectors/"+a.name+"/config", config, nil); err != nil {
			return err
		}
	}
	return nil
}

// timeREST asks for the neighbour's status again and again, and returns how long the answers took.
func (s *scene) timeREST(ctx context.Context, phase time.Duration) ([]time.Duration, error) {
	var took []time.Duration
	for end := time.Now().Add(phase); time.Now().Before(end); {
		began := time.Now()
		if err := s.ask(http.MethodGet, calmSpace+"/connectors/in/status", nil, nil); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(restPause):
		}
	}
	return took, nil
}

// tellAttacks tells what became of each attack; one that nothing has stopped fails the scene.
func (s *scene) tellAttacks(ctx context.Context) error {
	for _, a := range attacks {
		if a.stopped == "" {
			continue
		}
		trace, err := s.awaitStopped(ctx, a)
		if err != nil {
			return err
		}
		s.tell("amok", "%s (%s): %s", a.name, a.does, trace)
	}
	var usage host.Usage
	if err := s.ask(http.MethodGet, "/usage?tenant=amok", nil, &usage); err != nil {
		return err
	}
	if len(usage.Tenants) != 1 {
		return fmt.Errorf("usage of tenant amok: %d tenants", len(usage.Tenants))
	}
	used := usage.Tenants[0]
	s.tell("together", "%d instances ended, %s of CPU, at most %s of memory%s", used.Used.Traps,
		round(time.Duration(used.Used.CPUMillis)*time.Millisecond), size(used.Used.MemoryPeakBytes),
		shownSlowed(used.Slowed))
	if used.Used.Traps == 0 || used.Slowed.Waits == 0 {
		return fmt.Errorf("the attacks ended %d instances, and the greedy source waited %d times: they were to be stopped",
			used.Used.Traps, used.Slowed.Waits)
	}
	return nil
}

// awaitStopped waits until an attack was stopped for the reason that it should be, and returns what the trace says.
func (s *scene) awaitStopped(ctx context.Context, a attack) (said string, err error) {
	err = s.await(ctx, fmt.Sprintf("a failure of %s by %q", a.name, a.stopped), func() (bool, error) {
		var failures []host.TaskFailure
		err := s.ask(http.MethodGet, amokSpace+"/connectors/"+a.name+"/tasks/0/failures", nil, &failures)
		for _, f := range failures {
			if _, rest, found := strings.Cut(f.Trace, a.stopped); found {
				line, _, _ := strings.Cut(rest, "\n")
				line, _, _ = strings.Cut(line, ":")
				said = a.stopped + line
				return true, nil
			}
		}
		return false, err
	})
	return said, err
}

// proveCalm reads the neighbour's topic: all its records, and how many it made in each of two times.
func (s *scene) proveCalm(ctx context.Context, marks []time.Time) error {
	var made [2]int64
	var next int64
	var problem error
	_, err := s.read(ctx, "calm.numbers", func(r kafka.TopicRecord) bool {
		if number, _, _ := strings.Cut(string(r.Value), " "); number != strconv.FormatInt(next, 10) {
			problem = fmt.Errorf("the neighbour's record %q is at offset %d, number %d is due", r.Value, r.Offset, next)
			return false
		}
		next++
		for i := range made {
			if r.TimestampMs >= marks[i].UnixMilli() && r.TimestampMs < marks[i+1].UnixMilli() {
				made[i]++
			}
		}
		return true
	})
	if err != nil || problem != nil {
		return cmp.Or(err, problem)
	}
	before, beside := float64(made[0])/marks[1].Sub(marks[0]).Seconds(), float64(made[1])/marks[2].Sub(marks[1]).Seconds()
	s.tell("neighbour", "%.0f records/s before, %.0f meanwhile (%+.1f %%)", before, beside, 100*(beside/before-1))
	s.tell("proof", "the neighbour's task was never stopped; numbers 0 to %d are in its topic, in order; 0 lost, 0 twice",
		next-1)
	if beside < neighbourShareMin*before {
		return fmt.Errorf("the neighbour has %.0f records/s of %.0f, less than %.0f %%", beside, before,
			100*neighbourShareMin)
	}
	return nil
}

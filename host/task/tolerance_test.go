package task

import (
	"fmt"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/pipeline"
)

func TestRetriesDoubleAndEndWithTheirTime(t *testing.T) {
	start := time.UnixMilli(0)
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	cases := []struct {
		name   string
		policy Tolerance
		at     []int64 // failures, ms
		want   []int64 // delays, ms; -1: none; -2: random below the maximum

	}{
		{name: "off", policy: Tolerance{RetryDelayMax: time.Minute}, at: []int64{0}, want: []int64{-1}},
		{name: "doubles", policy: Tolerance{RetryTimeout: -1, RetryDelayMax: time.Minute},
			at: []int64{0, 1, 2, 3}, want: []int64{300, 600, 1200, 2400}},
		{name: "past the maximum", policy: Tolerance{RetryTimeout: -1, RetryDelayMax: 700 * time.Millisecond},
			at: []int64{0, 1, 2, 3}, want: []int64{300, 600, -2, -2}},
		{name: "no delay", policy: Tolerance{RetryTimeout: -1}, at: []int64{0, 1}, want: []int64{0, 0}},
		{name: "up to the deadline", policy: Tolerance{RetryTimeout: time.Second, RetryDelayMax: time.Minute},
			at: []int64{0, 300, 900, 1000}, want: []int64{300, 600, 100, -1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var a attempts
			for i, ms := range c.at {
				delay, ok := a.again(&c.policy, at(ms))
				switch want := c.want[i]; {
				case want == -1 && ok, want != -1 && !ok:
					t.Fatalf("failure %d: again %v", i+1, ok)
				case want == -2 && (delay < 0 || delay >= c.policy.RetryDelayMax),
					want >= 0 && delay != time.Duration(want)*time.Millisecond:
					t.Errorf("failure %d: delay %v, want %d ms", i+1, delay, want)
				}
			}
		})
	}
	many := attempts{failed: 1 << 20}
	if d, ok := many.again(&Tolerance{RetryTimeout: -1, RetryDelayMax: time.Hour}, start); !ok || d < 0 || d >= time.Hour {
		t.Errorf("after a million failures: %v, %v", d, ok)
	}
}

// failures makes failures of records, given as INDEX and what it is: r retriable, d data, p retriable by a sink.
func failures(list ...any) []pipeline.RecordFailure {
	var all []pipeline.RecordFailure
	for i := 0; i < len(list); i += 2 {
		f := pipeline.RecordFailure{Record: list[i].(int), Code: abi.CodeData}
		f.Stage.Kind = abi.KindTransform
		switch list[i+1] {
		case "r":
			f.Code = abi.CodeRetriable
		case "p":
			f.Code, f.Stage.Kind = abi.CodeRetriable, abi.KindSink
		}
		all = append(all, f)
	}
	return all
}

func TestJudge(t *testing.T) {
	none, all := Tolerance{}, Tolerance{All: true}
	noneAgain, allAgain := Tolerance{RetryTimeout: -1}, Tolerance{All: true, RetryTimeout: -1}
	over := attempts{stage: pipeline.Stage{Stage: abi.Stage{Kind: abi.KindTransform}}.Where(), failed: 1,
		deadline: time.UnixMilli(1)}
	cases := []struct {
		name     string
		policy   Tolerance
		failures []pipeline.RecordFailure
		attempts attempts
		want     string // done, failed, then fatal or the record that is tried again
	}{
		{"all pass", none, nil, attempts{}, "5 0"},
		{"one ends the task", none, failures(3, "d", 1, "d"), attempts{}, "1 1 fatal"},
		{"all are tolerated", all, failures(3, "d", 1, "r"), attempts{}, "5 2"},
		{"one is tried again", noneAgain, failures(2, "r"), attempts{}, "2 0 again 2"},
		{"what is before it counts", allAgain, failures(1, "d", 2, "r", 3, "d"), attempts{}, "2 1 again 2"},
		{"data errors are not tried again", noneAgain, failures(1, "d", 2, "r"), attempts{}, "1 1 fatal"},
		{"nor are sinks", allAgain, failures(2, "p"), attempts{}, "5 1"},
		{"the time is over", Tolerance{All: true, RetryTimeout: 1}, failures(0, "r", 2, "r"), over, "1 1"},
		{"the time is over and ends the task", Tolerance{RetryTimeout: 1}, failures(0, "r"), over, "0 1 fatal"},
		{"another record has its own time", Tolerance{RetryTimeout: time.Hour}, failures(1, "r"), over, "1 0 again 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := c.policy.judge(5, c.failures, &c.attempts, time.UnixMilli(10))
			got := fmt.Sprint(v.done, " ", len(v.failed))
			if v.fatal {
				got += " fatal"
			}
			if v.retry != nil {
				got += fmt.Sprint(" again ", v.retry.Record)
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestSplitLetsOneRecordGoAlone(t *testing.T) {
	s := newSplit(5)
	var parts []string
	step := func() { lo, hi := s.next(); parts = append(parts, fmt.Sprint(lo, "-", hi)) }
	step() // an instance ends on record 3 of all
	if s.suspects(3) {
		t.Error("a record of five is blamed at once")
	}
	step()
	s.settled(&verdict{done: 3})
	step() // record 3 alone
	if !s.suspects(3) {
		t.Error("a record alone is not blamed")
	}
	s.settled(&verdict{done: 1, failed: failures(0, "d")})
	step()
	if got := fmt.Sprint(parts); got != "[0-5 0-3 3-4 4-5]" || s.done() {
		t.Errorf("%s, done %v", got, s.done())
	}
	s.settled(&verdict{done: 0, retry: &pipeline.RecordFailure{}})
	step()
	s.settled(&verdict{done: 1})
	if !s.done() {
		t.Error("not done")
	}
}

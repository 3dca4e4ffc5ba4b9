package task

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
)

// fusedChain is that of a task whose connector has a transformation in its instance; what it says goes to said.
func fusedChain(t *testing.T, kind string, goesAlone bool) (c *chain, said *[]host.SwapReport) {
	t.Helper()
	stage := func(kind string) pipeline.Stage {
		return pipeline.Stage{Stage: abi.Stage{Kind: kind, Alias: "t"}, Found: plugin.Plugin{Digest: "m",
			Plugin: abi.Plugin{Class: kind, Kind: kind, GoesAlone: goesAlone && kind != abi.KindTransform}}}
	}
	stages := []pipeline.Stage{stage(kind), stage(abi.KindTransform)}
	if kind == abi.KindSink {
		slices.Reverse(stages)
	}
	said = &[]host.SwapReport{}
	config := &Config{Stages: stages, Log: slog.New(slog.DiscardHandler), Target: NewTarget(false), Swaps: NewSwaps(),
		SwapWindow: time.Hour, Alone: func() {}, Swapped: func(r host.SwapReport) <-chan struct{} {
			*said = append(*said, r)
			return nil
		}}
	group := pipeline.Groups(stages, false)[0]
	c = &chain{connector: &pipeline.Link{Group: group}}
	c.begin(config, group, nil, func() []host.SwapPosition { return []host.SwapPosition{{Offset: []byte("7")}} })
	return c, said
}

// awaits is as if the instance had been asked to give its other stages up for none.
func (c *chain) awaits(policy *host.SwapPolicy) {
	connector, others := c.group.Apart()
	b := built{Swap: Swap{Revision: 3, Stages: connector.Stages, Probation: policy}, same: &pipeline.Link{Group: others}}
	c.leaving = &leaving{b, time.NewTimer(time.Hour)}
}

func stateMessage(states ...abi.StageState) guest.Message {
	return guest.Message{Kind: abi.MessageState, Body: abi.EncodeStates(states)}
}

func TestWhyAConnectorClingsToItsStages(t *testing.T) {
	for _, c := range []struct {
		kind                         string
		goesAlone, paused, connector bool
		want                         string
	}{
		{abi.KindSource, true, false, false, ""},
		{abi.KindSource, false, false, false, "goes_alone"},
		{abi.KindSource, true, true, false, "paused"},
		{abi.KindSource, true, false, true, "transaction.boundary=connector"},
		{abi.KindSink, true, false, false, ""},
		{abi.KindSink, true, true, false, ""},
		{abi.KindSink, false, false, false, "goes_alone"},
	} {
		chain, _ := fusedChain(t, c.kind, c.goesAlone)
		chain.connectorEndsTransactions = c.connector
		chain.config.Target.Set(c.paused)
		if got := chain.clings(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
		err := chain.replace(t.Context(), Swap{Revision: 3})
		var restage *Restage
		if !errors.As(err, &restage) || restage.Reason != "the configuration has no stages that could run" {
			t.Errorf("%+v, no stages: %v", c, err)
		}
		if c.want == "" {
			continue
		}
		err = chain.replace(t.Context(), Swap{Revision: 3, Stages: chain.group.Stages[:1]})
		if !errors.As(err, &restage) || !strings.Contains(restage.Reason, c.want) || failure(err) != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestStagesLeaveAndOthersTakeTheirPlace(t *testing.T) {
	for _, kind := range []string{abi.KindSource, abi.KindSink} {
		c, said := fusedChain(t, kind, true)
		c.load = load{records: 5000, failed: 7, spent: time.Second}
		c.awaits(&host.SwapPolicy{LatencyRatio: 2})
		if err := c.left(t.Context(), stateMessage(), time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if len(*said) != 1 {
			t.Fatalf("%s: reports %+v", kind, *said)
		}
		r := (*said)[0]
		if r.State != host.SwapDone || r.Restarted || r.Revision != 3 || len(r.Changes) != 1 ||
			r.PauseUs < time.Second.Microseconds() || string(r.After[0].Offset) != "7" {
			t.Errorf("%s: %+v", kind, r)
		}
		if len(c.links) != 0 || len(c.kept.links) != 1 || len(c.group.Stages) != 1 || len(c.connector.Group.Stages) != 1 ||
			c.leaving != nil || c.late() != nil {
			t.Errorf("%s: the chain is %+v", kind, c)
		}
		if before := c.probation.before; before != (load{records: 5000, failed: 7}) {
			t.Errorf("%s: probation by %+v", kind, before)
		}
	}
}

// A stage that can't tell what it keeps keeps all of them; on probation the swap has failed, else the task starts anew.
func TestStagesThatStay(t *testing.T) {
	bad := stateMessage(abi.StageState{Stage: 1, Error: "it is a secret"})
	c, said := fusedChain(t, abi.KindSource, true)
	c.awaits(&host.SwapPolicy{})
	if err := c.left(t.Context(), bad, time.Now()); err != nil || len(*said) != 1 {
		t.Fatalf("%v, %+v", err, *said)
	}
	if r := (*said)[0]; r.State != host.SwapFailed || !strings.Contains(r.Reason, "it is a secret") ||
		len(c.group.Stages) != 2 || c.leaving != nil {
		t.Errorf("%+v, %+v", r, c)
	}
	c.awaits(nil)
	var restage *Restage
	if err := c.left(t.Context(), bad, time.Now()); !errors.As(err, &restage) ||
		!strings.Contains(restage.Reason, "it is a secret") || failure(err) != nil {
		t.Errorf("without probation: %v", err)
	}
}

func TestWaitsForStagesThatLeaveEnd(t *testing.T) {
	c, _ := fusedChain(t, abi.KindSource, true)
	c.awaits(nil)
	c.leaving.overdue.Reset(0)
	<-c.late()
	err := c.stay("and so on")
	var restage *Restage
	if !errors.As(err, &restage) || restage.Reason != sharedInstance+", and so on" || len(restage.Changes) != 1 ||
		c.leaving != nil || failure(err) != nil {
		t.Errorf("%v, %+v", err, c.leaving)
	}
	c.awaits(nil)
	cause := errors.New("a trap\nand more")
	if err = c.failsToLeave(cause); !errors.Is(failure(err), cause) || !errors.Is(err, errInstance) ||
		!strings.HasSuffix(err.Error(), "which ended when it was to give them up: a trap") || c.leaving != nil {
		t.Errorf("%v", err)
	}
	c.awaits(nil)
	c.close()
	if c.leaving != nil {
		t.Error("the end of a task leaves a swap behind")
	}
}

func TestTimesOfOtherStagesAreNoMeasure(t *testing.T) {
	for _, c := range []struct {
		before load
		slow   bool
	}{
		{load{records: 5000, spent: time.Millisecond}, true},
		{(&load{records: 5000, spent: time.Millisecond}).untimed(), false},
	} {
		p := newProbation(&host.SwapPolicy{LatencyRatio: 2}, &c.before)
		if p.watch(&load{records: 5000, spent: time.Second}); (p.slow != "") != c.slow {
			t.Errorf("%+v: %q", c.before, p.slow)
		}
	}
}

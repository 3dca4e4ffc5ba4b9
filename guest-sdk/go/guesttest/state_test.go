package guesttest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest"
)

// keeper is a transform that marks values; begun and goOn, if there are any, hold it at each.
type keeper struct {
	begun, goOn chan struct{}
	export      func() ([]byte, error)
}

func (k *keeper) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	if k.begun != nil {
		k.begun <- struct{}{}
		<-k.goOn
	}
	r.SetValue(nil, "marked "+r.Value().(string))
	return guest.Keep, nil
}

func (k *keeper) ExportState(context.Context) ([]byte, error) { return k.export() }

func (k *keeper) ImportState(context.Context, string, []byte) error { return nil }

func startKeeper(t *testing.T, f *feed, k *keeper) *guesttest.Task {
	t.Helper()
	return startFeed(t, f, guest.Plugin{Class: "keeper", Version: "1", KeepsState: true,
		NewTransform: func() guest.Transform { return k }})
}

func wantValue(t *testing.T, batch abi.Batch, want string) {
	t.Helper()
	if got := string(batch.Entry(0).Value().Bytes); batch.Len() != 1 || got != want {
		t.Fatalf("%d records, the first is %q, want %q", batch.Len(), got, want)
	}
}

func wantState(t *testing.T, task *guesttest.Task, want abi.StageState) {
	t.Helper()
	states, err := abi.ParseStates(task.Next(abi.MessageState).Body)
	if err != nil || len(states) != 1 || states[0].Stage != want.Stage || states[0].Error != want.Error ||
		string(states[0].State) != string(want.State) {
		t.Fatalf("%+v, %v, want %+v", states, err, want)
	}
}

func TestASourceThatWaitsGoesAloneAtOnce(t *testing.T) {
	f := newFeed()
	task := startKeeper(t, f, &keeper{export: func() ([]byte, error) { return []byte("kept"), nil }})
	f.give("a")
	wantValue(t, task.Records(), "marked a")
	task.Send(abi.EventAlone, nil)
	wantState(t, task, abi.StageState{Stage: 1, State: []byte("kept")})
	f.give("b")
	wantValue(t, task.Records(), "b")
	task.Send(abi.EventDurable, abi.EncodeDurable([]int64{1, 2}))
	if got := append(<-f.durable, <-f.durable...); strings.Join(got, " ") != "a b" {
		t.Errorf("durable: %v", got)
	}
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
}

// What passes the stages when ALONE comes has passed them all; what comes behind it is heeded meanwhile.
func TestASourceGoesAloneBehindItsBatch(t *testing.T) {
	f := newFeed()
	k := &keeper{begun: make(chan struct{}), goOn: make(chan struct{}), export: func() ([]byte, error) { return nil, nil }}
	task := startKeeper(t, f, k)
	f.give("a")
	<-k.begun
	task.Send(abi.EventPause, nil)
	task.Send(abi.EventAlone, nil)
	task.Send(abi.EventResume, nil)
	k.goOn <- struct{}{}
	wantValue(t, task.Records(), "marked a")
	wantState(t, task, abi.StageState{Stage: 1})
	f.give("b")
	wantValue(t, task.Records(), "b")
}

func TestASourceThatIsToGoAloneStops(t *testing.T) {
	f := newFeed()
	k := &keeper{begun: make(chan struct{}), goOn: make(chan struct{}), export: func() ([]byte, error) { return nil, nil }}
	task := startKeeper(t, f, k)
	f.give("a")
	<-k.begun
	task.Send(abi.EventPause, nil) // so the batch is never put
	task.Send(abi.EventAlone, nil)
	close(k.goOn)
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestASourceDoesNotGoAloneWithoutTheStateOfItsStages(t *testing.T) {
	f := newFeed()
	k := &keeper{export: func() ([]byte, error) { return nil, errors.New("it is a secret") }}
	task := startKeeper(t, f, k)
	for range 2 { // it may be asked again
		task.Send(abi.EventAlone, nil)
		wantState(t, task, abi.StageState{Stage: 1, Error: "it is a secret"})
		f.give("a")
		wantValue(t, task.Records(), "marked a")
	}
	k.export = func() ([]byte, error) { panic("on purpose") }
	task.Send(abi.EventAlone, nil)
	failure, err := abi.ParseFailure(task.Next(abi.MessageFailed).Body)
	if err != nil || failure.Stage != 1 || !strings.HasPrefix(failure.Message, "panic: on purpose") {
		t.Errorf("%+v, %v", failure, err)
	}
}

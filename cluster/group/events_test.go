package group

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

func TestLostDropsWhatWasNotTaken(t *testing.T) {
	e := newEvents()
	e.emit(Revoking{Work{Connectors: []string{"taken"}}})
	taken := e.take()
	e.emit(Revoking{Work{Connectors: []string{"dropped"}}})
	e.emit(Joined{})
	e.emit(Lost{"expelled"})
	taken = append(taken, e.take()...)
	if want := []Event{Revoking{Work{Connectors: []string{"taken"}}}, Lost{"expelled"}}; !reflect.DeepEqual(taken, want) {
		t.Errorf("took %v, want %v", taken, want)
	}
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(&errLost{reason: "expelled"})
	e.answerStopped()
	var lost *errLost
	if err := e.awaitStopped(ended); !errors.As(err, &lost) {
		t.Errorf("with one of two answered: %v, want the cause of the context", err)
	}
	e.answerStopped()
	if err := e.awaitStopped(ended); err != nil {
		t.Errorf("with both answered: %v", err)
	}
	e.answerStopped() // one too many is nothing that a later Revoking could be answered by
	e.emit(Revoking{})
	if err := e.awaitStopped(ended); err == nil {
		t.Error("a Revoking was answered before it was emitted")
	}
}

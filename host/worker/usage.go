package worker

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/usage"
)

// Usage is what guests of this worker used since it started; only restricts it to one tenant (nil: all).
func (w *Worker) Usage(only *string) host.Usage { return w.book.Usage(only) }

// openAccount opens the accounts that pay for an instance of a group.
func (w *Worker) openAccount(connector string, group pipeline.Group) *usage.Instance {
	stages := make([]usage.Stage, len(group.Stages))
	for i, s := range group.Stages {
		stages[i] = usage.Stage{Digest: s.Found.Digest, Class: s.Found.Class, Connector: s.IsConnector()}
	}
	return w.book.Instance(connector, stages)
}

// closeAccount ends the use of the accounts of an instance that ended so.
func closeAccount(account *usage.Instance, ended error) {
	if at, trapped := trapOf(ended); trapped {
		account.Trapped(at)
	}
	account.Close()
}

// trapOf tells whether an instance ended through its own fault, and in which stage; -1: that is not known.
func trapOf(ended error) (stage int, trapped bool) {
	var trap *engine.GuestError
	if !errors.As(ended, &trap) || errors.Is(ended, context.Canceled) || errors.Is(ended, guest.ErrStopTimeout) {
		return -1, false
	}
	at, _ := guest.Where(ended)
	return at.Stage, true
}

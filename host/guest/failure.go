package guest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/engine"
)

// Failure is an error that the guest itself reported with FAILED.
type Failure struct{ abi.Failure }

func (f *Failure) Error() string { return f.Message }

// At says in words what a guest was doing when it ended, for traces: its phase, stage and record.
type At struct {
	Phase  string
	Stage  int // index in the plan, -1 unknown
	Record int64
}

// Where finds the place of an error in the guest; ok is false for errors that are not a guest's.
func Where(err error) (At, bool) {
	var failure *Failure
	if errors.As(err, &failure) {
		return At{Stage: int(failure.Stage), Record: failure.Record}, true
	}
	var guest *engine.GuestError
	if errors.As(err, &guest) {
		at := At{Stage: -1, Record: -1}
		if guest.At.Known {
			at = At{Phase: phaseName(abi.Phase(guest.At.Phase)), Stage: int(guest.At.Stage), Record: -1}
			if guest.At.Record != abi.None {
				at.Record = int64(guest.At.Record)
			}
		}
		return at, true
	}
	return At{Stage: -1, Record: -1}, errors.Is(err, ErrGarbage) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrEnded)
}

// Class is the exception class that Connect would show for a failure of this code.
func Class(code abi.Code, class string) string {
	if class != "" {
		return class
	}
	switch code {
	case abi.CodeRetriable:
		return "org.apache.kafka.connect.errors.RetriableException"
	case abi.CodeData:
		return "org.apache.kafka.connect.errors.DataException"
	case abi.CodeConfig:
		return "org.apache.kafka.common.config.ConfigException"
	}
	return "org.apache.kafka.connect.errors.ConnectException"
}

// Classed is an error that Connect has an exception class for.
type Classed interface {
	error
	JavaClass() string
}

func classOf(err error) string {
	var classed Classed
	if errors.As(err, &classed) {
		return classed.JavaClass()
	}
	return Class(abi.CodeConnect, "")
}

// Trace writes an error the way Connect's status shows one: class and message first, then where it happened and what
// the guest left behind.
func Trace(err error, where string) string {
	var b strings.Builder
	var failure *Failure
	if errors.As(err, &failure) {
		fmt.Fprintf(&b, "%s: %s\n", Class(failure.Code, failure.Class), failure.Message)
	} else {
		fmt.Fprintf(&b, "%s: %s\n", classOf(err), err)
	}
	if where != "" {
		fmt.Fprintf(&b, "\tat %s\n", where)
	}
	var guest *engine.GuestError
	if errors.As(err, &guest) && guest.Detail != "" {
		for line := range strings.Lines(guest.Detail) {
			fmt.Fprintf(&b, "\t%s\n", strings.TrimRight(line, "\n"))
		}
	}
	return b.String()
}

var phaseNames = map[abi.Phase]string{
	abi.PhaseIdle: "idle", abi.PhaseStart: "start", abi.PhasePoll: "poll", abi.PhasePut: "put", abi.PhaseApply: "apply",
	abi.PhaseFlush: "flush", abi.PhaseStop: "stop", abi.PhaseDescribe: "describe", abi.PhaseValidate: "validate",
	abi.PhaseConfigs: "task configs", abi.PhaseCommit: "commit", abi.PhaseAlter: "alter offsets",
	abi.PhaseState: "state",
}

func phaseName(p abi.Phase) string {
	if name, ok := phaseNames[p]; ok {
		return name
	}
	return fmt.Sprintf("phase %d", p)
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/berth-connect/berth/host"
)

// Position is where a guest was when it ended: the last words it left through the import "position".
type Position struct {
	Stage  uint32 // index in the plan
	Record uint32 // index in the batch
	Phase  uint32 // abi.Phase…
	Known  bool   // false: the guest registered none
}

// GuestError tells how an instance ended other than by exit code 0.
type GuestError struct {
	Reason string   // first line: "trap: unreachable", "exit code 2", "killed: …"
	Detail string   // wasm stack and last words on standard error; may be long, may be empty
	At     Position // where it was
	Cause  error    // a *host.LimitError, a context's cause; nil for traps and exits
}

func (e *GuestError) Error() string { return e.Reason }
func (e *GuestError) Unwrap() error { return e.Cause }

// guestError turns what wazero says into a GuestError; nil for exit code 0.
func guestError(ctx context.Context, err error, in *instance, mem *guestMemory) error {
	if err == nil {
		return nil
	}
	g := &GuestError{At: in.position(), Detail: in.stderr.tail()}
	var exit *sys.ExitError
	switch {
	case in.faulted != "":
		g.Reason = "broken call: " + in.faulted
	case ctx.Err() != nil:
		g.Cause = context.Cause(ctx)
		g.Reason = "killed: " + g.Cause.Error()
	case errors.As(err, &exit) && exit.ExitCode() == 0:
		return nil
	case errors.As(err, &exit):
		g.Reason = fmt.Sprintf("exit code %d", exit.ExitCode())
	default:
		reason, stack, _ := strings.Cut(err.Error(), "\n")
		reason = strings.TrimPrefix(reason, "wasm error: ")
		g.Reason = "trap: " + reason
		g.Detail = strings.TrimSpace(g.Detail + "\n" + stack)
		if reason == "stack overflow" { // an error that wazero keeps to itself
			g.Cause = &host.LimitError{Name: host.LimitStack, Limit: fmt.Sprintf("%d bytes", host.StackBytesMax),
				What: "nests calls too deep"}
			g.Reason = g.Cause.Error()
		}
	}
	if g.Cause == nil && mem.refused != nil { // most guests end as soon as they get no memory, each in its own way
		g.Cause = mem.refused.Refusal()
		g.Reason += ", after " + g.Cause.Error()
	}
	return g
}

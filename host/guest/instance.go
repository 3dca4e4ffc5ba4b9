// Package guest drives instances of modules: it starts one with a plan, hands events over, receives messages and
// sees to it that every instance ends in bounded time.
package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
)

// Instance is a running guest as its owner sees it. Send and Recv belong to one goroutine at a time.
type Instance struct {
	Limits host.Limits // what it is held to

	link    *Link
	network bool // it has been granted connections
	kill    context.CancelCauseFunc
	done    chan struct{} // closed when the guest has ended
	err     error         // why; readable after done
	errant  []abi.Errant  // told while another message was due
}

// Options of an instance beside its plan.
type Options struct {
	Engine  engine.Config
	Log     *slog.Logger
	Metrics Metrics
	Usage   Usage // nil: nobody counts
	Serve   Serve // of requests; nil: the guest may make none

	Boundaries bool // a source's transaction boundaries are passed on, each behind its batch
}

// Errors of an instance that the host ends.
var (
	// ErrStopTimeout: the guest did not exit within the time it was given.
	ErrStopTimeout = errors.New("the module did not stop in time")
	// ErrTimeout: the guest did not answer in time.
	ErrTimeout = errors.New("the module did not answer in time")
	// ErrEnded: the guest exited although nobody asked it to.
	ErrEnded = errors.New("the module exited early")
)

// Run makes an instance of module, gives it plan and returns; the instance runs on a goroutine of its own, the only
// one that touches its memory, until it exits, is killed or ctx ends.
func Run(ctx context.Context, module *engine.Module, plan abi.Plan, opts Options) *Instance {
	ctx, kill := context.WithCancelCause(ctx)
	config := opts.Engine
	config.Limits = config.Limits.WithDefaults()
	config.Sleepless = !waits(plan)
	link := newLink(opts.Log, opts.Metrics, config.Limits)
	link.ctx, link.serve, link.boundaries = ctx, opts.Serve, opts.Boundaries
	link.precedence = module.Precedence()
	config.Precedence = link.precedence
	if opts.Usage != nil {
		link.usage = opts.Usage
	}
	has := func(kind string) bool {
		return slices.ContainsFunc(plan.Stages, func(s abi.Stage) bool { return s.Kind == kind })
	}
	link.source, link.sink = has(abi.KindSource), has(abi.KindSink)
	i := &Instance{Limits: config.Limits, link: link, network: config.Network != nil, kill: kill,
		done: make(chan struct{})}
	config.Stderr = &lineWriter{link: link}
	link.send(abi.EventPlan, Bytes(plan.Encode()))
	go func() {
		defer close(i.done)
		defer kill(nil)
		i.err = module.Run(ctx, config, link)
	}()
	go i.enforce(ctx)
	return i
}

// waits tells whether a guest has something to wait for besides the host: a connector has, stages between have not.
func waits(plan abi.Plan) bool {
	return plan.Role != abi.RoleDescribe && (plan.Role != abi.RoleTask ||
		slices.ContainsFunc(plan.Stages, func(s abi.Stage) bool {
			return s.Kind == abi.KindSource || s.Kind == abi.KindSink
		}))
}

// enforce kills the instance at its first breach of the ABI.
func (i *Instance) enforce(ctx context.Context) {
	select {
	case err := <-i.link.broken:
		i.kill(err)
	case <-ctx.Done():
	case <-i.done:
	}
}

// Send queues an event for the guest and returns its seq.
func (i *Instance) Send(kind abi.EventKind, body Body) uint32 { return i.link.send(kind, body) }

// Recv returns the guest's next message, or why there will be none: a *Failure that the guest reported, a
// *engine.GuestError, ErrEnded after a clean exit, or ctx's error.
func (i *Instance) Recv(ctx context.Context) (Message, error) { return i.recv(ctx, nil) }

// errLate: what recv waits for has not come in time.
var errLate = errors.New("late")

func (i *Instance) recv(ctx context.Context, late <-chan time.Time) (Message, error) {
	select {
	case m := <-i.link.outbox:
		return i.Received(m)
	case <-i.done:
	case <-ctx.Done():
		return Message{}, ctx.Err()
	case <-late:
		return Message{}, errLate
	}
	select {
	case m := <-i.link.outbox: // its last words
		return i.Received(m)
	default:
		return Message{}, i.ended()
	}
}

// Messages is for owners who wait for several things at once: each value must go through Received.
func (i *Instance) Messages() <-chan Message { return i.link.outbox }

// Err tells why the instance ended; to be called after Done is closed and Messages is empty.
func (i *Instance) Err() error { return i.ended() }

// TryRecv is Recv that does not wait.
func (i *Instance) TryRecv() (m Message, ok bool, err error) {
	select {
	case m := <-i.link.outbox:
		m, err := i.Received(m)
		return m, err == nil, err
	default:
		return Message{}, false, nil
	}
}

// Received opens a message: one that reports a failure is an error, and the guest is told that there is room again.
func (i *Instance) Received(m Message) (Message, error) {
	i.link.received()
	if m.Kind == abi.MessageFailed {
		f, err := abi.ParseFailure(m.Body)
		if err != nil {
			err = fmt.Errorf("%w: its failure message: %w", ErrGarbage, err)
			i.kill(err)
			return Message{}, err
		}
		return Message{}, &Failure{Failure: f}
	}
	return m, nil
}

func (i *Instance) ended() error {
	if i.err != nil {
		return i.err
	}
	return ErrEnded
}

// Expect receives the next message, which must be of that kind, within limit; an instance that fails to is killed.
func (i *Instance) Expect(ctx context.Context, kind abi.MessageKind, limit time.Duration) (Message, error) {
	if i.link.serve != nil || i.network {
		limit += host.RequestWaitMax // it may be the host that the guest waits for, or a server
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	m, err := i.recvAnswer(ctx, timer.C)
	if err == errLate {
		err = fmt.Errorf("%w: %w", ErrTimeout, &host.LimitError{Name: host.LimitWall, Limit: limit.String(),
			What: fmt.Sprintf("left the host waiting for message %d", kind)})
		i.kill(err)
		return Message{}, err
	}
	if err != nil {
		return Message{}, err
	}
	if m.Kind != kind {
		err := fmt.Errorf("%w: message of kind %d where %d was due", ErrGarbage, m.Kind, kind)
		i.kill(err)
		return Message{}, err
	}
	return m, nil
}

// recvAnswer is recv that keeps ERRANT messages for Errant.
func (i *Instance) recvAnswer(ctx context.Context, late <-chan time.Time) (Message, error) {
	for {
		m, err := i.recv(ctx, late)
		if err != nil || m.Kind != abi.MessageErrant {
			return m, err
		}
		if err := i.keepErrant(m); err != nil {
			return Message{}, err
		}
	}
}

func (i *Instance) keepErrant(m Message) error {
	e, err := abi.ParseErrant(m.Body)
	if err == nil && len(i.errant) == host.ErrantKeptMax {
		err = fmt.Errorf("%d records given up while an answer was due", len(i.errant)+1)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrGarbage, err)
		i.kill(err)
		return err
	}
	i.errant = append(i.errant, e)
	return nil
}

// Errant returns the records that a sink has given up since the last call, outside of its answers. To be called when
// no answer is due.
func (i *Instance) Errant() ([]abi.Errant, error) {
	for {
		m, ok, err := i.TryRecv()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			told := i.errant
			i.errant = nil
			return told, nil
		case m.Kind != abi.MessageErrant:
			err := fmt.Errorf("%w: message of kind %d where none was due", ErrGarbage, m.Kind)
			i.kill(err)
			return nil, err
		}
		if err := i.keepErrant(m); err != nil {
			return nil, err
		}
	}
}

// Ready waits until the guest has started its stages.
func (i *Instance) Ready(ctx context.Context) error {
	_, err := i.Expect(ctx, abi.MessageReady, i.Limits.StartWall)
	return err
}

// Done is closed when the guest has ended.
func (i *Instance) Done() <-chan struct{} { return i.done }

// Precede lets the guest compute before all others until the function that it returns is called: records wait for it.
func (i *Instance) Precede() (end func()) {
	i.link.precedence.Give()
	return i.link.precedence.End
}

// Kill ends the instance: Recv then tells cause.
func (i *Instance) Kill(cause error) { i.kill(cause) }

// Stop asks the guest to finish and waits for it; after grace it is killed. Messages that it still had are dropped.
func (i *Instance) Stop(ctx context.Context, grace time.Duration) error {
	i.Send(abi.EventStop, nil)
	if i.drain(ctx.Done(), grace) {
		return i.err
	}
	i.kill(cmp.Or(context.Cause(ctx), ErrStopTimeout))
	if i.drain(nil, killDurationMax) {
		return i.err
	}
	return fmt.Errorf("%w and could not be killed: its goroutine is given up", ErrStopTimeout)
}

// killDurationMax is how long a killed guest gets to reach its next host call. It can miss it only where the machine
// has stalled; its goroutine is then given up.
const killDurationMax = 2 * time.Second

// drain makes room for a guest that waits for it, until it has ended (true), limit is over or enough is closed.
func (i *Instance) drain(enough <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-i.done:
			return true
		case <-i.link.outbox:
			i.link.notify()
		case <-timer.C:
			return false
		case <-enough:
			return false
		}
	}
}

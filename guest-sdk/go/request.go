package guest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
)

// exchange is what an instance keeps of events and replies. One goroutine polls at a time: the main loop, or one that
// waits for a reply while the main loop is in author code.
type exchange struct {
	polling chan struct{} // a token for the goroutine that polls
	arrived chan struct{} // a token for the main loop: queue has something

	queue   []abi.Event                 // polled by a goroutine that waited for a reply; guarded by the instance's mu
	replies map[uint32]chan<- abi.Reply // by seq of the request; guarded by the instance's mu
	asked   uint32                      // seq of the last request; guarded by the instance's mu
}

func newExchange() exchange {
	return exchange{polling: make(chan struct{}, 1), arrived: make(chan struct{}, 1),
		replies: map[uint32]chan<- abi.Reply{}}
}

// Request asks the host for what only it may fetch (abi/LAYOUT.md, section 10) and waits for the answer; a plugin's
// manifest must ask for the capability. ctx is the one that the plugin was called with, or comes from it. The errors
// are the host's: all but those about data are the whole batch's.
func Request(ctx context.Context, capability, call string, arguments abi.Value) (abi.Value, error) {
	in := instanceOf(ctx)
	if in == nil {
		return abi.Value{}, errors.New("request: ctx is not one that a plugin was called with")
	}
	stage, _ := in.position()
	reply, err := in.ask(ctx, abi.Request{Stage: stage, Capability: capability, Call: call, Arguments: arguments})
	switch {
	case err != nil:
		return abi.Value{}, ofBatch(Retriable(fmt.Errorf("request %s of %s: %w", call, capability, err)))
	case reply.Code == abi.CodeData:
		return abi.Value{}, DataError(errors.New(reply.Message))
	case reply.Code != 0:
		return abi.Value{}, ofBatch(&codedError{reply.Code, errors.New(reply.Message)})
	}
	return reply.Result, nil
}

// errStopped ends a wait for a reply: the batch is given to the next instance.
var errStopped = errors.New("the task was stopped before the host replied")

func (in *instance) ask(ctx context.Context, request abi.Request) (abi.Reply, error) {
	replies := make(chan abi.Reply, 1)
	in.mu.Lock()
	in.asked++
	seq := in.asked
	in.replies[seq] = replies
	in.mu.Unlock()
	defer func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		delete(in.replies, seq)
	}()
	if err := in.put(ctx, abi.MessageRequest, seq, nil, request.Encode()); err != nil {
		return abi.Reply{}, err
	}
	for {
		select {
		case reply := <-replies:
			return reply, nil
		case <-ctx.Done():
			return abi.Reply{}, ctx.Err()
		case in.polling <- struct{}{}:
		}
		err := in.pollForReply(replies)
		<-in.polling
		if err != nil {
			return abi.Reply{}, err
		}
	}
}

// pollForReply polls once, unless the reply has come; what is not a reply is for the main loop.
func (in *instance) pollForReply(replies <-chan abi.Reply) error {
	if len(replies) > 0 {
		return nil
	}
	event, _, err := in.poll(nil)
	if err != nil {
		return err
	}
	if event.Kind == abi.EventReply {
		return in.deliver(event)
	}
	in.mu.Lock()
	in.queue = append(in.queue, event)
	in.mu.Unlock()
	select {
	case in.arrived <- struct{}{}:
	default:
	}
	if event.Kind == abi.EventStop {
		return errStopped
	}
	return nil
}

// deliver hands a reply to the goroutine that waits for it; if it has given up, nobody wants it.
func (in *instance) deliver(event abi.Event) error {
	reply, err := abi.ParseReply(slices.Clone(event.Body))
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if waiting := in.replies[reply.Request]; waiting != nil {
		waiting <- reply
		delete(in.replies, reply.Request)
	}
	return nil
}

// next gives the main loop its next event.
func (in *instance) next(buf []byte) (abi.Event, []byte, error) {
	for {
		if event, ok := in.dequeue(); ok {
			return event, buf, nil
		}
		select {
		case <-in.arrived:
			continue
		case in.polling <- struct{}{}:
		}
		event, grown, err := in.nextPolled(buf)
		<-in.polling
		buf = grown
		if err != nil || event.Kind != abi.EventReply {
			return event, buf, err
		}
		if err := in.deliver(event); err != nil {
			return abi.Event{}, buf, err
		}
	}
}

// nextPolled polls, unless an event came while the token was another's.
func (in *instance) nextPolled(buf []byte) (abi.Event, []byte, error) {
	if event, ok := in.dequeue(); ok {
		return event, buf, nil
	}
	return in.poll(buf)
}

func (in *instance) dequeue() (abi.Event, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) == 0 {
		return abi.Event{}, false
	}
	event := in.queue[0]
	in.queue = in.queue[1:]
	return event, true
}

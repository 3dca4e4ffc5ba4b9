package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/guest"
)

// HandOver gives what stages keep from record to record to those that take their places: the same plugin under the same
// key of the configuration. No batch is in either. The stages of from go on if it fails.
func HandOver(ctx context.Context, from, to []*Link) error {
	defer precede(slices.Concat(from, to))()
	states := Kept{}
	taken := places{}
	for _, l := range from {
		if err := l.export(ctx, taken, states); err != nil {
			return fmt.Errorf("hand over state: %w", err)
		}
	}
	return TakeOver(ctx, to, states)
}

// precede lets the instances of links compute before all others, until end is called.
func precede(links []*Link) (end func()) {
	var ends []func()
	for _, l := range links {
		if l.Instance != nil && l.keepsState() {
			ends = append(ends, l.Instance.Precede())
		}
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// Kept is what stages have handed over.
type Kept map[place]abi.StageState

// TakeOver gives stages what is there for them.
func TakeOver(ctx context.Context, to []*Link, states Kept) error {
	defer precede(to)()
	taken := places{}
	for _, l := range to {
		if err := l.take(ctx, taken, states); err != nil {
			return fmt.Errorf("take over state: %w", err)
		}
	}
	return nil
}

// place is where a stage stands; of several predicates of one alias each has its own.
type place struct {
	key, class string
	nth        int
}

type places map[place]int

func (p places) of(s Stage) place {
	at := place{s.Key(), s.Found.Class, 0}
	p[at]++
	at.nth = p[at]
	return at
}

func (p places) all(g Group) []place {
	at := make([]place, len(g.Stages))
	for i, s := range g.Stages {
		at[i] = p.of(s)
	}
	return at
}

func (l *Link) keepsState() bool {
	for _, s := range l.Group.Stages {
		if s.Found.KeepsState {
			return true
		}
	}
	return false
}

// export adds what the stages of a link keep. One that rests keeps nothing.
func (l *Link) export(ctx context.Context, taken places, states Kept) error {
	at := taken.all(l.Group)
	if l.Instance == nil || !l.keepsState() {
		return nil
	}
	l.Instance.Send(abi.EventExport, nil)
	m, err := l.Instance.Expect(ctx, abi.MessageState, l.Limit)
	if err != nil {
		return l.failed(err)
	}
	return l.told(m, at, states)
}

// told adds the states of a STATE message.
func (l *Link) told(m guest.Message, at []place, states Kept) error {
	told, err := abi.ParseStates(m.Body)
	if err != nil {
		return l.garbage(err)
	}
	for _, s := range told {
		if s.Stage < 0 || int(s.Stage) >= len(at) {
			return l.garbage(fmt.Errorf("state of stage %d of %d", s.Stage, len(at)))
		}
		if s.Error != "" {
			return fmt.Errorf("%s: %s", l.Group.Stages[s.Stage].Where(), s.Error)
		}
		states[at[s.Stage]] = s
	}
	return nil
}

// AskAlone asks the instance with the connector to give up its other stages.
func (l *Link) AskAlone() { l.Instance.Send(abi.EventAlone, nil) }

// ExpectAlone waits for the answer of a sink, which has nothing else to say meanwhile.
func (l *Link) ExpectAlone(ctx context.Context) (guest.Message, error) {
	defer l.Instance.Precede()()
	m, err := l.Instance.Expect(ctx, abi.MessageState, l.Limit)
	if err != nil {
		return m, l.failed(err)
	}
	return m, nil
}

// Leave takes the answer to AskAlone: what the other stages keep. From then on the connector is all that there is in
// the instance. An error is a *StageError if the instance has ended, else all its stages go on.
func (l *Link) Leave(m guest.Message) (Kept, error) {
	states := Kept{}
	if err := l.told(m, places{}.all(l.Group), states); err != nil {
		return nil, err
	}
	l.Group, _ = l.Group.Apart()
	return states, nil
}

// take gives the stages of a link what is there for them.
func (l *Link) take(ctx context.Context, taken places, states Kept) error {
	var own []abi.StageState
	for i, s := range l.Group.Stages {
		if state, has := states[taken.of(s)]; has && s.Found.KeepsState {
			state.Stage = int32(i)
			own = append(own, state)
		}
	}
	if len(own) == 0 {
		return nil
	}
	l.Instance.Send(abi.EventImport, guest.Bytes(abi.EncodeStates(own)))
	if _, err := l.Instance.Expect(ctx, abi.MessageImported, l.Limit); err != nil {
		return l.failed(err)
	}
	return nil
}

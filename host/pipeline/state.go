package pipeline

import (
	"context"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/guest"
)

// HandOver gives what stages keep from record to record to those that take their places: the same plugin under the same
// key of the configuration. No batch is in either. The stages of from go on if it fails.
func HandOver(ctx context.Context, from, to []*Link) error {
	states := map[place]abi.StageState{}
	taken := places{}
	for _, l := range from {
		if err := l.export(ctx, taken, states); err != nil {
			return fmt.Errorf("hand over state: %w", err)
		}
	}
	taken = places{}
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

func (l *Link) keepsState() bool {
	for _, s := range l.Group.Stages {
		if s.Found.KeepsState {
			return true
		}
	}
	return false
}

// export adds what the stages of a link keep. One that rests keeps nothing.
func (l *Link) export(ctx context.Context, taken places, states map[place]abi.StageState) error {
	at := make([]place, len(l.Group.Stages))
	for i, s := range l.Group.Stages {
		at[i] = taken.of(s)
	}
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
func (l *Link) told(m guest.Message, at []place, states map[place]abi.StageState) error {
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

// Leave gives what the stages beside the connector kept, by its answer to ALONE, to those that take their places, and
// from then on calls the connector all that there is in the instance.
func (l *Link) Leave(ctx context.Context, m guest.Message, to *Link) error {
	at, taken := make([]place, len(l.Group.Stages)), places{}
	for i, s := range l.Group.Stages {
		at[i] = taken.of(s)
	}
	states := map[place]abi.StageState{}
	if err := l.told(m, at, states); err != nil {
		return err
	}
	l.Group, _ = l.Group.Apart()
	return to.take(ctx, places{}, states)
}

// take gives the stages of a link what is there for them.
func (l *Link) take(ctx context.Context, taken places, states map[place]abi.StageState) error {
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

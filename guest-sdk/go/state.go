package guest

import (
	"context"
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
)

// exportState answers EXPORT with what the stages want to hand over.
func (in *instance) exportState(ctx context.Context, event abi.Event) error {
	return in.putStates(ctx, event, in.states(ctx))
}

// goAlone answers ALONE, from where on records pass the connector only. If a stage can't say what it keeps, all stay.
func (in *instance) goAlone(ctx context.Context, event abi.Event) error {
	states := in.states(ctx)
	in.alone = !slices.ContainsFunc(states, func(s abi.StageState) bool { return s.Error != "" })
	return in.putStates(ctx, event, states)
}

func (in *instance) putStates(ctx context.Context, event abi.Event, states []abi.StageState) error {
	return in.put(ctx, abi.MessageState, event.Seq, nil, abi.EncodeStates(states))
}

// states are what the stages keep, or why they can't say it.
func (in *instance) states(ctx context.Context) []abi.StageState {
	var states []abi.StageState
	left := abi.StateBytesMax
	for i, st := range in.chain {
		keeper, keeps := st.plugin.(StateKeeper)
		if !keeps {
			continue
		}
		in.at(abi.PhaseState, i, abi.None)
		state, err := keeper.ExportState(ctx)
		if err == nil && len(state) > left {
			err = fmt.Errorf("the state has %d bytes; %d are left of the %d for all stages", len(state), left,
				abi.StateBytesMax)
		}
		s := abi.StageState{Stage: int32(i), Version: st.version, State: state}
		if err != nil {
			s.State, s.Error = nil, err.Error()
		}
		left -= len(s.State)
		states = append(states, s)
	}
	return states
}

// importState gives the stages what those before them had.
func (in *instance) importState(ctx context.Context, event abi.Event) error {
	states, err := abi.ParseStates(event.Body)
	if err != nil {
		return err
	}
	for _, s := range states {
		if s.Stage < 0 || int(s.Stage) >= len(in.chain) {
			return fmt.Errorf("state for stage %d of %d", s.Stage, len(in.chain))
		}
		keeper, keeps := in.chain[s.Stage].plugin.(StateKeeper)
		if !keeps {
			continue
		}
		in.at(abi.PhaseState, int(s.Stage), abi.None)
		if err := keeper.ImportState(ctx, s.Version, s.State); err != nil {
			return failed(int(s.Stage), -1, err)
		}
	}
	return in.put(ctx, abi.MessageImported, event.Seq, nil, nil)
}

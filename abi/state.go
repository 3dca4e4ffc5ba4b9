package abi

import (
	"errors"
	"fmt"
)

// StageState is what a stage keeps from record to record, on its way to the stage that takes its place.
type StageState struct {
	Stage   int32  // index in the plan
	Version string // of the plugin that has exported it
	State   []byte // in a form that the plugin alone knows
	Error   string // why it could not be exported; "": it was
}

// StateBytesMax bounds the states of an instance together.
const StateBytesMax = 8 << 20

// stateOverheadBytes is what a state takes besides its texts and bytes, or a little more: records wait while it is
// written, which is no time to move it around.
const stateOverheadBytes = 100

// EncodeStates returns the body of the STATE message and of the IMPORT event.
func EncodeStates(states []StageState) []byte {
	size := 0
	for _, s := range states {
		size += stateOverheadBytes + len(s.Version) + len(s.State) + min(len(s.Error), ErrorMessageBytes)
	}
	b := Builder{buf: make([]byte, 0, size)}
	b.BeginArray()
	for _, s := range states {
		b.BeginMap()
		b.pairInt32("stage", s.Stage)
		b.pairString("version", s.Version)
		b.String("state")
		b.BytesValue(s.State)
		b.pairString("error", CutMessage(s.Error))
		b.End()
	}
	b.End()
	return b.Bytes()
}

// ParseStates reads the body of the STATE message or of the IMPORT event; the states are views of b.
func ParseStates(b []byte) ([]StageState, error) {
	if len(b) > StateBytesMax+PlanStagesMax*(ErrorMessageBytes+ControlStringBytes) {
		return nil, fmt.Errorf("read states: %d bytes", len(b))
	}
	var states []StageState
	total := 0
	err := parseArray(b, "states", func(v Value) error {
		if v.Tag != TagMap {
			return fmt.Errorf("it is %s", v.Tag)
		}
		f := &fields{v: v}
		s := StageState{Stage: f.int32("stage"), Version: f.str("version"), Error: f.str("error")}
		state, ok := f.get("state", TagBytes)
		if !ok && f.err == nil {
			f.err = errors.New("no state")
		}
		s.State = state.Payload
		states = append(states, s)
		if total += len(s.State); f.err == nil && total > StateBytesMax {
			f.err = fmt.Errorf("%d bytes of state, at most %d", total, StateBytesMax)
		}
		return f.err
	})
	return states, err
}

package pipeline

import (
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/guest"
)

// The answer to ALONE has the states by the indices of the plan; two predicates of one alias are two.
func TestLeave(t *testing.T) {
	group := Groups(stages("source:@s transform:a@s predicate:p@s predicate:p@s"), false)[0]
	state := func(stage int32, state, problem string) abi.StageState {
		return abi.StageState{Stage: stage, Version: "1", State: []byte(state), Error: problem}
	}
	answer := func(states ...abi.StageState) (*Link, Kept, error) {
		l := &Link{Group: group}
		kept, err := l.Leave(guest.Message{Body: abi.EncodeStates(states)})
		return l, kept, err
	}
	l, kept, err := answer(state(1, "a", ""), state(2, "first", ""), state(3, "second", ""))
	if err != nil || len(l.Group.Stages) != 1 || !l.Group.Stages[0].IsConnector() {
		t.Fatalf("%v, %+v", err, l.Group)
	}
	for at, want := range map[place]string{{"transforms.a", "transforma", 1}: "a",
		{"predicates.p", "predicatep", 1}: "first", {"predicates.p", "predicatep", 2}: "second"} {
		if got := string(kept[at].State); got != want {
			t.Errorf("%+v keeps %q, want %q", at, got, want)
		}
	}
	l, _, err = answer(state(1, "a", ""), state(2, "", "it is lost"))
	if err == nil || !strings.Contains(err.Error(), "it is lost") || len(l.Group.Stages) != 4 {
		t.Errorf("a stage that can't tell: %v, %+v", err, l.Group)
	}
}

package guesttest

import "github.com/berth-connect/berth/abi"

func stateCases() []Case {
	states := func(list ...abi.StageState) []byte { return abi.EncodeStates(list) }
	last := func(stage int32, text string) abi.StageState {
		return abi.StageState{Stage: stage, Version: "1.0.0", State: []byte(text)}
	}
	return []Case{
		newScript("state is handed over", "A stage tells what it keeps, and goes on; others have nothing to tell.").
			task(transform("kit.Upper"), transform("kit.Number")).
			batch((&batch{}).add(0, value(nil, "a")).add(1, value(nil, int8(1))).add(2, value(nil, "b")),
				(&batch{}).add(0, value(nil, "A 1")).add(1, value(nil, int8(1))).add(2, value(nil, "B 2"))).
			event(abi.EventExport, nil).put(abi.MessageState, 3, states(last(1, "2"))).
			batch((&batch{}).add(0, value(nil, "c")), (&batch{}).add(0, value(nil, "C 3"))).stop(),
		newScript("state is taken over", "Before the first batch, and again in place of what was there.").
			task(transform("kit.Number")).
			event(abi.EventImport, states(last(0, "41"))).put(abi.MessageImported, 2, nil).
			batch((&batch{}).add(0, value(nil, "a")), (&batch{}).add(0, value(nil, "a 42"))).
			event(abi.EventImport, states(last(0, "7"))).put(abi.MessageImported, 4, nil).
			batch((&batch{}).add(0, value(nil, "b")), (&batch{}).add(0, value(nil, "b 8"))).stop(),
		newScript("state that can't be exported", "The reason is told, and the stage goes on.").
			task(transform("kit.Number")).event(abi.EventExport, nil).
			put(abi.MessageState, 2, states(abi.StageState{Version: "1.0.0", State: []byte{}, Error: "nothing was numbered"})).
			batch((&batch{}).add(0, value(nil, "a")), (&batch{}).add(0, value(nil, "a 1"))).stop(),
		newScript("nothing to export", "Stages that keep no state have an empty answer.").
			task(transform("kit.Upper")).event(abi.EventExport, nil).put(abi.MessageState, 2, states()).stop(),
		newScript("state that is refused", "The instance ends.").task(transform("kit.Upper"), transform("kit.Number")).
			event(abi.EventImport, states(last(1, "many"))).
			failed(abi.Failure{Code: abi.CodeConnect, Message: "not a number", Stage: 1, Record: -1}),
	}
}

// aloneCases are of connectors that give up the other stages of their instances.
func aloneCases() []Case {
	sink := []abi.Stage{transform("kit.Fail"), transform("kit.Number"), stageOf(abi.KindSink, "kit.Collect")}
	state := func(state, problem string) []byte {
		return abi.EncodeStates([]abi.StageState{{Stage: 1, Version: "1.0.0", State: []byte(state), Error: problem}})
	}
	bad := func() *batch { return (&batch{}).add(0, value(nil, "a")).add(1, value(nil, "data")) }
	return []Case{
		newScript("a source alone", "Stages that keep no state have an empty answer.").
			task(counter("count", "0"), transform("kit.Upper")).event(abi.EventAlone, nil).
			put(abi.MessageState, 2, abi.EncodeStates(nil)).stop(),
		newScript("a sink alone", "Its other stages tell what they keep and see no record any more; indices stay.").
			task(sink...).batch(bad(), (&batch{}).fail(1, 0, abi.CodeData, "bad data")).
			event(abi.EventAlone, nil).put(abi.MessageState, 3, state("1", "")).
			batch(bad().add(2, value(nil, "errant")), (&batch{}).fail(2, 2, abi.CodeErrant, "errant record")).stop(),
		newScript("a sink not alone", "If a stage can't tell what it keeps, all stay.").
			task(sink...).event(abi.EventAlone, nil).put(abi.MessageState, 2, state("", "nothing was numbered")).
			batch(bad(), (&batch{}).fail(1, 0, abi.CodeData, "bad data")).stop(),
	}
}

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

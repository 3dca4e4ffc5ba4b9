package guesttest

import (
	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

func roleCases() []Case {
	text := func(s string) *string { return &s }
	config := map[string]*string{"topic": text("a b"), "name": nil}
	plan := func(role string, stages ...abi.Stage) []byte {
		return abi.Plan{Role: role, Connector: "c", Stages: stages}.Encode()
	}
	task := func(n string) map[string]*string {
		return map[string]*string{"topic": text("numbers"), "task.number": text(n)}
	}
	return []Case{
		newScript("describe", "The manifest lists the kit; then the guest ends.").
			event(abi.EventPlan, plan(abi.RoleDescribe)).put(abi.MessageManifest, 1, kitManifest().Encode()).exit(0),
		newScript("validate", "A plugin's own validation says what its declared keys can't.").
			event(abi.EventPlan, plan(abi.RoleValidate)).put(abi.MessageReady, 1, nil).
			event(abi.EventValidate, abi.ValidateRequest{Plugin: "kit.Counter", Kind: abi.KindSource, Config: config}.Encode()).
			put(abi.MessageValidated, 2, abi.EncodeKeyValidations([]abi.KeyValidation{{Name: "topic", Value: text("a b"),
				Errors:  []string{"Invalid value a b for configuration topic: Topic may not contain spaces"},
				Visible: true}})).
			event(abi.EventValidate, abi.ValidateRequest{Plugin: "kit.Hex", Kind: abi.KindConverter}.Encode()).
			put(abi.MessageValidated, 3, abi.EncodeKeyValidations(nil)).stop(),
		newScript("connector", "The connector of kit.Counter numbers its tasks.").
			event(abi.EventPlan, plan(abi.RoleConnector, counter())).put(abi.MessageReady, 1, nil).
			event(abi.EventConfigs, abi.ConfigsRequest{MaxTasks: 2}.Encode()).
			put(abi.MessageConfigs, 2, abi.EncodeTaskConfigs([]map[string]*string{task("0"), task("1")})).stop(),
		newScript("connector of a sink", "A plugin without a connector of its own has one task with its configuration.").
			event(abi.EventPlan, plan(abi.RoleConnector, stageOf(abi.KindSink, "kit.Collect", "k", "v"))).
			put(abi.MessageReady, 1, nil).event(abi.EventConfigs, abi.ConfigsRequest{MaxTasks: 9}.Encode()).
			put(abi.MessageConfigs, 2, abi.EncodeTaskConfigs([]map[string]*string{{"k": text("v")}})).stop(),
		newScript("stop at once", "A task without batches ends when it is told to.").task(transform("kit.Upper")).stop(),
	}
}

func transformCases() []Case {
	array := []any{int32(1), int32(2)}
	return []Case{
		newScript("change a value", "Text becomes upper case, in ASCII only; everything else stays.").
			task(transform("kit.Upper")).batch(
			(&batch{}).add(0, value(nil, "aé"), key(nil, int64(1)), header("h", nil, int8(1))).
				add(1, value(textSchema, "b"), moved).
				add(2, value(textSchema, nil)).add(3, value(nil, []byte("c"))),
			(&batch{}).add(0, value(nil, "Aé"), key(nil, int64(1)), header("h", nil, int8(1))).
				add(1, value(textSchema, "B"), moved).
				add(2, value(textSchema, nil)).add(3, value(nil, []byte("c")))).stop(),
		newScript("an empty batch", "It has an answer like any other.").task(transform("kit.Upper")).
			batch(&batch{}, &batch{}).stop(),
		newScript("drop", "Dropped records are missing from the answer.").task(transform("kit.Drop")).
			batch((&batch{}).add(0).add(1), &batch{}).stop(),
		newScript("one to many", "The items of an array become records of the same origin; an empty one becomes none.").
			task(transform("kit.Explode")).batch(
			(&batch{}).add(0, value(listSchema, array), key(nil, "k"), header("h", nil, "x")).add(1, value(nil, []any{})).
				add(2, value(nil, []any{"a", nil})).add(3, value(nil, "text")),
			(&batch{}).add(0, value(int32Schema, int32(1)), key(nil, "k"), header("h", nil, "x")).
				add(0, value(int32Schema, int32(2)), key(nil, "k"), header("h", nil, "x")).
				add(2, value(nil, "a"), offset(2)).add(2, offset(2)).add(3, value(nil, "text"))).stop(),
		newScript("guarded transforms", "A predicate sets the flag; guarded transforms heed it, one of them negated.").
			task(stageOf(abi.KindPredicate, "kit.IsTombstone"), guarded("kit.Drop", false), guarded("kit.Upper", true)).batch(
			(&batch{}).add(0, value(nil, "a")).add(1).add(2, value(nil, "b"), flagged),
			(&batch{}).add(0, value(nil, "A")).add(2, value(nil, "B"))).stop(),
		newScript("a flag from outside", "Without a predicate stage the flag of the input counts, and stays.").
			task(guarded("kit.Upper", false)).batch(
			(&batch{}).add(0, value(nil, "a"), flagged).add(1, value(nil, "b")),
			(&batch{}).add(0, value(nil, "A"), flagged).add(1, value(nil, "b"))).stop(),
		newScript("stages in order", "What one stage makes the next one sees.").
			task(transform("kit.Explode"), transform("kit.Upper")).batch(
			(&batch{}).add(0, value(nil, []any{"a", "b"})).add(1, value(nil, "c")),
			(&batch{}).add(0, value(nil, "A")).add(0, value(nil, "B")).add(1, value(nil, "C"))).stop(),
	}
}

// offset sets the Kafka offset, where it is not the origin.
func offset(n int64) field { return func(_ *batch, f *abi.RecordFields) { f.Offset = n } }

func converterCases() []Case {
	keys := stageOf(abi.KindKeyConverter, "kit.Hex")
	values := stageOf(abi.KindValueConverter, "kit.Hex")
	headers := stageOf(abi.KindHeaderConverter, "kit.Hex")
	raw := func(s string) guest.Raw { return guest.Raw(s) }
	return []Case{
		newScript("to Connect", "Keys, values and headers become text; null stays null and gets the schema.").
			task(keys, values, headers).batch(
			(&batch{}).add(0, key(nil, raw("\x01")), value(nil, raw("\xAB\xCD")), header("h", nil, raw("\xFF"))).
				add(1, value(nil, raw(""))),
			(&batch{}).add(0, key(textSchema, "01"), value(textSchema, "abcd"), header("h", textSchema, "ff")).
				add(1, key(textSchema, nil), value(textSchema, ""))).stop(),
		newScript("from Connect", "Text becomes bytes; what is not text is a data error.").
			task(from(keys), from(values), from(headers)).batch(
			(&batch{}).add(0, key(textSchema, "01"), value(textSchema, "abCD"), header("h", textSchema, "ff")).
				add(1, value(textSchema, nil)).add(2, value(nil, int8(1))).add(3, value(nil, "xyz")),
			(&batch{}).add(0, key(nil, raw("\x01")), value(nil, raw("\xAB\xCD")), header("h", nil, raw("\xFF"))).
				add(1).fail(2, 1, abi.CodeData, "not a string").fail(3, 1, abi.CodeData, "not hexadecimal")).stop(),
		newScript("convert, transform, convert", "A fused chain: the converters stand around a transform.").
			task(values, transform("kit.Upper"), from(values)).batch(
			(&batch{}).add(0, value(nil, raw("\xAB")), key(nil, raw("k"))),
			(&batch{}).add(0, value(nil, raw("\xAB")), key(nil, raw("k")))).stop(),
	}
}

func errorCases() []Case {
	config := stageOf(abi.KindTransform, "kit.Fail", "start", "config")
	unknown := transform("kit.Nothing")
	start := func(name, doc string, stages ...abi.Stage) *script {
		return newScript(name, doc).event(abi.EventPlan,
			abi.Plan{Role: abi.RoleTask, Connector: "c", Stages: stages}.Encode())
	}
	fail := func(code abi.Code, stage int32, record int64, message string) abi.Failure {
		return abi.Failure{Code: code, Message: message, Stage: stage, Record: record}
	}
	return []Case{
		newScript("errors of records", "Each kind of error has its code; other records pass.").
			task(transform("kit.Upper"), transform("kit.Explode"), transform("kit.Fail")).batch(
			(&batch{}).add(0, value(nil, []any{"retriable"})).add(1, value(nil, []any{"x", "data", "error"})).
				add(2, value(nil, []any{"config"})).add(3, value(nil, []any{"error"})).
				add(4, value(nil, "retriable")).add(5, value(nil, "ok")),
			(&batch{}).fail(0, 2, abi.CodeRetriable, "later").fail(1, 2, abi.CodeData, "bad data").
				fail(2, 2, abi.CodeConfig, "Invalid value x for configuration y: bad config").
				fail(3, 2, abi.CodeConnect, "plain error").add(4, value(nil, "RETRIABLE")).add(5, value(nil, "OK"))).stop(),
		newScript("details of an error", "Class, field and cause stand with the message.").task(transform("kit.Fail")).
			batch((&batch{}).add(0, value(nil, "detailed")), (&batch{}).failWith(abi.RecordError{Code: abi.CodeData,
				Class: "kit.BadItem", Message: "bad item\nField: list[1]\nCaused by: kit.Cause: why"})).stop(),
		newScript("panic", "A panic ends the instance and says where it was.").
			task(transform("kit.Upper"), guarded("kit.Fail", true)).
			event(abi.EventBatch, (&batch{}).add(0, value(nil, []byte("x"))).
				add(1, value(nil, []byte("panic"))).b.AppendTo(nil)).
			failed(fail(abi.CodeInternal, 1, 1, "panic: on demand")),
		start("missing configuration", "A key without a default is missing.", transform("kit.Upper"),
			stageOf(abi.KindSource, "kit.Counter")).
			failed(fail(abi.CodeConfig, 1, -1, `Missing required configuration "topic" which has no default value.`)),
		start("configuration of the wrong type", "A value does not parse, another breaks its range.",
			counter("count", "many")).
			failed(fail(abi.CodeConfig, 0, -1, "Invalid value many for configuration count: Not a number of type INT")),
		start("configuration out of range", "A validator refuses the value.", counter("batch", "0")).
			failed(fail(abi.CodeConfig, 0, -1, "Invalid value 0 for configuration batch: Value must be at least 1")),
		start("refused at start", "The plugin refuses its configuration.", transform("kit.Upper"), config).
			failed(fail(abi.CodeConfig, 1, -1, "Invalid value config for configuration start: refused")),
		start("unknown plugin", "The plan names a class that is not there.", unknown).
			failed(fail(abi.CodeConfig, 0, -1, "unknown plugin kit.Nothing")),
	}
}

func sinkCases() []Case {
	sink := stageOf(abi.KindSink, "kit.Collect")
	at := func(partition int32, offset int64) abi.PartitionOffset {
		return abi.PartitionOffset{Topic: "t", Partition: partition, Offset: offset}
	}
	list := func(p ...abi.PartitionOffset) []byte { return abi.EncodePartitionOffsets(p) }
	return []Case{
		newScript("put and flush", "A sink says which offsets are safe; partitions without a record keep the given ones.").
			task(sink).event(abi.EventOpen, list(at(0, 0), at(1, -1))).
			batch((&batch{}).add(0, value(nil, "a")).add(1, value(nil, "b")), &batch{}).
			event(abi.EventFlush, list(at(1, 5), at(0, 2))).commit(4, list(at(1, 5), at(0, 2))).
			batch((&batch{}).add(0, offset(7)), &batch{}).
			event(abi.EventFlush, list(at(0, 3))).commit(6, list(at(0, 8))).
			event(abi.EventClose, list(at(0, 8))).
			event(abi.EventFlush, list(at(0, 1))).commit(8, list(at(0, 1))).stop(),
		newScript("errant records", "Single records are given up, the others count.").task(sink).
			batch((&batch{}).add(0, value(nil, "a")).add(1, value(nil, "errant")).add(2, value(nil, "errant")),
				(&batch{}).fail(1, 0, abi.CodeErrant, "errant record").fail(2, 0, abi.CodeErrant, "errant record")).stop(),
		newScript("late errant records", "A sink gives up what an earlier put took, before it says what is safe to commit.").
			task(sink).batch((&batch{}).add(0, value(nil, "late")).add(1, value(nil, "a"), offset(1)), &batch{}).
			event(abi.EventFlush, list(at(0, 2))).
			put(abi.MessageErrant, 0, abi.Errant{Topic: "t", Message: "late errant record\nField: f"}.Encode()).
			commit(3, list(at(0, 2))).stop(),
		newScript("retriable put", "The whole batch is given again; errors of its records are told with the last answer.").
			task(transform("kit.Fail"), sink).
			batch((&batch{}).add(0, value(nil, "data")).add(1, value(nil, "retry")),
				(&batch{}).fail(abi.None, 1, abi.CodeRetriable, "try again")).
			batch((&batch{}).add(0, value(nil, "data")).add(1, value(nil, "retry")),
				(&batch{}).fail(0, 0, abi.CodeData, "bad data")).
			event(abi.EventFlush, list(at(0, 2))).commit(4, list(at(0, 2))).stop(),
		newScript("strict", "A sink is not given what comes behind a record that failed; only the first error is told.").
			strict(transform("kit.Fail"), sink).
			batch((&batch{}).add(0, value(nil, "a")).add(1, value(nil, "data"), offset(1)).add(2, value(nil, "b"), offset(2)).
				add(3, value(nil, "error"), offset(3)), (&batch{}).fail(1, 0, abi.CodeData, "bad data")).
			event(abi.EventFlush, list(at(0, 1))).commit(3, list(at(0, 1))).stop(),
		newScript("broken put", "Any other error of the whole batch has its code.").task(sink).
			batch((&batch{}).add(0, value(nil, "errant")).add(1, value(nil, "broken")),
				(&batch{}).fail(abi.None, 0, abi.CodeConnect, "broken")).stop(),
		newScript("converter before a sink", "The sink sees what the converter made.").
			task(stageOf(abi.KindValueConverter, "kit.Hex"), sink).
			batch((&batch{}).add(0, value(nil, guest.Raw("a"))), &batch{}).stop(),
	}
}

func sourceCases() []Case {
	stored := func(partition, offset map[string]any) abi.SourceOffset {
		p, _ := abi.ToValue(partition)
		o, _ := abi.ToValue(offset)
		return abi.SourceOffset{Partition: p, Offset: o}
	}
	resume := abi.Plan{Role: abi.RoleTask, Connector: "c", Task: 7, Stages: []abi.Stage{counter()},
		Offsets: []abi.SourceOffset{
			stored(map[string]any{"task": int64(6)}, map[string]any{"position": int64(9)}),
			stored(map[string]any{"task": int64(7)}, map[string]any{"position": int64(0)})}}
	small := abi.Plan{Role: abi.RoleTask, Connector: "c", Task: 7, BatchRecords: 2,
		Stages: []abi.Stage{counter("batch", "5", "transactions", "TRUE")}}
	records := func(s *script, seq uint32, b *batch) *script {
		return s.put(abi.MessageRecords, seq, b.b.AppendTo(nil))
	}
	plan := func(name, doc string, p abi.Plan) *script {
		return newScript(name, doc).event(abi.EventPlan, p.Encode()).put(abi.MessageReady, 1, nil)
	}
	two := records(newScript("poll", "Batches have seqs of their own; acknowledgements change nothing here.").
		task(counter()), 1, numbers(0, 1))
	two = records(two, 2, numbers(2)).event(abi.EventDurable, abi.EncodeDurable([]int64{2, 1})).
		event(abi.EventCommitted, abi.EncodeCommitted(2))
	paused := newScript("pause", "No RECORDS between PAUSE and RESUME.").
		task(counter("batch", "1")).event(abi.EventPause, nil).
		event(abi.EventDurable, abi.EncodeDurable(nil)).event(abi.EventResume, nil)
	paused = records(records(paused, 1, numbers(0)), 2, numbers(1))
	split := records(plan("split batches", "What is polled at once is split where the plan's largest batch ends; "+
		"the transaction ends behind the last.", small), 1, numbers(0, 1))
	split = records(split, 2, numbers(2)).commit(2, nil)
	fused := newScript("fused source", "Records pass the stages behind the source; errors stand beside them.").
		task(counter("batch", "3"), transform("kit.Upper"), from(stageOf(abi.KindKeyConverter, "kit.Hex")))
	bad := (&batch{}).fail(0, 2, abi.CodeData, "not a string").fail(1, 2, abi.CodeData, "not a string").
		fail(2, 2, abi.CodeData, "not a string")
	return []Case{
		two.stop(),
		records(plan("stored offsets", "Counting goes on behind the stored position of its own partition.", resume),
			1, numbers(1, 2)).stop(),
		paused.stop(),
		split.stop(),
		records(fused, 1, bad).stop(),
		newScript("stop a waiting source", "STOP ends the wait of a source that has nothing.").
			task(counter("count", "0")).stop(),
	}
}

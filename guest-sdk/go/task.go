package guest

import (
	"context"
	"maps"
	"slices"

	"github.com/berth-connect/berth/abi"
)

func (in *instance) runTask(ctx context.Context) error {
	if err := in.start(ctx); err != nil {
		return err
	}
	if err := in.ready(ctx); err != nil {
		return err
	}
	var err error
	if len(in.chain) > 0 && in.chain[0].Kind == abi.KindSource {
		err = in.runSource(ctx)
	} else {
		err = in.runStages(ctx)
	}
	if err != nil {
		return err
	}
	in.at(abi.PhaseStop, 0, abi.None)
	var plugins []any
	for _, st := range slices.Backward(in.chain) {
		plugins = append(plugins, st.plugin)
	}
	return closeAll(plugins...)
}

// sink is the last stage when it is one, nil otherwise.
func (in *instance) sink() Sink {
	if len(in.chain) == 0 {
		return nil
	}
	s, _ := in.chain[len(in.chain)-1].plugin.(Sink)
	return s
}

// runStages answers batches until STOP: transforms, converters, predicates and sinks.
func (in *instance) runStages(ctx context.Context) error {
	sink := in.sink()
	var buf []byte
	for {
		event, grown, err := in.next(buf)
		if err != nil || event.Kind == abi.EventStop {
			return err
		}
		if sink == nil {
			buf = grown // a sink may keep its records, which are views of the event
		}
		switch event.Kind {
		case abi.EventBatch:
			err = in.batch(ctx, event, sink)
		case abi.EventOpen, abi.EventClose, abi.EventFlush:
			err = in.partitions(ctx, event, sink)
		case abi.EventExport:
			err = in.exportState(ctx, event)
		case abi.EventAlone:
			err = in.goAlone(ctx, event)
		case abi.EventImport:
			err = in.importState(ctx, event)
		}
		if err != nil {
			return err
		}
		in.at(abi.PhaseIdle, 0, abi.None)
	}
}

func (in *instance) batch(ctx context.Context, event abi.Event, sink Sink) error {
	given, list, err := in.codec.records(event.Body)
	if err != nil {
		return err
	}
	errs := map[uint32]abi.RecordError{}
	if !in.alone {
		list = in.apply(ctx, list, errs)
	}
	if in.plan.Strict {
		list = cutBehindError(list, errs)
	}
	if sink != nil {
		in.putSink(ctx, sink, list, errs)
		list = nil
	}
	head, data := in.encodeResult(given, list, errs)
	return in.put(ctx, abi.MessageResult, event.Seq, head, data)
}

// cutBehindError leaves what came before the first record that failed, and its error.
func cutBehindError(list []*Record, errs map[uint32]abi.RecordError) []*Record {
	if len(errs) == 0 {
		return list
	}
	first := slices.Min(slices.Collect(maps.Keys(errs)))
	maps.DeleteFunc(errs, func(origin uint32, _ abi.RecordError) bool { return origin > first })
	return slices.DeleteFunc(list, func(r *Record) bool { return r.origin >= first })
}

// encodeResult writes the answer to a batch. A record that can't be encoded takes those of its origin with it.
func (in *instance) encodeResult(given *input, list []*Record, errs map[uint32]abi.RecordError) (head, data []byte) {
	last := uint32(max(0, len(in.plan.Stages)-1))
	b := &in.codec.batch
	b.BeginResult(&given.batch)
	for group := range origins(list) {
		mark := b.Mark()
		for _, r := range group {
			if err := in.codec.add(r, given, r.origin); err != nil {
				b.Rollback(mark)
				errs[r.origin] = abi.RecordError{Record: r.origin, Stage: last, Code: abi.CodeData, Message: err.Error()}
				break
			}
		}
	}
	for _, origin := range slices.Sorted(maps.Keys(errs)) {
		b.AddError(errs[origin])
	}
	return b.Encode()
}

// origins groups records that follow each other and have the same origin.
func origins(list []*Record) func(yield func([]*Record) bool) {
	return func(yield func([]*Record) bool) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].origin == list[0].origin {
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// putSink gives records to the sink and notes its errors. An error of the whole batch leaves the others out: the host
// gives the batch again, or the task fails.
func (in *instance) putSink(ctx context.Context, sink Sink, list []*Record, errs map[uint32]abi.RecordError) {
	stage := len(in.chain) - 1
	in.at(abi.PhasePut, stage, abi.None)
	if len(list) == 0 {
		return
	}
	errant, err := splitErrant(sink.Put(ctx, list))
	if err != nil {
		clear(errs)
		errs[abi.None] = recordError(abi.None, stage, codeOf(err), err)
		return
	}
	for _, e := range errant {
		errs[e.record.origin] = recordError(e.record.origin, stage, abi.CodeErrant, e)
	}
}

func (in *instance) partitions(ctx context.Context, event abi.Event, sink Sink) error {
	list, err := abi.ParsePartitionOffsets(event.Body)
	if err != nil || sink == nil {
		return err
	}
	stage := len(in.chain) - 1
	in.at(abi.PhaseFlush, stage, abi.None)
	switch event.Kind {
	case abi.EventOpen:
		if o, ok := sink.(Opener); ok {
			err = o.Open(ctx, list)
		}
	case abi.EventClose:
		if c, ok := sink.(PartitionCloser); ok {
			err = c.ClosePartitions(ctx, list)
		}
	case abi.EventFlush:
		if f, ok := sink.(Flusher); ok {
			list, err = f.Flush(ctx, list)
		}
		if err == nil {
			return in.commit(event.Seq, abi.EncodePartitionOffsets(list))
		}
	}
	if err != nil {
		return failed(stage, -1, err)
	}
	return nil
}

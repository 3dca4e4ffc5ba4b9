package guest

import (
	"context"
	"fmt"

	"github.com/berth-connect/berth/abi"
)

// stage is a started step of a task. apply takes one record and appends what it becomes to out.
type stage struct {
	abi.Stage
	plugin  any
	version string // of the plugin
	apply   func(ctx context.Context, r *Record, out []*Record) ([]*Record, error)
}

// start makes and starts the stages of the plan, in order.
func (in *instance) start(ctx context.Context) error {
	for i, s := range in.plan.Stages {
		in.at(abi.PhaseStart, i, abi.None)
		started, err := in.startStage(ctx, s)
		if err != nil {
			return failed(i, -1, err)
		}
		in.chain = append(in.chain, started)
	}
	return nil
}

func (in *instance) startStage(ctx context.Context, s abi.Stage) (*stage, error) {
	p, err := in.find(s.Plugin, pluginKind(s.Kind))
	if err != nil {
		return nil, err
	}
	config, err := in.config(p, s)
	if err != nil {
		return nil, err
	}
	st := &stage{Stage: s, version: p.Version}
	if err := st.make(p); err != nil {
		return nil, err
	}
	if starter, ok := st.plugin.(Starter); ok {
		return st, starter.Start(ctx, config)
	}
	return st, nil
}

func (st *stage) make(p Plugin) error {
	switch st.Kind {
	case abi.KindSource:
		st.plugin = p.NewSource()
	case abi.KindSink:
		st.plugin = p.NewSink()
	case abi.KindTransform:
		t := p.NewTransform()
		st.plugin, st.apply = t, st.transform(t)
	case abi.KindPredicate:
		t := p.NewPredicate()
		st.plugin, st.apply = t, test(t)
	case abi.KindKeyConverter, abi.KindValueConverter:
		c := p.NewConverter()
		st.plugin, st.apply = c, st.convert(c)
	case abi.KindHeaderConverter:
		c := p.NewHeaderConverter()
		st.plugin, st.apply = c, st.convertHeaders(c)
	default:
		return fmt.Errorf("unknown kind of stage %q", st.Kind)
	}
	return nil
}

func (st *stage) transform(t Transform) func(context.Context, *Record, []*Record) ([]*Record, error) {
	return func(ctx context.Context, r *Record, out []*Record) ([]*Record, error) {
		if st.Guarded && (r.flags&abi.FlagPredicate != 0) == st.Negate {
			return append(out, r), nil
		}
		outcome, err := t.Transform(ctx, r)
		switch {
		case err != nil || outcome.drop:
			return out, err
		case outcome.many == nil:
			return append(out, r), nil
		}
		for _, made := range outcome.many {
			made.origin, made.source, made.flags, made.offset = r.origin, r.source, r.flags, r.offset
			made.entry, made.input = r.entry, r.input
			out = append(out, made)
		}
		return out, nil
	}
}

func test(p Predicate) func(context.Context, *Record, []*Record) ([]*Record, error) {
	return func(ctx context.Context, r *Record, out []*Record) ([]*Record, error) {
		yes, err := p.Test(ctx, r)
		r.flags &^= abi.FlagPredicate
		if yes {
			r.flags |= abi.FlagPredicate
		}
		return append(out, r), err
	}
}

func (st *stage) convert(c Converter) func(context.Context, *Record, []*Record) ([]*Record, error) {
	return func(_ context.Context, r *Record, out []*Record) ([]*Record, error) {
		v := &r.value
		if st.Kind == abi.KindKeyConverter {
			v = &r.key
		}
		from := func(s *abi.Schema, x any) ([]byte, error) { return c.FromConnect(r.Topic, s, x) }
		to := func(data []byte) (*abi.Schema, any, error) { return c.ToConnect(r.Topic, data) }
		return append(out, r), st.convertCell(v, &r.err, from, to)
	}
}

func (st *stage) convertHeaders(c HeaderConverter) func(context.Context, *Record, []*Record) ([]*Record, error) {
	return func(_ context.Context, r *Record, out []*Record) ([]*Record, error) {
		headers := r.Headers()
		for i := range headers {
			h := &headers[i]
			from := func(s *abi.Schema, x any) ([]byte, error) { return c.FromConnectHeader(r.Topic, h.Key, s, x) }
			to := func(data []byte) (*abi.Schema, any, error) { return c.ToConnectHeader(r.Topic, h.Key, data) }
			if err := st.convertCell(&h.cell, &r.err, from, to); err != nil {
				return out, err
			}
		}
		if len(headers) > 0 {
			r.SetHeaders(headers)
		}
		return append(out, r), nil
	}
}

func (st *stage) convertCell(v *cell, failed *error, from func(*abi.Schema, any) ([]byte, error),
	to func([]byte) (*abi.Schema, any, error)) error {
	x := v.get(failed)
	if *failed != nil {
		return *failed
	}
	if st.From {
		data, err := from(v.schemaOf(failed), x)
		if err != nil {
			return err
		}
		if data == nil {
			*v = made(nil, nil)
			return nil
		}
		*v = made(nil, Raw(data))
		return nil
	}
	raw, ok := x.(Raw)
	if !ok && x != nil {
		return DataError(fmt.Errorf("%T is not serialised", x))
	}
	schema, x, err := to(raw)
	*v = made(schema, x)
	return err
}

// apply takes the records through the stages in order. An error removes all records of the same origin; errs holds
// the first of each origin, or the one of the batch.
func (in *instance) apply(ctx context.Context, list []*Record, errs map[uint32]abi.RecordError) []*Record {
	for i, st := range in.chain {
		if st.apply == nil {
			continue
		}
		out := make([]*Record, 0, len(list))
		for _, r := range list {
			if _, bad := errs[r.origin]; bad {
				continue
			}
			in.at(abi.PhaseApply, i, r.origin)
			before := len(out)
			next, err := st.apply(ctx, r, out)
			if err == nil {
				err = r.err
			}
			if isOfBatch(err) {
				clear(errs)
				errs[abi.None] = recordError(abi.None, i, codeOf(err), err)
				return nil
			}
			if err != nil {
				errs[r.origin] = recordError(r.origin, i, codeOf(err), err)
				next = next[:before]
			}
			out = next
		}
		list = out
	}
	return withoutErrors(list, errs)
}

func withoutErrors(list []*Record, errs map[uint32]abi.RecordError) []*Record {
	if len(errs) == 0 {
		return list
	}
	good := list[:0]
	for _, r := range list {
		if _, bad := errs[r.origin]; !bad {
			good = append(good, r)
		}
	}
	return good
}

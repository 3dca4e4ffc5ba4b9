// Package preview takes given records through a chain, one record and one stage at a time, and tells what each stage
// made of each record.
package preview

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/recordjson"
)

// Record is a record to preview.
type Record struct {
	Input host.PreviewRecord
	Batch abi.Batch // the record alone
	Key   []byte    // serialised; nil: it is not, or null
	Value []byte    // the same
}

// Start runs an instance of a group that goes on behind a record that failed.
type Start func(ctx context.Context, group pipeline.Group) (*pipeline.Link, error)

// run is a preview under way. Each stage has an instance of its own and is done with all records before the next one
// starts, so that a preview holds one instance; each record is a batch of its own, so that a stage that ends on it is
// known to have ended on it.
type run struct {
	start Start
	flows []*flow
	bytes int // of all that is shown
}

// flow is a record on its way.
type flow struct {
	record  *Record
	batch   abi.Batch            // as the last stage left it
	shown   []host.PreviewRecord // the same
	outcome *host.PreviewOutcome // Outcome is "" until it is known
}

// Run takes records through stages. Errors are those of the preview as a whole: too much to show. What happens to
// records, and the end of ctx, is part of the outcomes.
func Run(ctx context.Context, stages []pipeline.Stage, records []Record, start Start) ([]host.PreviewOutcome, error) {
	outcomes := make([]host.PreviewOutcome, len(records))
	r := run{start: start}
	for i := range records {
		first, err := recordjson.Record(&records[i].Batch, 0)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		outcomes[i] = host.PreviewOutcome{Input: records[i].Input, Steps: []host.PreviewStep{}}
		r.flows = append(r.flows, &flow{record: &records[i], batch: records[i].Batch, shown: []host.PreviewRecord{first},
			outcome: &outcomes[i]})
	}
	for i, stage := range stages {
		if err := r.pass(ctx, i, stage); err != nil {
			return nil, err
		}
	}
	for _, f := range r.flows {
		if f.outcome.Outcome == "" {
			f.outcome.Outcome, f.outcome.Output = host.PreviewPassed, f.shown
		}
	}
	return outcomes, nil
}

// pass takes the records that are still on their way through a stage.
func (r *run) pass(ctx context.Context, index int, stage pipeline.Stage) error {
	group := pipeline.Group{Digest: stage.Found.Digest, Stages: []pipeline.Stage{stage}}
	var link *pipeline.Link
	ends := 0
	defer func() { stop(ctx, link) }()
	for _, f := range r.flows {
		if f.outcome.Outcome != "" {
			continue
		}
		if problem := r.notRun(ctx, ends); problem != nil {
			f.end(host.PreviewNotRun, host.PreviewStep{Stage: index, Error: problem})
			continue
		}
		if link == nil {
			var err error
			if link, err = r.start(ctx, group); err != nil {
				ends = host.PreviewEndsMax // it would not start for the others either
				f.end(host.PreviewFailed, host.PreviewStep{Stage: index, Error: endedError(err)})
				continue
			}
		}
		result, err := pipeline.Apply(ctx, []*pipeline.Link{link}, pipeline.Result{Batch: f.batch})
		if err == nil {
			if err := r.step(f, index, stage, result); err != nil {
				return err
			}
			continue
		}
		stop(ctx, link)
		link = nil
		if ctx.Err() != nil {
			f.end(host.PreviewNotRun, host.PreviewStep{Stage: index, Error: r.notRun(ctx, 0)})
			continue
		}
		ends++
		f.end(host.PreviewFailed, host.PreviewStep{Stage: index, Error: endedError(err)})
	}
	return nil
}

// stopGrace is how long an instance gets to exit: it has answered, so how it ends changes nothing.
const stopGrace = 100 * time.Millisecond

func stop(ctx context.Context, link *pipeline.Link) {
	if link != nil {
		_ = link.Instance.Stop(context.WithoutCancel(ctx), stopGrace)
	}
}

// notRun is why no further record is tried in a stage; nil: the next one is.
func (r *run) notRun(ctx context.Context, ends int) *host.PreviewError {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &host.PreviewError{Class: connectException, Message: fmt.Sprintf(
			"limit preview-duration (%s): the preview takes too long", host.PreviewDurationMax),
			Remedy: "give fewer records, or a chain without the stage that takes the time"}
	case ctx.Err() != nil:
		return &host.PreviewError{Class: connectException, Message: "the preview was given up by who asked for it"}
	case ends >= host.PreviewEndsMax:
		return &host.PreviewError{Class: connectException, Message: "not tried: instances of this stage ended or did not " +
			"start before, see the records above", Remedy: "mend the stage, or leave out the records that it ends on"}
	}
	return nil
}

// step notes what a stage answered.
func (r *run) step(f *flow, index int, stage pipeline.Stage, result pipeline.Result) error {
	step := host.PreviewStep{Stage: index}
	if result.Retry != nil {
		result.Failures = append(result.Failures, *result.Retry)
	}
	if len(result.Failures) > 0 {
		step.Error = f.failed(&result.Failures[0])
	}
	shown, err := showAll(&result.Batch)
	switch {
	case err != nil:
		step.Error = &host.PreviewError{Class: connectException, Message: "the stage gave a record that can't be read: " +
			err.Error(), Remedy: "this is a defect of the plugin: tell its author"}
		f.end(host.PreviewFailed, step)
		return nil
	case len(shown) == 0 && step.Error != nil:
		f.end(host.PreviewFailed, step)
		return nil
	case len(shown) == 0:
		step.Dropped = true
		f.end(host.PreviewDropped, step)
		return nil
	}
	if stage.Kind == abi.KindPredicate {
		says := result.Batch.Entry(0).Flags()&abi.FlagPredicate != 0
		step.Predicate = &says
	}
	if step.Unchanged = reflect.DeepEqual(shown, f.shown); !step.Unchanged {
		step.Records = shown
		r.bytes += size(shown)
	}
	f.batch, f.shown = result.Batch, shown
	f.outcome.Steps = append(f.outcome.Steps, step)
	if r.bytes > host.PreviewOutputBytesMax {
		return host.PreviewLimit("output-bytes", fmt.Sprintf("%d MiB", host.PreviewOutputBytesMax>>20),
			fmt.Sprintf("what the stages made of the records is larger than that at stage %d", index), "give fewer records")
	}
	return nil
}

func showAll(batch *abi.Batch) ([]host.PreviewRecord, error) {
	var all []host.PreviewRecord
	for i := range batch.Len() {
		r, err := recordjson.Record(batch, i)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func size(records []host.PreviewRecord) int {
	n := 0
	for _, r := range records {
		n += len(r.Topic) + len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			n += len(h.Key) + len(h.Value)
		}
	}
	return n
}

func (f *flow) end(outcome string, step host.PreviewStep) {
	f.outcome.Outcome = outcome
	f.outcome.Steps = append(f.outcome.Steps, step)
}

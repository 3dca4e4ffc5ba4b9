package task

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// giveUpLate gives those records up that the connector told of outside of its answers (KIP-610): put returned long ago,
// but their offsets are not committed. An error ends the task.
func (t *Sink) giveUpLate(ctx context.Context) error {
	told, err := t.sink.Instance.Errant()
	if err != nil {
		return t.putFailed(t.sink.Group.Failed(err), nil)
	}
	for i := range told {
		if err := t.giveUpOne(ctx, &told[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Sink) giveUpOne(ctx context.Context, e *abi.Errant) error {
	tp := host.TopicPartition{Topic: e.Topic, Partition: e.Partition}
	switch {
	case t.assigned[tp]:
	case !t.topics[e.Topic].IsZero():
		t.config.Log.Warn("the connector gives up a record of a partition that another task has now; ignored",
			"topic", e.Topic, "partition", e.Partition, "offset", e.Offset)
		return nil
	default:
		return &host.Error{Kind: host.ErrInternal, Message: fmt.Sprintf("the sink gave up record %s-%d@%d (topic, "+
			"partition, offset), and this task consumes no such topic: records that a transformation renames can only be "+
			"given up in the answer to their own batch", e.Topic, e.Partition, e.Offset)}
	}
	record, err := t.readAgain(ctx, tp, e.Offset)
	if err != nil {
		return err
	}
	group := t.sink.Group
	f := pipeline.LateFailure(group.Stages[len(group.Stages)-1], e)
	v := t.config.Errors.judge(1, []pipeline.RecordFailure{f}, &attempts{}, time.Now())
	t.config.count(&v)
	r, err := t.giveUp(ctx, []host.ConsumerRecord{record}, &f)
	if err != nil || !v.fatal {
		return err
	}
	if next, isPut := t.current[tp]; isPut {
		t.current[tp] = min(next, e.Offset) // it counts as put no more, nor what came behind it
	}
	return r.ended()
}

// readAgain has the record from Kafka, where its bytes are wanted: the task keeps none of what it has put.
func (t *Sink) readAgain(ctx context.Context, tp host.TopicPartition, offset int64) (host.ConsumerRecord, error) {
	if t.letters == nil && !t.config.Errors.LogRecords {
		return host.ConsumerRecord{Topic: tp.Topic, Partition: tp.Partition, Offset: offset}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.config.FlushTimeout)
	defer cancel()
	record, err := t.config.Clients.Record(ctx, t.config.ID, t.config.Connector, tp, offset)
	if err != nil {
		return record, fmt.Errorf("read record %s-%d@%d again, which the connector gave up: %w", tp.Topic, tp.Partition,
			offset, err)
	}
	return record, nil
}

package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/modules/mirror/clients"
)

// log reads an internal topic, which has one partition, from its start.
type log struct {
	client  *clients.Client
	topic   string
	cluster string // its alias
	next    int64  // offset
}

// openLog makes a reader; it connects when it is first used.
func openLog(s *settings, side clients.Side, topic string) (*log, error) {
	// Markers of transactions are asked for because the last record may be one: its offset tells that the end is reached.
	client, err := clients.New(s.config, side, clients.Consumer, fmt.Sprintf("%s-%s-reader", s.connector, side),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	return &log{client: client, topic: topic, cluster: s.alias(side)}, nil
}

func (l *log) close() {
	if l != nil {
		l.client.Close()
	}
}

// toEnd hands over all records up to where the topic ends now.
func (l *log) toEnd(ctx context.Context, take func(ctx context.Context, key, value []byte)) error {
	ends, err := l.client.Admin.ListEndOffsets(ctx, l.topic)
	if err != nil {
		return fmt.Errorf("find the end of topic %s of cluster %s: %w", l.topic, l.cluster, l.client.Explain(err))
	}
	end, has := ends.Lookup(l.topic, 0)
	switch {
	case !has || end.Err != nil:
		return fmt.Errorf("topic %s of cluster %s can't be read (%w): MirrorSourceConnector, with the same aliases, and "+
			"MirrorCheckpointConnector make their topics", l.topic, l.cluster, errors.Join(end.Err, ctx.Err()))
	}
	for l.next < end.Offset {
		if err := l.read(ctx, take); err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}

// follow hands over what comes until then.
func (l *log) follow(ctx context.Context, until time.Time, take func(ctx context.Context, key, value []byte)) error {
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for waiting.Err() == nil {
		if err := l.read(waiting, take); err != nil && waiting.Err() == nil {
			return err
		}
	}
	return nil
}

func (l *log) read(ctx context.Context, take func(ctx context.Context, key, value []byte)) error {
	fetches := l.client.PollFetches(ctx)
	for _, e := range fetches.Errors() {
		if ctx.Err() == nil {
			return fmt.Errorf("read topic %s of cluster %s: %w", l.topic, l.cluster, l.client.Explain(e.Err))
		}
	}
	fetches.EachRecord(func(r *kgo.Record) {
		l.next = r.Offset + 1
		if !r.Attrs.IsControl() && r.Value != nil {
			take(ctx, r.Key, r.Value)
		}
	})
	return nil
}

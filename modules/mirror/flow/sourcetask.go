package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/syncs"
	"github.com/berth-connect/berth/modules/mirror/wire"
)

// pollRecords is how many records a poll returns at most, unless consumer.max.poll.records says otherwise: Kafka's own
// number. pollRecordsMax is what the host takes as one batch, to which a module must get within its CPU budget.
const (
	pollRecords    = 500
	pollRecordsMax = 4096
)

// SourceTask copies partitions.
type SourceTask struct {
	settings
	consumer   *clients.Client
	most       int                                       // records of one poll
	partitions map[syncs.TopicPartition]*sourcePartition // that are copied

	emitter  *syncs.Emitter  // nil: no offset syncs
	producer *clients.Client // of offset syncs
	syncs    string          // their topic
}

// sourcePartition is what the records of a partition have in common.
type sourcePartition struct {
	remote string         // topic
	source map[string]any // source partition
}

// Start implements guest.Starter.
func (t *SourceTask) Start(ctx context.Context, config guest.Config) (err error) {
	if t.settings, err = newSettings(config); err != nil {
		return err
	}
	from, err := t.assigned(config)
	if err != nil {
		return err
	}
	if t.most, err = clients.PollRecords(t.config, pollRecords, pollRecordsMax); err != nil {
		return err
	}
	if t.Bool("emit.offset-syncs.enabled") {
		var side clients.Side
		side, t.syncs = t.offsetSyncs()
		t.emitter = syncs.NewEmitter(t.Int("offset.lag.max"))
		if t.producer, err = t.client(side, clients.Producer); err != nil {
			return err
		}
	}
	t.consumer, err = clients.New(t.config, clients.SourceSide, clients.Consumer,
		fmt.Sprintf("%s-source-consumer-%d", config.Connector, config.Task), kgo.ConsumePartitions(from))
	return err
}

// assigned reads the partitions of this task and where each goes on. There may be thousands.
func (t *SourceTask) assigned(config guest.Config) (map[string]map[int32]kgo.Offset, error) {
	list := config.Text(assignedPartitions)
	t.partitions = make(map[syncs.TopicPartition]*sourcePartition, strings.Count(list, ",")+1)
	from := map[string]map[int32]kgo.Offset{}
	first := sync.OnceValues(func() (kgo.Offset, error) { return clients.FirstOffset(t.config) })
	for text := range strings.SplitSeq(list, ",") {
		p, err := parsePartition(text)
		if err != nil {
			return nil, err
		}
		source := map[string]any{"cluster": t.source, "partition": p.Partition, "topic": p.Topic}
		t.partitions[p] = &sourcePartition{t.policy.Remote(t.source, p.Topic), source}
		at, copied, err := nextOffset(config, source)
		if err != nil {
			return nil, fmt.Errorf("partition %s: %w", text, err)
		}
		if !copied {
			if at, err = first(); err != nil {
				return nil, err
			}
		}
		if from[p.Topic] == nil {
			from[p.Topic] = map[int32]kgo.Offset{}
		}
		from[p.Topic][p.Partition] = at
	}
	return from, nil
}

// nextOffset is the one behind the last that was copied of a partition, if there is one.
func nextOffset(config guest.Config, source map[string]any) (at kgo.Offset, copied bool, err error) {
	stored, has := config.Offset(source)
	if !has || stored == nil {
		return at, false, nil
	}
	last, isNumber := stored["offset"].(int64)
	if !isNumber {
		return at, false, fmt.Errorf("the stored offset is %v; it must have a number named offset", stored)
	}
	return kgo.NewOffset().At(last + 1), true, nil
}

func parsePartition(text string) (syncs.TopicPartition, error) {
	at := strings.LastIndexByte(text, '-')
	n, err := strconv.ParseInt(text[at+1:], 10, 32)
	if at < 1 || err != nil || n < 0 {
		return syncs.TopicPartition{}, abi.InvalidValue(assignedPartitions, text,
			"it must be topic-partition; the connector writes this key")
	}
	return syncs.TopicPartition{Topic: text[:at], Partition: int32(n)}, nil
}

// Poll implements guest.Source.
func (t *SourceTask) Poll(ctx context.Context) ([]*guest.Record, error) {
	fetches := t.consumer.PollRecords(ctx, t.most)
	if err := t.failure(ctx, fetches); err != nil {
		return nil, err
	}
	records := make([]*guest.Record, 0, fetches.NumRecords())
	bytes, age := 0, time.Duration(0)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		at := syncs.TopicPartition{Topic: p.Topic, Partition: p.Partition}
		of := t.partitions[at]
		for _, r := range p.Records {
			records = append(records, of.record(r))
			bytes += len(r.Key) + len(r.Value)
			if t.emitter != nil {
				t.emitter.Copy(at, r.Offset)
			}
		}
		if n := len(p.Records); n > 0 {
			age = max(age, time.Since(p.Records[n-1].Timestamp))
		}
	})
	if len(records) > 0 {
		guest.Count(ctx, "mirror_record_count", float64(len(records)))
		guest.Count(ctx, "mirror_byte_count", float64(bytes))
		guest.Gauge(ctx, "mirror_record_age_ms", float64(age.Milliseconds()))
	}
	return records, nil
}

// failure tells why a poll gave no records. What the client gets over by itself is none.
func (t *SourceTask) failure(ctx context.Context, fetches kgo.Fetches) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, e := range fetches.Errors() {
		err := t.consumer.Explain(e.Err)
		if e.Topic != "" {
			err = fmt.Errorf("read %s-%d of the source cluster %s: %w", e.Topic, e.Partition, t.source, err)
		} else {
			err = fmt.Errorf("read the source cluster %s: %w", t.source, err)
		}
		if kerr.IsRetriable(e.Err) {
			return guest.Retriable(err)
		}
		var lost *kgo.ErrDataLoss
		if !errors.As(e.Err, &lost) {
			return err
		}
		guest.Log(ctx, abi.LogWarn, "%v", err) // and it goes on where the partition now ends
	}
	return nil
}

// record is the copy of a record.
func (p *sourcePartition) record(r *kgo.Record) *guest.Record {
	c := guest.NewRecord(p.remote)
	c.Partition = r.Partition
	c.Timestamp, c.TimestampType = r.Timestamp.UnixMilli(), abi.TimestampTypeCreate
	c.SetKey(bytesSchema, nullable(r.Key))
	c.SetValue(bytesSchema, nullable(r.Value))
	for _, h := range r.Headers {
		c.AddHeader(h.Key, bytesSchema, nullable(h.Value))
	}
	c.SourcePartition, c.SourceOffset = p.source, map[string]any{"offset": r.Offset}
	return c
}

// nullable is nil, the null, for nil bytes.
func nullable(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// Durable implements guest.Acknowledger: copied records become offset syncs.
func (t *SourceTask) Durable(ctx context.Context, records []*guest.Record) error {
	if t.emitter == nil {
		return nil
	}
	for _, r := range records {
		at := syncs.TopicPartition{Topic: r.SourcePartition["topic"].(string),
			Partition: r.SourcePartition["partition"].(int32)}
		t.emit(ctx, t.emitter.Written(at, r.SourceOffset["offset"].(int64), r.Offset()))
	}
	if n := len(records); n > 0 {
		latency := time.Now().UnixMilli() - records[n-1].Timestamp
		guest.Gauge(ctx, "mirror_replication_latency_ms", float64(latency))
	}
	return nil
}

// Commit implements guest.Committer: what was not worth a sync by itself gets one now.
func (t *SourceTask) Commit(ctx context.Context, _ []*guest.Record) error {
	if t.emitter != nil {
		t.emit(ctx, t.emitter.Delayed())
	}
	return nil
}

// emit writes syncs. One that is lost makes translations a little less exact until the next.
func (t *SourceTask) emit(ctx context.Context, list []wire.OffsetSync) {
	for _, s := range list {
		key, value, err := s.Encode()
		if err != nil {
			guest.Log(ctx, abi.LogWarn, "%v", err)
			continue
		}
		record := &kgo.Record{Topic: t.syncs, Partition: 0, Key: key, Value: value}
		t.producer.TryProduce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) {
			if err != nil {
				guest.Log(ctx, abi.LogWarn, "offset sync of %s-%d was not written to %s: %v", s.Topic, s.Partition, t.syncs,
					t.producer.Explain(err))
			}
		})
	}
}

// closeTimeout bounds the wait for the last offset syncs.
const closeTimeout = 2 * time.Second

// Close implements guest.Closer.
func (t *SourceTask) Close() error {
	if t.consumer != nil {
		t.consumer.Close()
	}
	if t.producer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := t.producer.Flush(ctx)
	t.producer.Close()
	return err
}

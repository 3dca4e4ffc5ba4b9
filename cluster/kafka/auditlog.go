package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// auditPendingMax is how many records may wait for Kafka before requests are refused.
	auditPendingMax = 1000
	// auditPendingLimit is how many may wait in all: those of requests under way, and of refused ones.
	auditPendingLimit = 2 * auditPendingMax
	// auditFlushMax bounds the wait for the last records at the end.
	auditFlushMax = 10 * time.Second
	// auditRetryDelay rests between attempts at making the topic.
	auditRetryDelay = time.Second
)

// AuditLog appends records to a topic, in the background. It holds what Kafka has not yet taken, up to a limit: what is
// asked of it beyond that has to wait or is counted as lost.
type AuditLog struct {
	topic       string
	replication int16
	client      *kgo.Client
	log         *slog.Logger
	pending     atomic.Int64
	lost        atomic.Int64
}

// NewAuditLog takes the worker's properties. It does no I/O. Errors: *PropertyError, joined.
func NewAuditLog(worker map[string]string, topic string, replication int16, log *slog.Logger) (*AuditLog, error) {
	opts, err := WorkerOptions(worker, worker["group.id"]+"-audit", log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.DefaultProduceTopic(topic), kgo.UnknownTopicRetries(-1),
		kgo.MaxBufferedRecords(auditPendingLimit+1))...)
	if err != nil {
		return nil, fmt.Errorf("making the client of topic %s: %w", topic, err)
	}
	return &AuditLog{topic: topic, replication: replication, client: client, log: log}, nil
}

// Run makes the topic if there is none, and flushes when ctx ends.
func (a *AuditLog) Run(ctx context.Context) error {
	defer a.client.Close()
	for a.create(ctx) != nil {
		select {
		case <-ctx.Done():
		case <-time.After(auditRetryDelay):
			continue
		}
		break
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditFlushMax)
	defer cancel()
	if err := a.client.Flush(last); err != nil || a.lost.Load() > 0 {
		a.log.Error("records of the audit log are lost", "topic", a.topic, "records", a.pending.Load()+a.lost.Load(),
			"error", err)
	}
	return nil
}

func (a *AuditLog) create(ctx context.Context) error {
	_, err := kadm.NewClient(a.client).CreateTopic(ctx, 1, a.replication, nil, a.topic)
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	if ctx.Err() == nil {
		a.log.Warn("the topic of the audit log can't be made, trying again", "topic", a.topic, "error", err)
	}
	return err
}

// Ready returns an error while too much waits for Kafka.
func (a *AuditLog) Ready() error {
	if a.pending.Load() < auditPendingMax {
		return nil
	}
	return fmt.Errorf("%d records of the audit log wait for Kafka (topic %s): nothing can be changed until it takes them",
		a.pending.Load(), a.topic)
}

// Write takes a record; it returns at once. One beyond the limit is lost, which is counted and logged.
func (a *AuditLog) Write(value []byte) {
	if a.pending.Add(1) > auditPendingLimit {
		a.pending.Add(-1)
		a.lose(errors.New("too many records wait for Kafka"))
		return
	}
	a.client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
		a.pending.Add(-1)
		if err != nil && !errors.Is(err, kgo.ErrClientClosed) {
			a.lose(err)
		}
	})
}

// lose counts a record; the log tells of the first and of each hundredth.
func (a *AuditLog) lose(err error) {
	if n := a.lost.Add(1); n%100 == 1 {
		a.log.Error("a record of the audit log is lost", "topic", a.topic, "lost", n, "error", err)
	}
}

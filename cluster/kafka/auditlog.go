package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	// auditDelayMax is how long a record may wait before requests are refused, since a crash would lose what waits.
	auditDelayMax = 10 * time.Second
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
	lost        atomic.Int64

	mu      sync.Mutex
	waiting []time.Time // when what Kafka has not taken was written, the oldest first; guarded by mu
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
		a.log.Error("records of the audit log are lost", "topic", a.topic, "records", a.Waiting()+a.lost.Load(),
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

// Ready returns an error while too much waits for Kafka, or for too long.
func (a *AuditLog) Ready() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 || len(a.waiting) < auditPendingMax && time.Since(a.waiting[0]) < auditDelayMax {
		return nil
	}
	return fmt.Errorf("%d records of the audit log wait for Kafka (topic %s), the oldest for %s: nothing can be changed "+
		"until it takes them", len(a.waiting), a.topic, time.Since(a.waiting[0]).Round(time.Second))
}

// Write takes a record; it returns at once. One beyond the limit is lost, which is counted and logged.
func (a *AuditLog) Write(value []byte) {
	a.mu.Lock()
	defer a.mu.Unlock() // records are sent in the order of what waits
	if len(a.waiting) >= auditPendingLimit {
		a.lose(errors.New("too many records wait for Kafka"))
		return
	}
	a.waiting = append(a.waiting, time.Now())
	a.client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
		a.taken()
		if err != nil && !errors.Is(err, kgo.ErrClientClosed) {
			a.lose(err)
		}
	})
}

// taken notes that the oldest record waits no more: there is one partition, so that they end in order.
func (a *AuditLog) taken() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = a.waiting[1:]
}

// Waiting is how many records Kafka has not taken yet.
func (a *AuditLog) Waiting() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(len(a.waiting))
}

// Lost is how many records there was no room for, or Kafka has refused.
func (a *AuditLog) Lost() int64 { return a.lost.Load() }

// lose counts a record; the log tells of the first and of each hundredth.
func (a *AuditLog) lose(err error) {
	if n := a.lost.Add(1); n%100 == 1 {
		a.log.Error("a record of the audit log is lost", "topic", a.topic, "lost", n, "error", err)
	}
}

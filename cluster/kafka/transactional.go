package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

const (
	defaultTransactionTimeout = time.Minute // transaction.timeout.ms
	// abortDurationMax bounds the abort of a task that ends: Kafka aborts after transaction.timeout.ms by itself.
	abortDurationMax = 10 * time.Second
)

// TransactionalProducer is a Producer whose records are visible to read_committed consumers from Commit on, all or
// none. Begin, Commit and Abort are for one goroutine. After an error of any of them it is good for Abort and Close
// only, so that a producer that was fenced never takes its transactional id back.
type TransactionalProducer struct {
	*Producer
	id   host.TaskID
	open bool
}

// TransactionalProducer makes the producer of a source task with exactly-once support: as Producer, with
// transactional.id "<group.id>-<connector>-<task>" whatever producer.* says. When it returns, earlier producers of the
// task can write no more and their transactions have ended.
func (c *Clients) TransactionalProducer(ctx context.Context, id host.TaskID, config host.Config) (
	*TransactionalProducer, error) {
	own, override := withPrefix(c.worker, "producer."), overrides(config, "producer.override.")
	forced := map[string]string{"transactional.id": c.transactionalID(id), "enable.idempotence": "true"}
	for key, value := range forced {
		if given := layered(key, own, override); given != "" && given != value {
			c.log.Warn("a producer setting is overridden: exactly-once support needs another value", "connector", id.Connector,
				"key", key, "value", given, "used", value)
		}
	}
	p := newProperties(c.base("connector-producer-"+id.String()), own, override, forced)
	settings := producerOptions(p)
	if acks := p.text("acks"); acks != "" && acks != "all" && acks != "-1" {
		p.bad("acks", "use all: a producer with transactions needs it")
	}
	opts := append(settings.opts, c.logOption(id, producerLogger), kgo.TransactionalID(p.text("transactional.id")),
		kgo.TransactionTimeout(p.millis("transaction.timeout.ms", defaultTransactionTimeout)))
	opts = append(opts, c.fenceOptions(p)...)
	c.warned.unknown("producer", p, own, override)
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("configuring the producer of %s: %w", id, err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the producer of %s: %w", id, err)
	}
	if err := InitTransactions(ctx, client); err != nil {
		client.Close()
		return nil, fmt.Errorf("initialize transactions of task %s, transactional id %s: %w", id, forced["transactional.id"],
			err)
	}
	return &TransactionalProducer{Producer: newProducer(client, settings.bufferBytes, c.reservedFor(config)), id: id}, nil
}

// OffsetsOptions are those of the clients with which a connector with exactly-once support reads and creates the topic
// of its source offsets.
type OffsetsOptions struct{ Consumer, Admin []kgo.Opt }

// OffsetsOptions: consumer.* and admin.* of the worker, then the connector's overrides.
func (c *Clients) OffsetsOptions(id host.TaskID, config host.Config) (OffsetsOptions, error) {
	own, override := withPrefix(c.worker, "consumer."), overrides(config, "consumer.override.")
	p := newProperties(c.base("connector-offsets-"+id.String()), own, override)
	consumer := append(commonOptions(p), c.logOption(id, consumerLogger))
	admin, err := c.adminOptions(id, config, "connector-offsets-admin-"+id.String())
	if err := errors.Join(p.err(), err); err != nil {
		return OffsetsOptions{}, fmt.Errorf("configuring the clients that read the offsets of %s: %w", id, err)
	}
	return OffsetsOptions{consumer, admin}, nil
}

func (c *Clients) transactionalID(id host.TaskID) string {
	return c.worker["group.id"] + "-" + id.String()
}

// layered is the value of a key in the last layer that has it.
func layered(key string, layers ...map[string]string) string {
	all := map[string]string{}
	for _, layer := range layers {
		maps.Copy(all, layer)
	}
	return all[key]
}

// InitTransactions fences earlier producers of the client's transactional id. It asks again while the broker still ends
// a transaction of one.
func InitTransactions(ctx context.Context, client *kgo.Client) error {
	for {
		_, _, err := client.ProducerID(ctx)
		if err == nil || !errors.Is(err, kerr.ConcurrentTransactions) {
			return err
		}
		select {
		case <-time.After(defaultRetryBackoff):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Begin opens a transaction for all that is sent from now on.
func (p *TransactionalProducer) Begin() error {
	if err := p.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	p.open = true
	return nil
}

// Commit adds records to the open transaction and ends it; they go to the partitions of their keys.
func (p *TransactionalProducer) Commit(ctx context.Context, records ...*kgo.Record) error {
	for _, r := range records {
		r.Partition = -1
	}
	err := p.client.ProduceSync(ctx, records...).FirstErr()
	if err == nil {
		err = p.client.Flush(ctx)
	}
	if err == nil {
		err = p.client.EndTransaction(ctx, kgo.TryCommit)
	}
	if err != nil {
		return p.explained(err)
	}
	p.open = false
	return nil
}

// explained: Kafka tells a producer that was fenced, and one whose transaction has expired, the same.
func (p *TransactionalProducer) explained(err error) error {
	if errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced) {
		//nolint:staticcheck // Connect's words
		return fmt.Errorf("Task %s was unable to finish writing records to Kafka before its producer transaction "+
			"expired, or another worker runs the task now. Raise producer.override.transaction.timeout.ms, or end "+
			"transactions sooner (transaction.boundary, transaction.boundary.interval.ms): %w", p.id, err)
	}
	//nolint:staticcheck // Connect's words
	return fmt.Errorf("Failed to flush offsets and/or records for task %s: %w", p.id, err)
}

// Abort gives up the open transaction, if there is one. It is best effort: else the next producer of the task, or a
// time-out, aborts it.
func (p *TransactionalProducer) Abort(ctx context.Context) error {
	if !p.open {
		return nil
	}
	p.open = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortDurationMax)
	defer cancel()
	if err := p.client.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("abort the transaction of task %s: %w", p.id, err)
	}
	if err := p.client.EndTransaction(ctx, kgo.TryAbort); err != nil {
		return fmt.Errorf("abort the transaction of task %s: %w", p.id, err)
	}
	return nil
}

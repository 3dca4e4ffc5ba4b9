package task

import (
	"context"
	"fmt"
	"sync"

	"github.com/berth-connect/berth/host"
)

// DeadLetterError ends a task: a record failed, and Kafka does not take it for the dead-letter topic. To go on would
// lose it.
type DeadLetterError struct {
	Topic string
	Where string // which record
	Cause error
}

func (e *DeadLetterError) Error() string {
	return "Could not produce message to dead letter queue. topic=" + e.Topic
}

func (e *DeadLetterError) Unwrap() error { return e.Cause }

// deadLetters writes the records of a task that failed to its dead-letter topic.
type deadLetters struct {
	topic    string
	producer host.Producer
	meters   Meters
	failed   chan error // the first *DeadLetterError
}

// openDeadLetters returns nil when the task has no dead-letter topic.
func (c *Config) openDeadLetters(ctx context.Context) (*deadLetters, error) {
	to := c.Errors.DeadLetters
	if to.Topic == "" {
		return nil, nil
	}
	producer, err := c.Clients.DeadLetters(ctx, c.ID, c.Connector, to.Topic, to.ReplicationFactor)
	if err != nil {
		return nil, err
	}
	return &deadLetters{topic: to.Topic, producer: producer, meters: c.Meters, failed: make(chan error, 1)}, nil
}

// send hands a letter to the producer; ack is called, from another goroutine, when Kafka has it or won't have it. In
// that case the error comes out of failures, too.
func (d *deadLetters) send(ctx context.Context, letter host.ProducerRecord, where string, ack func(error)) error {
	d.meters.DeadLetter()
	err := d.producer.Send(ctx, []host.ProducerRecord{letter}, func(_ int, err error) {
		ack(err)
		if err == nil {
			return
		}
		d.meters.DeadLetterFailed()
		select {
		case d.failed <- &DeadLetterError{d.topic, where, err}:
		default:
		}
	})
	if err != nil {
		ack(err)
		d.meters.DeadLetterFailed()
		return &DeadLetterError{d.topic, where, err}
	}
	return nil
}

// failures is the channel of the first failure; it never says anything for a task without dead letters.
func (d *deadLetters) failures() <-chan error {
	if d == nil {
		return nil
	}
	return d.failed
}

func (d *deadLetters) close() {
	if d != nil {
		d.producer.Close()
	}
}

// unsettled knows the offsets of consumed records that failed and of whose dead letters Kafka has not said that it has
// them: they must not be committed.
type unsettled struct {
	changed chan struct{} // a token when a letter was answered

	mu      sync.Mutex
	offsets map[host.TopicPartition]map[int64]struct{} // guarded by mu
	waiting int                                        // of letters without an answer; guarded by mu
}

func newUnsettled() *unsettled {
	return &unsettled{changed: make(chan struct{}, 1), offsets: map[host.TopicPartition]map[int64]struct{}{}}
}

func (u *unsettled) add(tp host.TopicPartition, offset int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting++
	if u.offsets[tp] == nil {
		u.offsets[tp] = map[int64]struct{}{}
	}
	u.offsets[tp][offset] = struct{}{}
}

// answered settles an offset, unless Kafka did not take its letter: then it stays what it is.
func (u *unsettled) answered(tp host.TopicPartition, offset int64, err error) {
	u.mu.Lock()
	u.waiting--
	if err == nil {
		delete(u.offsets[tp], offset)
	}
	u.mu.Unlock()
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

// forget drops a partition that belongs to another task now: it will fail on these records itself.
func (u *unsettled) forget(tp host.TopicPartition) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.offsets, tp)
}

// limit is next, or the first unsettled offset of the partition when that is lower.
func (u *unsettled) limit(tp host.TopicPartition, next int64) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	for offset := range u.offsets[tp] {
		next = min(next, offset)
	}
	return next
}

// await returns when every letter is answered, or with an error when ctx ended before.
func (u *unsettled) await(ctx context.Context) error {
	for {
		u.mu.Lock()
		waiting := u.waiting
		u.mu.Unlock()
		if waiting == 0 {
			return nil
		}
		select {
		case <-u.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d dead letters are not written: %w", waiting, context.Cause(ctx))
		}
	}
}

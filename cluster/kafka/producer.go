package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// ErrClosed is the error of a client that was closed.
var ErrClosed = errors.New("the Kafka client was closed")

// recordOverheadBytes is what a buffered record costs besides its bytes; it counts against buffer.memory, so that a
// million of tiny records can't take many times the memory that was granted.
const recordOverheadBytes = 256

// Producer implements host.Producer.
type Producer struct {
	client  *kgo.Client
	buffer  buffer
	own     reserved
	sending chan struct{} // holds a token while a Send runs: concurrent ones keep their records together
	closed  chan struct{}
	once    sync.Once
}

func newProducer(client *kgo.Client, bufferBytes int64, own reserved) *Producer {
	p := &Producer{client: client, own: own, sending: make(chan struct{}, 1), closed: make(chan struct{})}
	p.buffer.limit, p.buffer.space = bufferBytes, make(chan struct{}, 1)
	return p
}

// sent is one Send: the client's records lie in one slice, so that a record's index is found by its address. It is used
// again when its last record is answered. The client answers from one goroutine at a time.
type sent struct {
	producer *Producer
	records  []kgo.Record
	headers  []kgo.RecordHeader
	promise  func(*kgo.Record, error) // the method done, bound once
	ack      func(int, error)
	offsets  []*int64 // where the offset of each record is wanted; empty: nowhere
	reserved int64    // of the producer's buffer for all records together, 0: each has its own share
	left     int      // records without answer
}

// sends is memory for the sends of all producers. The collector empties it, so that idle ones hold nothing.
var sends sync.Pool

func newSent(p *Producer, ack func(int, error)) *sent {
	s, ok := sends.Get().(*sent)
	if !ok {
		s = &sent{}
		s.promise = s.done
	}
	s.producer, s.ack, s.reserved = p, ack, 0
	return s
}

func (s *sent) done(record *kgo.Record, err error) {
	i := int((uintptr(unsafe.Pointer(record)) - uintptr(unsafe.Pointer(&s.records[0]))) / unsafe.Sizeof(kgo.Record{}))
	if err != nil {
		err = explained(err, record.Topic)
	}
	size := int64(0)
	if s.reserved == 0 {
		size = sizeOf(record)
	}
	if err == nil && len(s.offsets) > 0 {
		*s.offsets[i] = record.Offset
	}
	s.ack(i, err)
	if size > 0 {
		s.producer.buffer.give(size)
	}
	if s.left--; s.left > 0 {
		return
	}
	if s.reserved > 0 {
		s.producer.buffer.give(s.reserved)
	}
	s.producer, s.ack = nil, nil
	sends.Put(s)
}

func sizeOf(r *kgo.Record) int64 {
	size := recordOverheadBytes + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(size)
}

// Send implements host.Producer.
func (p *Producer) Send(ctx context.Context, records []host.ProducerRecord, ack func(i int, err error)) error {
	if len(records) == 0 {
		return nil
	}
	if err := p.own.check(records); err != nil {
		return err
	}
	select {
	case p.sending <- struct{}{}:
		defer func() { <-p.sending }()
	case <-ctx.Done():
		return fmt.Errorf("waiting to send: %w", ctx.Err())
	case <-p.closed:
		return ErrClosed
	}
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	s := newSent(p, ack)
	total := s.fill(records)
	if total <= p.buffer.limit/4 {
		if err := p.buffer.take(ctx, p.closed, total); err != nil {
			return err
		}
		s.reserved = total
	}
	return s.produce(ctx, s.records)
}

// produce hands the records over. s is another Send's as soon as the last of them is answered.
func (s *sent) produce(ctx context.Context, records []kgo.Record) error {
	p, each := s.producer, s.reserved == 0
	for i := range records {
		if each {
			if err := p.buffer.take(ctx, p.closed, sizeOf(&records[i])); err != nil {
				return err
			}
		}
		// Not the caller's ctx: what was buffered is delivered, whatever becomes of the caller.
		p.client.Produce(context.Background(), &records[i], s.promise)
	}
	return nil
}

// fill turns records into the client's and returns what they count in the buffer.
func (s *sent) fill(records []host.ProducerRecord) (total int64) {
	s.left, s.headers = len(records), s.headers[:0]
	s.records = slices.Grow(s.records[:0], len(records))[:len(records)]
	s.offsets = s.offsets[:0]
	for i := range records {
		from, to := &records[i], &s.records[i]
		*to = kgo.Record{Topic: from.Topic, Partition: from.Partition, Key: from.Key, Value: from.Value}
		if from.TimestampMs != abi.NoTimestamp {
			to.Timestamp = time.UnixMilli(from.TimestampMs)
		}
		if len(from.Headers) > 0 {
			start := len(s.headers)
			for _, h := range from.Headers {
				s.headers = append(s.headers, kgo.RecordHeader(h))
			}
			to.Headers = s.headers[start:len(s.headers):len(s.headers)] // an earlier array lives on as long as it is used
		}
		if from.Offset != nil {
			s.offsets = append(s.offsets, from.Offset)
		}
		total += sizeOf(to)
	}
	return total
}

// Close implements host.Producer.
func (p *Producer) Close() {
	p.once.Do(func() {
		close(p.closed)
		p.client.Close()
	})
}

// buffer admits records by their size. The client has a limit of its own, but it starts a goroutine for every record
// that has to wait, and its wait can be given up only together with the records that are already buffered.
type buffer struct {
	limit   int64
	used    atomic.Int64
	waiting atomic.Bool
	space   chan struct{}
}

func (b *buffer) take(ctx context.Context, closed <-chan struct{}, size int64) error {
	for {
		used := b.used.Load()
		if used == 0 || used+size <= b.limit { // a record above the limit goes alone and the client judges it
			if b.used.CompareAndSwap(used, used+size) {
				return nil
			}
			continue
		}
		b.waiting.Store(true)
		if b.used.Load() != used {
			continue // something was given back before waiting was seen
		}
		select {
		case <-b.space:
		case <-ctx.Done():
			return fmt.Errorf("waiting for space in the producer's buffer: %w", ctx.Err())
		case <-closed:
			return ErrClosed
		}
	}
}

// give wakes a waiting Send when a quarter of the buffer is free, not at every record.
func (b *buffer) give(size int64) {
	used := b.used.Add(-size)
	if used <= b.limit/4*3 && b.waiting.Load() && b.waiting.Swap(false) {
		select {
		case b.space <- struct{}{}:
		default:
		}
	}
}

// partitioner takes the partition that a record names, and Kafka's default (murmur2 of the key, sticky without a key)
// for a record that names none.
type partitioner struct{ auto kgo.Partitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicPartitioner{p.auto.ForTopic(topic)}
}

type topicPartitioner struct{ auto kgo.TopicPartitioner }

func (t *topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || t.auto.RequiresConsistency(r)
}

func (t *topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return t.auto.Partition(r, n)
}

func (t *topicPartitioner) OnNewBatch() {
	if sticky, ok := t.auto.(kgo.TopicPartitionerOnNewBatch); ok {
		sticky.OnNewBatch()
	}
}

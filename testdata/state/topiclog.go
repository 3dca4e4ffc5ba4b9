package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// logged is a record of a state topic with what its batch says.
type logged struct {
	topic      string
	partition  int32
	offset     int64
	batch      int64 // offset of the first record of its batch
	key, value []byte
	isNull     bool // the value

	transactional bool
	marker        string // COMMIT or ABORT ends a transaction; "": a record
}

// Attributes of a batch (KIP-98).
const (
	compressionBits  = 7
	transactionalBit = 1 << 4
	controlBit       = 1 << 5
)

// topicLog reads what was written to topics, in the batches in which it was written: clients tell records only.
type topicLog struct {
	client *kgo.Client
	topics []string
	next   map[string][]int64 // by topic and partition: the offset to go on at
}

func openLog(bootstrap string, topics []string) (*topicLog, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	return &topicLog{client: client, topics: topics, next: map[string][]int64{}}, err
}

// read returns what has come since the last call; topics that are not there yet have nothing.
func (l *topicLog) read(ctx context.Context) ([]logged, error) {
	details, err := kadm.NewClient(l.client).ListTopics(ctx, l.topics...)
	if err != nil {
		return nil, fmt.Errorf("ask for the topics: %w", err)
	}
	var all []logged
	for {
		request := l.request(details)
		if len(request.Topics) == 0 {
			return all, nil
		}
		answer, err := l.client.SeedBrokers()[0].Request(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("fetch: %w", err)
		}
		records, err := l.take(answer.(*kmsg.FetchResponse), request)
		if err != nil || len(records) == 0 {
			return all, err
		}
		all = append(all, records...)
	}
}

func (l *topicLog) request(details kadm.TopicDetails) *kmsg.FetchRequest {
	request := kmsg.NewPtrFetchRequest()
	request.MaxBytes = 64 << 20
	for _, topic := range l.topics {
		detail := details[topic]
		if detail.Err != nil {
			continue
		}
		for len(l.next[topic]) < len(detail.Partitions) {
			l.next[topic] = append(l.next[topic], 0)
		}
		asked := kmsg.NewFetchRequestTopic()
		asked.Topic, asked.TopicID = topic, detail.ID
		for number, offset := range l.next[topic] {
			partition := kmsg.NewFetchRequestTopicPartition()
			partition.Partition, partition.FetchOffset = int32(number), offset
			partition.PartitionMaxBytes = 8 << 20
			asked.Partitions = append(asked.Partitions, partition)
		}
		request.Topics = append(request.Topics, asked)
	}
	return request
}

func (l *topicLog) take(answer *kmsg.FetchResponse, asked *kmsg.FetchRequest) ([]logged, error) {
	var all []logged
	for _, topic := range answer.Topics {
		for _, a := range asked.Topics {
			if a.TopicID == topic.TopicID {
				topic.Topic = a.Topic
			}
		}
		for _, p := range topic.Partitions {
			records, err := readBatches(p.RecordBatches)
			if err != nil {
				return nil, fmt.Errorf("topic %s, partition %d: %w", topic.Topic, p.Partition, err)
			}
			for _, r := range records {
				if r.offset < l.next[topic.Topic][p.Partition] {
					continue // a batch is sent whole
				}
				r.topic, r.partition = topic.Topic, p.Partition
				all = append(all, r)
				l.next[r.topic][r.partition] = r.offset + 1
			}
		}
	}
	return all, nil
}

// Places in a batch of magic 2.
const (
	lengthAt     = 8
	attributesAt = 21
	countAt      = 57
	recordsAt    = 61
)

func readBatches(raw []byte) ([]logged, error) {
	var all []logged
	for len(raw) > recordsAt {
		size := lengthAt + 4 + int(binary.BigEndian.Uint32(raw[lengthAt:]))
		if size > len(raw) {
			return all, nil // cut at the limit of the fetch
		}
		records, err := readBatch(raw[:size])
		if err != nil {
			return nil, err
		}
		all, raw = append(all, records...), raw[size:]
	}
	return all, nil
}

func readBatch(raw []byte) ([]logged, error) {
	first := int64(binary.BigEndian.Uint64(raw))
	attributes := int16(binary.BigEndian.Uint16(raw[attributesAt:]))
	if attributes&compressionBits != 0 {
		return nil, errors.New("the batch is compressed, which the recorded ones are not")
	}
	var records []logged
	rest := raw[recordsAt:]
	for range binary.BigEndian.Uint32(raw[countAt:]) {
		size, width := binary.Varint(rest)
		if width <= 0 || size < 0 || int(size) > len(rest)-width {
			return nil, errors.New("a record is cut off")
		}
		var r kmsg.Record
		if err := r.ReadFrom(rest[:width+int(size)]); err != nil {
			return nil, fmt.Errorf("read a record: %w", err)
		}
		rest = rest[width+int(size):]
		l := logged{offset: first + int64(r.OffsetDelta), batch: first, key: r.Key, value: r.Value, isNull: r.Value == nil,
			transactional: attributes&transactionalBit != 0}
		if attributes&controlBit != 0 {
			l = l.asMarker()
		}
		records = append(records, l)
	}
	return records, nil
}

// asMarker reads the key of a control record: version and type, two bytes each.
func (l logged) asMarker() logged {
	l.marker = "ABORT"
	if len(l.key) >= 4 && binary.BigEndian.Uint16(l.key[2:]) == 1 {
		l.marker = "COMMIT"
	}
	l.key, l.value = nil, nil
	return l
}

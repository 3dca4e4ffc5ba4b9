package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// defaultOffsetPartitions is offset.storage.partitions when it is not set.
const defaultOffsetPartitions = 25

// OffsetStore keeps source offsets in the offsets topic (offset.storage.topic). It implements host.OffsetStore.
type OffsetStore struct {
	records recordLog

	mu     sync.Mutex
	reader offsetReader
}

// NewOffsetStore takes the worker's properties. It does no I/O. Errors: a missing or bad property.
func NewOffsetStore(worker map[string]string, log *slog.Logger) (*OffsetStore, error) {
	spec, err := newSpec(worker, "offset.storage", "source connector offsets", "offsets", defaultOffsetPartitions)
	if err != nil {
		return nil, err
	}
	spec.committedOnly = usesTransactions(worker)
	s := &OffsetStore{reader: newOffsetReader(worker, log)}
	if s.records, err = newTopicLog(spec, worker, log, s.apply); err != nil {
		return nil, err
	}
	return s, nil
}

// Run as ConfigStore.Run.
func (s *OffsetStore) Run(ctx context.Context) error { return s.records.run(ctx) }

// Ready is closed when everything stored before the start was read.
func (s *OffsetStore) Ready() <-chan struct{} { return s.records.ready() }

func (s *OffsetStore) apply(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.apply(r)
}

// Load implements host.OffsetStore. Entries are ordered by the time at which they were written.
func (s *OffsetStore) Load(ctx context.Context, connector string) ([]host.SourceOffset, error) {
	if err := s.records.readToEnd(ctx); err != nil {
		return nil, fmt.Errorf("loading the offsets of connector %s: %w", connector, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reader.list(connector), nil
}

// Store implements host.OffsetStore. A partition that is stored already keeps its key bytes, whatever the order of
// its members here.
func (s *OffsetStore) Store(ctx context.Context, connector string, offsets []host.SourceOffset) error {
	records := make([]*kgo.Record, len(offsets))
	s.mu.Lock()
	for i, o := range offsets {
		key, err := s.reader.keyFor(connector, o)
		if err != nil {
			s.mu.Unlock()
			return fmt.Errorf("storing offsets of connector %s: %w", connector, err)
		}
		records[i] = &kgo.Record{Key: key, Value: o.Offset}
	}
	s.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	if err := s.records.write(ctx, records...); err != nil {
		return fmt.Errorf("storing offsets of connector %s: %w", connector, err)
	}
	return nil
}

// offsetReader is the state that the offsets topic's records build up.
type offsetReader struct {
	log        *slog.Logger
	connectors map[string]*connectorOffsets
	quirks     bool // host.KafkaQuirksKey
}

// connectorOffsets are the entries of one connector.
type connectorOffsets struct {
	byKey  map[string]offsetEntry // by the record key's bytes
	byText map[string]string      // partition in canonical form -> the key that was written last
	hidden map[string]bool        // with quirks: partitions in canonical form that the API no longer knows
}

type offsetEntry struct {
	partition, offset json.RawMessage
	canonical         string
	writtenMs, log    int64
}

func newOffsetReader(worker map[string]string, log *slog.Logger) offsetReader {
	return offsetReader{log: log, connectors: map[string]*connectorOffsets{}, quirks: host.KafkaQuirks(worker)}
}

func (o *offsetReader) apply(r *kgo.Record) {
	connector, partition, err := parseOffsetKey(r.Key)
	if errors.Is(err, errNoPartition) {
		return
	}
	if err != nil {
		o.log.Warn("an offset record is ignored", "key", string(r.Key), "error", err)
		return
	}
	canonical, err := canonicalJSON(partition)
	if err != nil {
		o.log.Warn("an offset record is ignored", "key", string(r.Key), "error", err)
		return
	}
	entries := o.connectors[connector]
	if entries == nil {
		entries = &connectorOffsets{map[string]offsetEntry{}, map[string]string{}, map[string]bool{}}
		o.connectors[connector] = entries
	}
	if o.quirks { // OffsetUtils.processPartitionKey forgets the partition, however the key that is deleted is written
		entries.hidden[canonical] = r.Value == nil
	}
	key := string(r.Key)
	if r.Value == nil {
		delete(entries.byKey, key)
		if entries.byText[canonical] == key {
			delete(entries.byText, canonical)
		}
		return
	}
	entries.byKey[key] = offsetEntry{partition, r.Value, canonical, r.Timestamp.UnixMilli(), r.Offset}
	entries.byText[canonical] = key
}

// list returns the offsets that can be used, the one written last at the end.
func (o *offsetReader) list(connector string) []host.SourceOffset {
	entries := o.connectors[connector]
	if entries == nil {
		return nil
	}
	var found []offsetEntry
	for key, entry := range entries.byKey {
		if !isObject(entry.offset) {
			o.log.Error("a stored offset is not a JSON object and is ignored", "key", key)
			continue
		}
		found = append(found, entry)
	}
	slices.SortFunc(found, func(a, b offsetEntry) int {
		return cmp.Or(cmp.Compare(a.writtenMs, b.writtenMs), cmp.Compare(a.log, b.log), cmp.Compare(a.canonical, b.canonical))
	})
	out := make([]host.SourceOffset, len(found))
	for i, entry := range found {
		out[i] = host.SourceOffset{Partition: entry.partition, Offset: entry.offset}
	}
	return out
}

// keyFor returns the key of a partition: its very bytes when they are known, else those of an entry that differs in the
// order of members only (the JVM writes them in an order of its own), else new ones in the order given, the plugin's,
// as in Connect.
//
// With quirks, what is deleted has the key that Connect's offsets API gives to it, stored or not: Worker's
// modifySourceConnectorOffsets writes partitions that were read into a HashMap.
func (o *offsetReader) keyFor(connector string, offset host.SourceOffset) ([]byte, error) {
	partition := offset.Partition
	if string(partition) == noPartition {
		return append(appendQuoted([]byte{'['}, connector), ","+noPartition+"]"...), nil
	}
	if o.quirks && offset.Offset == nil && isFlat(partition) {
		return javaKey(connector, partition), nil
	}
	canonical, err := canonicalJSON(partition)
	if err != nil {
		return nil, fmt.Errorf("reading a source partition: %w", err)
	}
	key := append(appendQuoted([]byte{'['}, connector), ',')
	key = append(append(key, partition...), ']')
	if entries := o.connectors[connector]; entries != nil {
		if _, same := entries.byKey[string(key)]; same {
			return key, nil
		}
		if known, ok := entries.byText[canonical]; ok {
			return []byte(known), nil
		}
	}
	if isFlat(partition) {
		key = keyOf(connector, partition, memberNames(partition))
	}
	return key, nil
}

// noPartition stands for the partition in the key of records that have none. Connect writes that key, and nothing that
// it means can be loaded.
const noPartition = "null"

var errNoPartition = errors.New("the key has no partition")

// parseOffsetKey reads ["connector",{partition}]. Error: errNoPartition for ["connector",null].
func parseOffsetKey(key []byte) (connector string, partition json.RawMessage, err error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(key, &parts); err != nil {
		return "", nil, fmt.Errorf("the key is not a JSON array: %w", err)
	}
	if len(parts) == 2 && string(parts[1]) == noPartition {
		return "", nil, errNoPartition
	}
	if len(parts) != 2 || !bytes.HasPrefix(parts[0], []byte{'"'}) || !isObject(parts[1]) {
		return "", nil, fmt.Errorf("the key is not a connector's name and a partition")
	}
	if err := json.Unmarshal(parts[0], &connector); err != nil {
		return "", nil, fmt.Errorf("reading the connector's name: %w", err)
	}
	return connector, parts[1], nil
}

func isObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return bytes.HasPrefix(data, []byte{'{'}) && json.Valid(data)
}

// canonicalJSON gives equal texts for objects that are equal as Java maps: members sorted, numbers as written.
func canonicalJSON(data []byte) (string, error) {
	m, ok := decodeMap(data)
	if !ok {
		return "", fmt.Errorf("%q is not a JSON object", data)
	}
	text, err := json.Marshal(m)
	return string(text), err
}

package herder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/berth-connect/berth/host"
)

// Keys of sink offsets in JSON (KIP-875).
const (
	topicKey     = "kafka_topic"
	partitionKey = "kafka_partition"
	offsetKey    = "kafka_offset"
)

func (h *Herder) sinkOffsets(ctx context.Context, name string, config host.Config) ([]Offset, error) {
	group, err := h.openSink(name, config)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	committed, err := group.Offsets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the consumer group offsets of connector %s: %w", name, err)
	}
	offsets := []Offset{}
	for _, at := range slices.SortedFunc(maps.Keys(committed), comparePartitions) {
		topic, err := json.Marshal(at.Topic)
		if err != nil {
			return nil, fmt.Errorf("encode topic name: %w", err)
		}
		offsets = append(offsets, Offset{
			Partition: fmt.Appendf(nil, `{"%s":%d,"%s":%s}`, partitionKey, at.Partition, topicKey, topic),
			Offset:    fmt.Appendf(nil, `{"%s":%d}`, offsetKey, committed[at]),
		})
	}
	return offsets, nil
}

func comparePartitions(a, b host.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// alterSink sets and deletes offsets of the connector's consumer group after the plugin has agreed.
func (h *Herder) alterSink(ctx context.Context, name string, config host.Config, offsets []Offset) (bool, error) {
	set, forget := map[host.TopicPartition]int64{}, map[host.TopicPartition]bool{}
	for _, o := range offsets {
		at, err := parseSinkPartition(o.Partition)
		if err != nil {
			return false, err
		}
		offset, err := parseSinkOffset(o.Offset)
		if err != nil {
			return false, err
		}
		delete(set, at)
		delete(forget, at)
		if offset == nil {
			forget[at] = true
		} else {
			set[at] = *offset
		}
	}
	managed, err := h.alterPlugin(ctx, name, config, sinkChanges(set, forget))
	if err != nil {
		return false, err
	}
	group, err := h.openSink(name, config)
	if err != nil {
		return false, err
	}
	defer group.Close()
	return managed, h.alterGroup(ctx, name, group, set, slices.Collect(maps.Keys(forget)))
}

func (h *Herder) alterGroup(ctx context.Context, name string, group SinkGroup, set map[host.TopicPartition]int64,
	forget []host.TopicPartition) error {
	for _, offset := range set {
		if offset < 0 {
			return internal("Failed to modify offsets for sink connector " + name)
		}
	}
	if len(set) > 0 {
		if err := group.SetOffsets(ctx, set); err != nil {
			return h.groupRefused(name, "alter", err)
		}
	}
	if len(forget) > 0 {
		if err := group.DeleteOffsets(ctx, forget); err != nil {
			return h.groupRefused(name, "alter", err)
		}
	}
	return nil
}

// groupRefused is what the user is told when the consumer group of a sink connector could not be changed.
func (h *Herder) groupRefused(name, verb string, err error) error {
	h.log.Error("the consumer group of a sink connector could not be changed", "connector", name, "error", err)
	if !errors.Is(err, host.ErrGroupInUse) {
		return internal("Failed to " + verb + " consumer group offsets for connector " + name)
	}
	return internal("Failed to " + verb + " consumer group offsets for connector " + name + " either because its " +
		"tasks haven't stopped completely yet or the connector was resumed before the request to " + verb + " its offsets " +
		"could be successfully completed. If the connector is in a stopped state, this operation can be safely " +
		"retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the " +
		"zombie sink tasks.")
}

// resetSink deletes the connector's consumer group after the plugin has agreed.
func (h *Herder) resetSink(ctx context.Context, name string, config host.Config) (bool, error) {
	group, err := h.openSink(name, config)
	if err != nil {
		return false, err
	}
	defer group.Close()
	committed, err := group.Offsets(ctx)
	if err != nil {
		return false, fmt.Errorf("read the consumer group offsets of connector %s: %w", name, err)
	}
	forget := map[host.TopicPartition]bool{}
	for at := range committed {
		forget[at] = true
	}
	managed, err := h.alterPlugin(ctx, name, config, sinkChanges(nil, forget))
	if err != nil {
		return false, err
	}
	if err := group.Delete(ctx); err != nil {
		return false, h.groupRefused(name, "reset", err)
	}
	return managed, nil
}

func internal(message string) error { return &host.Error{Kind: host.ErrInternal, Message: message} }

// sinkChanges is what a sink plugin is shown.
func sinkChanges(set map[host.TopicPartition]int64, forget map[host.TopicPartition]bool) []host.SourceOffset {
	var changes []host.SourceOffset
	partition := func(at host.TopicPartition) []byte {
		return fmt.Appendf(nil, `{"%s":%d,"%s":%q}`, partitionKey, at.Partition, topicKey, at.Topic)
	}
	for _, at := range slices.SortedFunc(maps.Keys(set), comparePartitions) {
		changes = append(changes, host.SourceOffset{
			Partition: partition(at), Offset: fmt.Appendf(nil, `{"%s":%d}`, offsetKey, set[at]),
		})
	}
	for _, at := range slices.SortedFunc(maps.Keys(forget), comparePartitions) {
		changes = append(changes, host.SourceOffset{Partition: partition(at)})
	}
	return changes
}

// parseSinkPartition reads {"kafka_topic":…,"kafka_partition":…} as SinkUtils does: numbers may be strings.
func parseSinkPartition(text json.RawMessage) (host.TopicPartition, error) {
	var at host.TopicPartition
	fields, _ := decodeJSON(text).(map[string]any)
	if text == nil || fields == nil {
		return at, host.BadRequest("The partition for a sink connector offset cannot be null or missing")
	}
	topic, hasTopic := fields[topicKey]
	partition, hasPartition := fields[partitionKey]
	switch {
	case !hasTopic || !hasPartition:
		return at, host.BadRequest(fmt.Sprintf("The partition for a sink connector offset must contain the keys '%s' "+
			"and '%s'", topicKey, partitionKey))
	case topic == nil:
		return at, host.BadRequest("Kafka topic names must be valid strings and may not be null")
	case partition == nil:
		return at, host.BadRequest("Kafka partitions must be valid numbers and may not be null")
	}
	number, err := strconv.ParseInt(fmt.Sprint(partition), 10, 32)
	if err != nil {
		return at, host.BadRequest(fmt.Sprintf("Failed to parse the following Kafka partition value in the provided "+
			"offsets: '%v'. Partition values for sink connectors need to be integers.", partition))
	}
	return host.TopicPartition{Topic: fmt.Sprint(topic), Partition: int32(number)}, nil
}

// parseSinkOffset reads {"kafka_offset":…}; nil is a null offset.
func parseSinkOffset(text json.RawMessage) (*int64, error) {
	if text == nil {
		return nil, nil
	}
	fields, _ := decodeJSON(text).(map[string]any)
	value, has := fields[offsetKey]
	if !has {
		return nil, host.BadRequest(fmt.Sprintf("The offset for a sink connector should either be null or contain the "+
			"key '%s'", offsetKey))
	}
	shown := fmt.Sprint(value)
	if value == nil {
		shown = "null"
	}
	number, err := strconv.ParseInt(shown, 10, 64)
	if err != nil {
		return nil, host.BadRequest(fmt.Sprintf("Failed to parse the following Kafka offset value in the provided "+
			"offsets: '%s'. Offset values for sink connectors need to be integers.", shown))
	}
	return &number, nil
}

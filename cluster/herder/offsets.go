package herder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// Offset is a partition of a source system (or of a Kafka topic, for sinks) with its offset, as JSON objects; nil is
// null, and a null offset deletes.
type Offset struct {
	Partition json.RawMessage
	Offset    json.RawMessage
}

// Offsets returns the committed offsets of a connector. Errors: ErrNotFound.
func (h *Herder) Offsets(ctx context.Context, name string) ([]Offset, error) {
	connector, err := h.connector(ctx, name)
	if err != nil {
		return nil, err
	}
	at := &stage{text: "reading the offsets of connector " + name, began: time.Now()}
	if connector, err = h.resolved(name, connector); err != nil {
		return nil, h.timedCall(ctx, at, err)
	}
	var offsets []Offset
	if h.kindOf(name, connector.Config) == string(host.KindSink) {
		offsets, err = h.sinkOffsets(ctx, name, connector.Config)
	} else {
		offsets, err = h.shownOffsets(ctx, name, connector.Config)
	}
	return offsets, h.timedCall(ctx, at, err)
}

// sharedOffsets are a connector's in the worker's store.
type sharedOffsets struct {
	store     OffsetStore
	connector string
}

func (o sharedOffsets) List(ctx context.Context) ([]host.SourceOffset, error) {
	return o.store.List(ctx, o.connector)
}
func (o sharedOffsets) Load(ctx context.Context) ([]host.SourceOffset, error) {
	return o.store.Load(ctx, o.connector)
}

func (o sharedOffsets) Store(ctx context.Context, offsets []host.SourceOffset) error {
	return o.store.Store(ctx, o.connector, offsets)
}

func (h *Herder) shownOffsets(ctx context.Context, name string, config host.Config) ([]Offset, error) {
	source, err := h.openSource(name, config)
	if err != nil {
		return nil, err
	}
	stored, err := source.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the offsets of connector %s: %w", name, err)
	}
	offsets := []Offset{}
	for _, o := range stored {
		offsets = append(offsets, Offset{o.Partition, o.Offset})
	}
	return offsets, nil
}

// AlterOffsets sets or deletes offsets of a stopped connector (KIP-875) and returns the message for the user.
// Errors: ErrNotFound, ErrBadRequest, ErrInternal with the plugin's or Kafka's refusal.
func (h *Herder) AlterOffsets(ctx context.Context, name string, offsets []Offset) (string, error) {
	return h.modifyOffsets(ctx, name, "altered", func(ctx context.Context, connector store.Connector) (bool, error) {
		if h.kindOf(name, connector.Config) == string(host.KindSink) {
			return h.alterSink(ctx, name, connector.Config, offsets)
		}
		return h.alterSource(ctx, name, connector.Config, func([]host.SourceOffset) []Offset { return offsets })
	})
}

// ResetOffsets deletes all offsets of a stopped connector. Errors: as AlterOffsets.
func (h *Herder) ResetOffsets(ctx context.Context, name string) (string, error) {
	return h.modifyOffsets(ctx, name, "reset", func(ctx context.Context, connector store.Connector) (bool, error) {
		if h.kindOf(name, connector.Config) == string(host.KindSink) {
			return h.resetSink(ctx, name, connector.Config)
		}
		return h.alterSource(ctx, name, connector.Config, withoutOffsets)
	})
}

// withoutOffsets are the partitions of what is stored.
func withoutOffsets(stored []host.SourceOffset) []Offset {
	offsets := []Offset{}
	for _, o := range stored {
		if o.Offset != nil {
			offsets = append(offsets, Offset{Partition: o.Partition})
		}
	}
	return offsets
}

// modifyOffsets runs modify on the connector's conductor, between its operations, so that the connector can't start
// meanwhile; verb is what was done, for the message.
func (h *Herder) modifyOffsets(ctx context.Context, name, verb string,
	modify func(context.Context, store.Connector) (bool, error)) (string, error) {
	if err := h.awaitRound(ctx, offsetsRoundWaitMax); err != nil {
		return "", err
	}
	done, managed := make(chan error, 1), false
	_, err := decide(ctx, h, "modifying the offsets of connector "+name,
		func(work context.Context) (struct{}, error) {
			if err := h.lead(); err != nil {
				return struct{}{}, err
			}
			connector, err := h.stoppedConnector(name)
			if err != nil {
				return struct{}{}, err
			}
			c := h.conductors[name]
			if c == nil { // it is another worker's; here it only must not come meanwhile
				c = h.newConductor(work, name)
				c.want(wish{config: connector.Config, target: connector.Target, tasksEpoch: connector.Generation}, nil)
			}
			c.do(errand{ctx: ctx, done: done, run: func(ctx context.Context) error {
				connector, err := h.readyForOffsets(ctx, name)
				if err == nil {
					managed, err = modify(ctx, connector)
				}
				return err
			}})
			return struct{}{}, nil
		})
	if err != nil {
		return "", err
	}
	at := &stage{text: "modifying the offsets of connector " + name, began: time.Now()}
	select {
	case err := <-done:
		if err != nil {
			return "", h.timedCall(ctx, at, err)
		}
	case <-ctx.Done():
		return "", h.timedOut(ctx, at)
	}
	if managed {
		return "The offsets for this connector have been " + verb + " successfully", nil
	}
	return "The Connect framework-managed offsets for this connector have been " + verb + " successfully. " +
		"However, if this connector manages offsets externally, they will need to be manually " + verb +
		" in the system that the connector uses.", nil
}

// readyForOffsets returns a stopped connector whose tasks, wherever they are left, can write no offsets any more.
func (h *Herder) readyForOffsets(ctx context.Context, name string) (store.Connector, error) {
	connector, err := h.stoppedConnector(name)
	if err != nil {
		return connector, err
	}
	if h.config.ExactlyOnceSources && h.kindOf(name, connector.Config) == string(host.KindSource) {
		if err := h.fenceZombies(ctx, name); err != nil {
			h.log.Error("producers of a source connector could not be fenced", "connector", name, "error", err)
			return connector, internal("Failed to perform zombie fencing for source connector prior to modifying offsets")
		}
		if connector, err = h.stoppedConnector(name); err != nil { // it was a while
			return connector, err
		}
	}
	return h.resolved(name, connector)
}

// resolved puts the values of configuration providers into the connector's configuration.
func (h *Herder) resolved(name string, connector store.Connector) (store.Connector, error) {
	if h.config.Resolve == nil {
		return connector, nil
	}
	var err error
	connector.Config, err = h.config.Resolve(name, connector.Config)
	return connector, err
}

func (h *Herder) stoppedConnector(name string) (store.Connector, error) {
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		return connector, host.NotFound(fmt.Sprintf("Connector %s not found", name))
	}
	if connector.Target != host.TargetStopped || connector.TaskCount > 0 {
		return connector, host.BadRequest("Connectors must be in the STOPPED state before their offsets can be " +
			"modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/" +
			name + "/stop' endpoint")
	}
	return connector, nil
}

// alterSource lets the plugin agree, then writes the offsets that choose makes of those that are stored.
func (h *Herder) alterSource(ctx context.Context, name string, config host.Config,
	choose func([]host.SourceOffset) []Offset) (bool, error) {
	source, err := h.openSource(name, config)
	if err != nil {
		return false, err
	}
	stored, err := source.Load(ctx)
	if err != nil {
		return false, fmt.Errorf("read the offsets of connector %s: %w", name, err)
	}
	changes, err := sourceChanges(stored, choose(stored))
	if err != nil {
		return false, err
	}
	managed, err := h.alterPlugin(ctx, name, config, changes)
	if err != nil {
		return false, err
	}
	// Nothing can be stored for a partition that is null, so there is nothing to delete.
	changes = slices.DeleteFunc(changes, func(o host.SourceOffset) bool { return o.Partition == nil && o.Offset == nil })
	for _, change := range changes {
		if err := errors.Join(checkFlat(change.Partition), checkFlat(change.Offset)); err != nil {
			return false, err
		}
	}
	if err := source.Store(ctx, hashOrdered(stored, changes)); err != nil {
		return false, fmt.Errorf("write the offsets of connector %s: %w", name, err)
	}
	return managed, nil
}

// hashOrdered gives partitions that are new the order of members in which a JVM worker would look for them.
func hashOrdered(stored, changes []host.SourceOffset) []host.SourceOffset {
	ordered := slices.Clone(changes)
	for i, change := range changes {
		known := func(o host.SourceOffset) bool { return string(o.Partition) == string(change.Partition) }
		if !slices.ContainsFunc(stored, known) {
			ordered[i].Partition = store.HashOrdered(change.Partition)
		}
	}
	return ordered
}

func (h *Herder) alterPlugin(ctx context.Context, name string, config host.Config, changes []host.SourceOffset) (
	bool, error) {
	alterer, can := h.runtime.(OffsetAlterer)
	if !can {
		return false, nil
	}
	managed, err := alterer.AlterOffsets(ctx, h.ownerOf(name), config, changes)
	if errors.Is(err, host.ErrAlterUnsupported) {
		return false, internal("Failed to modify offsets for connector " + name +
			" because it doesn't support external modification of offsets")
	}
	return managed, err
}

// sourceChanges brings offsets into the form that is stored: compact JSON, one entry for a partition (the last wins). A
// partition that is stored already keeps its bytes, because they are the key of the record.
func sourceChanges(stored []host.SourceOffset, offsets []Offset) ([]host.SourceOffset, error) {
	var changes []host.SourceOffset
	for _, o := range offsets {
		if err := checkNumbers(o.Offset); err != nil {
			return nil, err
		}
		partition := compactJSON(o.Partition)
		for _, s := range stored {
			if sameJSON(s.Partition, partition) {
				partition = s.Partition
			}
		}
		change := host.SourceOffset{Partition: partition, Offset: compactJSON(o.Offset)}
		at := len(changes)
		for i := range changes {
			if sameJSON(changes[i].Partition, partition) {
				at = i
			}
		}
		changes = append(changes[:at], append([]host.SourceOffset{change}, changes[min(at+1, len(changes)):]...)...)
	}
	return changes, nil
}

// checkNumbers refuses whole numbers that no long holds, before the plugin is asked.
func checkNumbers(offset json.RawMessage) error {
	fields, err := members(offset)
	if err != nil {
		return err
	}
	for field, value := range fields {
		number, is := value.(json.Number)
		if !is || strings.ContainsAny(number.String(), ".eE") {
			continue
		}
		if _, err := number.Int64(); err != nil {
			return notPrimitive(field, "class java.math.BigInteger")
		}
	}
	return nil
}

// checkFlat refuses what Connect could not store (OffsetUtils).
func checkFlat(text []byte) error {
	fields, err := members(text)
	if err != nil {
		return err
	}
	for field, value := range fields {
		switch value.(type) {
		case map[string]any:
			return notPrimitive(field, "MAP")
		case []any:
			return notPrimitive(field, "ARRAY")
		}
	}
	return nil
}

func notPrimitive(field, class string) error {
	return internal(fmt.Sprintf("Offsets may only contain primitive types as values, but field %s contains %s", field,
		class))
}

// members decodes a partition or an offset; none for null.
func members(text []byte) (map[string]any, error) {
	if text == nil {
		return nil, nil
	}
	fields, is := decodeJSON(text).(map[string]any)
	if !is {
		return nil, host.BadRequest(fmt.Sprintf("%.100s must be a JSON object", text))
	}
	return fields, nil
}

func compactJSON(text json.RawMessage) []byte {
	if text == nil {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return text
	}
	return compact.Bytes()
}

// sameJSON compares two objects without regard to the order of their members.
func sameJSON(a, b []byte) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.DeepEqual(decodeJSON(a), decodeJSON(b))
}

func decodeJSON(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return string(text)
	}
	return value
}

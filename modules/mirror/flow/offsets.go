package flow

import (
	"context"
	"errors"
	"fmt"

	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// offsetRules say what source partitions and offsets of a connector look like.
type offsetRules struct {
	texts    []string // members of the partition that are texts
	number   string   // the one that is a partition number, "": none
	onlyZero bool     // offsets tell nothing: they are 0
}

var (
	sourceOffsets     = offsetRules{texts: []string{"cluster", "topic"}, number: "partition"}
	checkpointOffsets = offsetRules{texts: []string{"group", "topic"}, number: "partition", onlyZero: true}
	heartbeatOffsets  = offsetRules{texts: []string{"sourceClusterAlias", "targetClusterAlias"}, onlyZero: true}
)

// AlterSourceOffsets, AlterCheckpointOffsets and AlterHeartbeatOffsets check what a user sets; nothing is kept
// elsewhere. Whatever there is may be deleted.
var (
	AlterSourceOffsets     = sourceOffsets.alter
	AlterCheckpointOffsets = checkpointOffsets.alter
	AlterHeartbeatOffsets  = heartbeatOffsets.alter
)

func (rules offsetRules) alter(_ context.Context, _ map[string]*string, offsets []guest.AlteredOffset) (bool, error) {
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		if err := rules.check(o.Partition, o.Offset); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (rules offsetRules) check(partition, offset map[string]any) error {
	if partition == nil {
		return errors.New("Source partitions may not be null") //nolint:staticcheck // Kafka's words
	}
	for _, key := range rules.texts {
		if text, ok := partition[key].(string); !ok || text == "" {
			return fmt.Errorf("source partition %v: %s must be a text that is not empty", partition, key)
		}
	}
	if n, ok := partition[rules.number].(int64); rules.number != "" && (!ok || n < 0 || n > 1<<31-1) {
		return fmt.Errorf("source partition %v: %s must be a whole number, 0 or more", partition, rules.number)
	}
	at, ok := offset["offset"].(int64)
	switch {
	case !ok || len(offset) != 1 || at < 0:
		return fmt.Errorf(`source offset %v of partition %v: it must be {"offset": N} with a whole number, 0 or more`, offset,
			partition)
	case rules.onlyZero && at != 0:
		return fmt.Errorf(`source offset %v of partition %v: it must be {"offset": 0}, since this connector counts nothing`,
			offset, partition)
	}
	return nil
}

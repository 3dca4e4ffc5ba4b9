package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// setGroups commits where the groups are in the copy, so that their consumers may move to the target. Groups that are
// in use there are left alone, and none is set back.
func (t *CheckpointTask) setGroups(ctx context.Context) error {
	described, err := t.atTarget.Admin.DescribeGroups(ctx, t.groups...)
	if err != nil {
		return fmt.Errorf("describe groups of the target cluster: %w", t.atTarget.Explain(err))
	}
	var failed []error
	for _, group := range t.groups {
		if !isIdle(described[group]) {
			guest.Log(ctx, abi.LogDebug, "group %s is in use at the target cluster and is left alone", group)
			continue
		}
		if err := t.setGroup(ctx, group); err != nil {
			failed = append(failed, fmt.Errorf("set group %s of the target cluster: %w", group, t.atTarget.Explain(err)))
		}
	}
	return errors.Join(failed...)
}

// isIdle tells whether a group is not there or has no members.
func isIdle(g kadm.DescribedGroup) bool {
	return g.State == "Empty" || g.State == "Dead" || errors.Is(g.Err, kerr.GroupIDNotFound)
}

func (t *CheckpointTask) setGroup(ctx context.Context, group string) error {
	there, err := t.atTarget.Admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return err
	}
	ahead := kadm.Offsets{}
	for at, c := range t.checkpoints[group] {
		if o, has := there.Lookup(at.topic, at.partition); has && o.At >= c.Downstream {
			continue
		}
		ahead.Add(kadm.Offset{Topic: at.topic, Partition: at.partition, At: c.Downstream, LeaderEpoch: -1,
			Metadata: c.Metadata})
	}
	if len(ahead) == 0 {
		return nil
	}
	return t.atTarget.Admin.CommitAllOffsets(ctx, group, ahead)
}

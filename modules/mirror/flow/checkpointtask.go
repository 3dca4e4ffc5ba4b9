package flow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/replication"
	"github.com/berth-connect/berth/modules/mirror/syncs"
	"github.com/berth-connect/berth/modules/mirror/wire"
)

// CheckpointTask writes where groups of the source are in the copy, and may set groups of the target there.
type CheckpointTask struct {
	settings
	copied      replication.Topics
	groups      []string
	atSource    *clients.Client
	atTarget    *clients.Client
	syncs       *log // of offset syncs
	store       *syncs.Store
	checkpoints checkpoints // that were written
	loaded      bool

	emitEvery, syncEvery time.Duration // 0: never
	nextEmit, nextSync   time.Time
}

// place is a partition of the target.
type place struct {
	topic     string
	partition int32
}

// checkpoints are the last ones, by group.
type checkpoints map[string]map[place]wire.Checkpoint

func (all checkpoints) put(c wire.Checkpoint) {
	if all[c.Group] == nil {
		all[c.Group] = map[place]wire.Checkpoint{}
	}
	all[c.Group][place{c.Topic, c.Partition}] = c
}

// Start implements guest.Starter.
func (t *CheckpointTask) Start(_ context.Context, config guest.Config) (err error) {
	if t.settings, err = newSettings(config); err != nil {
		return err
	}
	if t.copied, err = t.topics(); err != nil {
		return err
	}
	t.groups, t.store, t.checkpoints = strings.Split(config.Text(assignedGroups), ","), syncs.NewStore(), checkpoints{}
	t.emitEvery = t.every("emit.checkpoints.enabled", "emit.checkpoints.interval.seconds")
	t.syncEvery = t.every("sync.group.offsets.enabled", "sync.group.offsets.interval.seconds")
	t.nextEmit, t.nextSync = time.Now().Add(t.emitEvery), time.Now().Add(t.syncEvery)
	if t.atSource, err = t.client(clients.SourceSide, clients.Admin); err != nil {
		return err
	}
	if t.atTarget, err = t.client(clients.TargetSide, clients.Admin); err != nil {
		return err
	}
	side, topic := t.offsetSyncs()
	t.syncs, err = openLog(&t.settings, side, topic)
	return err
}

// Close implements guest.Closer.
func (t *CheckpointTask) Close() error {
	for _, client := range []*clients.Client{t.atSource, t.atTarget} {
		if client != nil {
			client.Close()
		}
	}
	t.syncs.close()
	return nil
}

// Poll implements guest.Source.
func (t *CheckpointTask) Poll(ctx context.Context) ([]*guest.Record, error) {
	if !t.loaded {
		if err := t.load(ctx); err != nil {
			return nil, t.later(ctx, err)
		}
		t.loaded = true
	}
	due := t.due()
	if err := t.syncs.follow(ctx, due, t.addSync); err != nil || ctx.Err() != nil {
		return nil, t.later(ctx, err)
	}
	return t.work(ctx)
}

// due is when there is something to do next.
func (t *CheckpointTask) due() time.Time {
	due := time.Now().Add(max(time.Duration(t.Int("consumer.poll.timeout.ms"))*time.Millisecond, 100*time.Millisecond))
	for _, what := range []struct {
		every time.Duration
		next  time.Time
	}{{t.emitEvery, t.nextEmit}, {t.syncEvery, t.nextSync}} {
		if what.every > 0 && what.next.Before(due) {
			due = what.next
		}
	}
	return due
}

// retryPause lies between attempts at what failed; it is logged each time.
const retryPause = 5 * time.Second

// later makes a failure retriable, after a pause, unless the client has ended for good.
func (t *CheckpointTask) later(ctx context.Context, err error) error {
	for _, client := range []*clients.Client{t.atSource, t.atTarget, t.syncs.client} {
		if cause := client.Ended(); cause != nil {
			return cause
		}
	}
	if err == nil || !pause(ctx, retryPause) {
		return ctx.Err()
	}
	return guest.Retriable(err)
}

// load reads the checkpoints that were written, below which none is written again, and the offset syncs.
func (t *CheckpointTask) load(ctx context.Context) error {
	written, err := openLog(&t.settings, clients.TargetSide, t.policy.Checkpoints(t.source))
	if err != nil {
		return err
	}
	defer written.close()
	if err := written.toEnd(ctx, t.addCheckpoint); err != nil {
		return err
	}
	return t.syncs.toEnd(ctx, t.addSync)
}

func (t *CheckpointTask) addCheckpoint(ctx context.Context, key, value []byte) {
	c, err := wire.ParseCheckpoint(key, value)
	if err != nil {
		guest.Log(ctx, abi.LogWarn, "topic %s: %v", t.policy.Checkpoints(t.source), err)
		return
	}
	t.checkpoints.put(c)
}

func (t *CheckpointTask) addSync(ctx context.Context, key, value []byte) {
	s, err := wire.ParseOffsetSync(key, value)
	if err != nil {
		guest.Log(ctx, abi.LogWarn, "topic %s: %v", t.syncs.topic, err)
		return
	}
	t.store.Add(s)
}

// work does what is due.
func (t *CheckpointTask) work(ctx context.Context) ([]*guest.Record, error) {
	now := time.Now()
	emits := t.emitEvery > 0 && !now.Before(t.nextEmit)
	sets := t.syncEvery > 0 && !now.Before(t.nextSync)
	if !emits && !sets {
		return nil, nil
	}
	var fresh []wire.Checkpoint
	for _, group := range t.groups {
		moved, err := t.moved(ctx, group)
		if err != nil {
			return nil, t.later(ctx, err)
		}
		fresh = append(fresh, moved...)
	}
	if sets {
		t.nextSync = now.Add(t.syncEvery)
		attempt(ctx, "synchronisation of group offsets", t.setGroups)
	}
	if t.emitEvery == 0 {
		return nil, nil
	}
	if emits {
		t.nextEmit = now.Add(t.emitEvery)
	}
	return t.records(fresh, now)
}

// moved returns the checkpoints of a group that tell more than those before, and remembers them.
func (t *CheckpointTask) moved(ctx context.Context, group string) ([]wire.Checkpoint, error) {
	offsets, err := t.atSource.Admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("read the offsets of group %s of the source cluster: %w", group, t.atSource.Explain(err))
	}
	var moved []wire.Checkpoint
	for _, o := range offsets.Sorted() {
		if c, ok := t.checkpoint(group, o); ok && t.tellsMore(c) {
			t.checkpoints.put(c)
			moved = append(moved, c)
		}
	}
	return moved, nil
}

func (t *CheckpointTask) checkpoint(group string, o kadm.OffsetResponse) (wire.Checkpoint, bool) {
	if o.Err != nil || o.At < 0 || !t.copied.Filter.Passes(o.Topic) {
		return wire.Checkpoint{}, false
	}
	downstream, ok := t.store.Translate(syncs.TopicPartition{Topic: o.Topic, Partition: o.Partition}, o.At)
	return wire.Checkpoint{Group: group, Topic: t.copied.Downstream(o.Topic), Partition: o.Partition, Upstream: o.At,
		Downstream: downstream, Metadata: o.Metadata}, ok
}

// tellsMore: a checkpoint never goes back, unless the group did at the source.
func (t *CheckpointTask) tellsMore(c wire.Checkpoint) bool {
	last, has := t.checkpoints[c.Group][place{c.Topic, c.Partition}]
	return !has || c.Upstream < last.Upstream || c.Downstream > last.Downstream
}

func (t *CheckpointTask) records(list []wire.Checkpoint, now time.Time) ([]*guest.Record, error) {
	var records []*guest.Record
	for _, c := range list {
		key, value, err := c.Encode()
		if err != nil {
			return nil, err
		}
		r := internalRecord(t.policy.Checkpoints(t.source), key, value, now)
		r.SourcePartition = map[string]any{"group": c.Group, "topic": c.Topic, "partition": c.Partition}
		records = append(records, r)
	}
	return records, nil
}

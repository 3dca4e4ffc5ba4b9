package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/host"
)

// The client calls back on its own goroutines; what it says is carried to the task's goroutine and waited for, so that
// the client goes on with the rebalance only after the task has flushed and committed.

// onOffsets runs when partitions were assigned and their committed offsets are known, and returns where to begin.
func (c *Consumer) onOffsets(ctx context.Context,
	fetched map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-c.made
	c.resolve(ctx, fetched)
	change := &rebalancing{kind: assigned, offsets: map[host.TopicPartition]int64{}, done: make(chan struct{})}
	for topic, partitions := range fetched {
		for partition, offset := range partitions {
			change.offsets[host.TopicPartition{Topic: topic, Partition: partition}] = max(offset.EpochOffset().Offset, -1)
		}
	}
	if len(change.offsets) == 0 {
		return fetched, nil
	}
	if err := c.pass(ctx, change); err != nil {
		return nil, err
	}
	for tp, offset := range change.offsets {
		if was := fetched[tp.Topic][tp.Partition]; offset >= 0 && offset != was.EpochOffset().Offset {
			fetched[tp.Topic][tp.Partition] = kgo.NewOffset().At(offset)
		}
	}
	return fetched, nil
}

// resolve turns "start" and "end" into offsets: the task learns where it begins, and the client can only seek in
// partitions whose position it knows. What can't be resolved now stays as it is.
func (c *Consumer) resolve(ctx context.Context, offsets map[string]map[int32]kgo.Offset) {
	var topics []string
	for topic, partitions := range offsets {
		for _, offset := range partitions {
			if offset.EpochOffset().Offset < 0 && !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
	}
	if len(topics) == 0 || c.settings.noReset {
		return
	}
	admin := kadm.NewClient(c.client)
	list := admin.ListStartOffsets
	if c.settings.fromEnd {
		list = admin.ListEndOffsets
	}
	listed, err := list(ctx, topics...)
	if err != nil {
		c.log.Warn("where partitions begin is not known yet", "error", err)
	}
	for topic, partitions := range offsets {
		for partition, offset := range partitions {
			if at, ok := listed.Lookup(topic, partition); ok && at.Err == nil && offset.EpochOffset().Offset < 0 {
				partitions[partition] = kgo.NewOffset().At(at.Offset)
			}
		}
	}
}

func (c *Consumer) onGone(kind rebalanceKind, partitions map[string][]int32) {
	<-c.made
	change := &rebalancing{kind: kind, done: make(chan struct{})}
	for topic, numbers := range partitions {
		for _, partition := range numbers {
			change.partitions = append(change.partitions, host.TopicPartition{Topic: topic, Partition: partition})
		}
	}
	if len(change.partitions) > 0 {
		_ = c.pass(context.Background(), change) // fails only when the consumer has ended
	}
}

// pass gives a change to the task's goroutine and waits until it is handled. ctx counts only before that begins.
func (c *Consumer) pass(ctx context.Context, change *rebalancing) error {
	select {
	case c.events <- change:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
	<-change.done
	return nil
}

// handle runs on the task's goroutine.
func (c *Consumer) handle(ctx context.Context, change *rebalancing) {
	defer close(change.done)
	if c.released {
		return
	}
	member, _ := c.client.GroupMetadata()
	if change.kind == assigned {
		c.member = member
		for tp := range change.offsets {
			c.held[tp] = struct{}{}
		}
		c.rebalancer.Assigned(ctx, change.offsets)
		for tp := range change.offsets {
			if to, sought := c.seeks[tp]; sought {
				change.offsets[tp] = to
				delete(c.seeks, tp)
			}
		}
		return
	}
	var gone []host.TopicPartition
	for _, tp := range change.partitions {
		if _, held := c.held[tp]; held { // the task never heard of an assignment that was overtaken by the next
			gone = append(gone, tp)
			delete(c.held, tp)
			delete(c.seeks, tp)
		}
	}
	c.drop(gone)
	// A member that was expelled and has joined again hears of "revoked" partitions, but they are others' by now.
	switch {
	case len(gone) == 0:
	case change.kind == lost || member != c.member:
		c.rebalancer.Lost(ctx, gone)
	default:
		c.rebalancer.Revoked(ctx, gone)
	}
}

// drop forgets polled records of partitions.
func (c *Consumer) drop(partitions []host.TopicPartition) {
	c.ready = slices.DeleteFunc(c.ready, func(r *kgo.Record) bool {
		return slices.Contains(partitions, host.TopicPartition{Topic: r.Topic, Partition: r.Partition})
	})
}

// Seek implements host.Consumer. It takes effect at the start of the next Poll, or as the partition's first offset
// when it is called from Assigned.
func (c *Consumer) Seek(offsets map[host.TopicPartition]int64) {
	for tp, offset := range offsets {
		c.seeks[tp] = offset
	}
}

// seek does what was asked for once no poll of before it is under way.
func (c *Consumer) seek() {
	if c.asked {
		c.hurry()
		return
	}
	to := map[string]map[int32]kgo.EpochOffset{}
	var sought []host.TopicPartition
	for tp, offset := range c.seeks {
		if to[tp.Topic] == nil {
			to[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		to[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		sought = append(sought, tp)
	}
	c.drop(sought)
	clear(c.seeks)
	c.client.SetOffsets(to)
}

func (c *Consumer) commitOnce(ctx context.Context, offsets map[host.TopicPartition]int64) error {
	commit := map[string]map[int32]kgo.EpochOffset{}
	for tp, offset := range offsets {
		if commit[tp.Topic] == nil {
			commit[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		commit[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	var failed error
	ctx = kgo.PreCommitFnContext(ctx, c.checkMember)
	c.client.CommitOffsetsSync(ctx, commit, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest,
		r *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err == nil {
			failed = commitErrors(r)
		}
	})
	if failed != nil {
		return fmt.Errorf("committing offsets of group %s: %w", c.settings.group, failed)
	}
	return nil
}

// checkMember refuses a commit under a new member id, right before it is sent: the broker takes it even for partitions
// that others own by now, which it would rewind.
func (c *Consumer) checkMember(commit *kmsg.OffsetCommitRequest) error {
	if commit.MemberID != c.member {
		return fmt.Errorf("group %s has expelled this member: %w", c.settings.group, kerr.UnknownMemberID)
	}
	return nil
}

func commitErrors(response *kmsg.OffsetCommitResponse) error {
	var errs []error
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				errs = append(errs, fmt.Errorf("%s-%d: %w", topic.Topic, partition.Partition, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Release implements host.Consumer.
func (c *Consumer) Release(ctx context.Context) {
	c.handleWaiting(ctx)
	all := slices.Collect(maps.Keys(c.held))
	c.handle(ctx, &rebalancing{kind: revoked, partitions: all, done: make(chan struct{})})
	c.released = true
}

// Close implements host.Consumer. When ctx ends first the group finds out by the session timeout.
func (c *Consumer) Close(ctx context.Context) {
	c.start.Do(c.run)
	c.hurry()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := c.client.LeaveGroupContext(ctx); err != nil {
			c.log.Warn("leaving the consumer group failed, it will notice by its session timeout", "error", err)
		}
	}()
	for open := true; open; {
		c.client.AllowRebalance()
		select {
		case change := <-c.events:
			c.handle(ctx, change)
		case <-c.got:
			c.asked = false
		case <-closed:
			open = false
		}
	}
	c.cancel()
	c.client.CloseAllowingRebalance()
	c.own.Wait()
	if len(c.held) > 0 { // ctx ended before the group let go of them
		c.rebalancer.Lost(ctx, slices.Collect(maps.Keys(c.held)))
		clear(c.held)
	}
}

// rediscover starts over with a topic that was deleted and created again; the client alone would refuse the new one.
func (c *Consumer) rediscover(topic string) {
	c.own.Go(func() {
		c.client.PurgeTopicsFromConsuming(topic)
		c.client.AddConsumeTopics(topic)
	})
}

// watchTopics says which topics the task waits for until all of them exist.
func (c *Consumer) watchTopics() {
	admin := kadm.NewClient(c.client)
	for wait := missingTopicCheck / 6; ; wait = missingTopicCheck {
		select {
		case <-time.After(wait):
		case <-c.ctx.Done():
			return
		}
		topics, err := admin.ListTopics(c.ctx, c.settings.topics...)
		if err != nil {
			continue
		}
		var missing []string
		for _, topic := range topics.Sorted() {
			if errors.Is(topic.Err, kerr.UnknownTopicOrPartition) {
				missing = append(missing, topic.Topic)
			}
		}
		if len(missing) == 0 {
			return
		}
		c.log.Warn("topics do not exist yet, the task waits for them", "topics", missing)
	}
}

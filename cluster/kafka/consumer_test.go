package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func TestCommittedOffsetsAreWhereTheNextMemberBegins(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 2)
	connector := brokertest.Name(t, "sink")
	send(t, newProducerFor(t, c), slices.Concat(numbered(topic, 0, 0, 10), numbered(topic, 1, 100, 110)))
	first := newTask(t, c, host.TaskID{Connector: connector}, config("topics", topic))
	first.poll(7, func() bool { return len(first.seen) == 20 })
	p0, p1 := host.TopicPartition{Topic: topic}, host.TopicPartition{Topic: topic, Partition: 1}
	if want := (map[host.TopicPartition]int64{p0: 0, p1: 0}); !maps.Equal(first.assigned, want) {
		t.Errorf("assigned = %v, want %v", first.assigned, want)
	}
	if err := first.consumer.Commit(t.Context(), map[host.TopicPartition]int64{p0: 10, p1: 4}); err != nil {
		t.Fatal(err)
	}
	first.next = map[host.TopicPartition]int64{} // nothing more to commit while closing
	first.consumer.Close(t.Context())
	if len(first.assigned) != 0 || first.lost != 0 {
		t.Errorf("Close left %v assigned and %d lost, want all revoked", first.assigned, first.lost)
	}

	group := newSinkGroup(t, c, connector, nil)
	stored, err := group.Offsets(t.Context())
	if want := (map[host.TopicPartition]int64{p0: 10, p1: 4}); err != nil || !maps.Equal(stored, want) {
		t.Errorf("stored offsets = %v, %v, want %v", stored, err, want)
	}
	second := newTask(t, c, host.TaskID{Connector: connector, Task: 1}, config("topics", topic))
	defer second.consumer.Close(t.Context())
	second.poll(100, func() bool { return len(second.seen) == 6 })
	if want := fmt.Sprintf("%s-1@4", topic); second.seen[0] != want || second.assigned[p1] != 4 {
		t.Errorf("second member begins at %s (told %d), want %s", second.seen[0], second.assigned[p1], want)
	}
	for what, err := range map[string]error{
		"SetOffsets":    group.SetOffsets(t.Context(), map[host.TopicPartition]int64{p0: 1}),
		"DeleteOffsets": group.DeleteOffsets(t.Context(), []host.TopicPartition{p0}),
		"Delete":        group.Delete(t.Context()),
	} {
		if !errors.Is(err, host.ErrGroupInUse) {
			t.Errorf("%s of a group with a member: %v, want ErrGroupInUse", what, err)
		}
	}
}

// Two members pass partitions to each other; as each commits what it has seen when it lets go, every record is seen
// exactly once.
func TestRebalanceLosesAndRepeatsNothing(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, map[string]string{"consumer.heartbeat.interval.ms": "200"}), newTopic(t, addr, 4)
	connector := brokertest.Name(t, "sink")
	p := newProducerFor(t, c)
	for partition := range int32(4) {
		send(t, p, numbered(topic, partition, 0, 500))
	}
	one := newTask(t, c, host.TaskID{Connector: connector}, config("topics", topic))
	one.poll(50, func() bool { return len(one.seen) >= 300 })

	two := newTask(t, c, host.TaskID{Connector: connector, Task: 1}, config("topics", topic))
	alternate := func(enough func() bool) {
		for ctx := within(t); !enough(); {
			if ctx.Err() != nil {
				t.Fatalf("members hold %v and %v", one.assigned, two.assigned)
			}
			for _, k := range []*task{one, two} {
				turn := 0
				k.poll(10, func() bool { turn++; return turn > 2 })
			}
		}
	}
	alternate(func() bool { return len(one.assigned) == 2 && len(two.assigned) == 2 })
	one.consumer.Close(t.Context())
	two.poll(50, func() bool { return len(one.seen)+len(two.seen) >= 2000 })
	two.consumer.Close(t.Context())
	seen := slices.Concat(one.seen, two.seen)
	slices.Sort(seen)
	if n := len(slices.Compact(slices.Clone(seen))); n != 2000 || len(seen) != 2000 {
		t.Errorf("%d records seen, %d different, want 2000", len(seen), n)
	}
	if one.lost+two.lost > 0 {
		t.Errorf("%d partitions were lost", one.lost+two.lost)
	}
}

func TestSeek(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 1)
	tp := host.TopicPartition{Topic: topic}
	send(t, newProducerFor(t, c), numbered(topic, 0, 0, 1000))
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	k.seek = map[host.TopicPartition]int64{tp: 990}
	k.poll(100, func() bool { return len(k.values) >= 10 })
	if k.values[0] != "990" {
		t.Errorf("after a seek in Assigned the first value is %s, want 990", k.values[0])
	}
	for _, to := range []int64{5, 500, 0, 999} {
		k.values = nil
		k.consumer.Seek(map[host.TopicPartition]int64{tp: to})
		k.poll(1, func() bool { return len(k.values) > 0 })
		if want := fmt.Sprint(to); k.values[0] != want {
			t.Errorf("after Seek(%d) the next value is %s", to, k.values[0])
		}
	}
}

func TestPausedConsumerStaysInItsGroup(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c := newClients(t, addr, map[string]string{"consumer.session.timeout.ms": "6000",
		"consumer.heartbeat.interval.ms": "500"})
	topic := newTopic(t, addr, 1)
	p := newProducerFor(t, c)
	send(t, p, numbered(topic, 0, 0, 10))
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	k.poll(4, func() bool { return len(k.values) >= 4 })
	k.consumer.Pause()
	send(t, p, numbered(topic, 0, 10, 20))
	before := len(k.values)
	turns := 0
	k.poll(100, func() bool { turns++; return turns > 20 })
	if len(k.values) != before {
		t.Errorf("a paused consumer got %v", k.values[before:])
	}
	k.consumer.Resume()
	k.poll(100, func() bool { return len(k.values) >= 20 })
	for i, v := range k.values {
		if v != fmt.Sprint(i) {
			t.Fatalf("values = %v, want 0 to 19 once each", k.values)
		}
	}
	if len(k.assigned) != 1 || k.lost != 0 {
		t.Errorf("assigned %v, lost %d", k.assigned, k.lost)
	}
}

func TestTopicsByPatternAndLateTopics(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c := newClients(t, addr, map[string]string{"consumer.metadata.max.age.ms": "500",
		"consumer.allow.auto.create.topics": "false"})
	prefix := brokertest.Name(t, "late")
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics.regex", prefix+"-[ab]"))
	defer k.consumer.Close(t.Context())
	turns := 0
	k.poll(10, func() bool { turns++; return turns > 5 })
	admin := newAdminFor(t, addr)
	for _, suffix := range []string{"-a", "-b", "-c", "-ab"} {
		if err := admin.CreateTopic(t.Context(), prefix+suffix, 1, 1, nil); err != nil {
			t.Fatal(err)
		}
		send(t, newProducerFor(t, c), []host.ProducerRecord{{Topic: prefix + suffix, Partition: 0, TimestampMs: 1,
			Value: []byte(suffix)}})
	}
	k.poll(10, func() bool { return len(k.values) >= 2 })
	slices.Sort(k.values)
	if fmt.Sprint(k.values) != "[-a -b]" {
		t.Errorf("values = %v, want those of -a and -b", k.values)
	}
}

// A member whose session has run out finds its partitions lost, and can't commit for them: that would rewind whoever
// has them now.
func TestExpelledMemberCannotCommit(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, map[string]string{"consumer.heartbeat.interval.ms": "300"}), newTopic(t, addr, 1)
	connector := brokertest.Name(t, "sink")
	tp := host.TopicPartition{Topic: topic}
	send(t, newProducerFor(t, c), numbered(topic, 0, 0, 10))
	k := newTask(t, c, host.TaskID{Connector: connector}, config("topics", topic))
	k.poll(100, func() bool { return len(k.values) >= 10 })
	expel(t, k.consumer.(*Consumer), c.sinkGroupID(connector, config()))
	k.next = map[host.TopicPartition]int64{}
	k.poll(100, func() bool { return k.lost > 0 })
	if err := k.consumer.Commit(t.Context(), map[host.TopicPartition]int64{tp: 3}); err == nil && len(k.assigned) == 0 {
		t.Error("a commit without an assignment was taken")
	}
	k.poll(100, func() bool { return len(k.assigned) == 1 })
	if err := k.consumer.Commit(t.Context(), map[host.TopicPartition]int64{tp: 7}); err != nil {
		t.Errorf("commit after joining again: %v", err)
	}
	k.consumer.Close(t.Context())
}

// A sink's plugin that has not stopped yet may still be writing: its group is in use although it holds no partitions.
func TestReleasedMemberStaysInItsGroup(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic, connector := newClients(t, addr, nil), newTopic(t, addr, 1), brokertest.Name(t, "sink")
	tp := host.TopicPartition{Topic: topic}
	send(t, newProducerFor(t, c), numbered(topic, 0, 0, 10))
	k := newTask(t, c, host.TaskID{Connector: connector}, config("topics", topic))
	k.poll(100, func() bool { return len(k.values) >= 10 })
	k.consumer.Release(t.Context())
	if len(k.assigned) > 0 {
		t.Errorf("still assigned: %v", k.assigned)
	}
	group := newSinkGroup(t, c, connector, config())
	if err := group.SetOffsets(t.Context(), map[host.TopicPartition]int64{tp: 3}); !errors.Is(err, host.ErrGroupInUse) {
		t.Errorf("change of the offsets of a group with a member: %v", err)
	}
	k.consumer.Close(t.Context())
	if err := group.SetOffsets(t.Context(), map[host.TopicPartition]int64{tp: 3}); err != nil {
		t.Errorf("change of the offsets of an empty group: %v", err)
	}
}

func TestCloseWithoutPollAndPollAfterClose(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 1)
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	k.consumer.Close(ended)
	if _, err := k.consumer.Poll(t.Context(), 1, time.Minute); !errors.Is(err, ErrClosed) {
		t.Errorf("Poll after Close = %v, want ErrClosed", err)
	}
}

func newSinkGroup(t *testing.T, c *Clients, connector string, config host.Config) *SinkGroup {
	t.Helper()
	group, err := c.SinkGroup(connector, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	return group
}

// TestSinkGroup: the worker's own Kafka is another than the connector's.
func TestSinkGroup(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic, connector := newTopic(t, addr, 2), brokertest.Name(t, "sink")
	elsewhere := config("admin.override.bootstrap.servers", addr)
	group := newSinkGroup(t, newClients(t, "127.0.0.1:1", nil), connector, elsewhere)
	p0, p1 := host.TopicPartition{Topic: topic}, host.TopicPartition{Topic: topic, Partition: 1}
	if err := group.SetOffsets(t.Context(), map[host.TopicPartition]int64{p0: 1, p1: 2}); err != nil {
		t.Fatal(err)
	}
	if err := group.DeleteOffsets(t.Context(), []host.TopicPartition{p0}); err != nil {
		t.Fatal(err)
	}
	got, err := group.Offsets(t.Context())
	if want := (map[host.TopicPartition]int64{p1: 2}); err != nil || !maps.Equal(got, want) {
		t.Errorf("offsets = %v, %v, want %v", got, err, want)
	}
	if err := group.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := group.Offsets(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("offsets of a deleted group = %v, %v", got, err)
	}
}

func TestClusterID(t *testing.T) {
	if id, err := newAdminFor(t, brokertest.Bootstrap(t)).ClusterID(t.Context()); err != nil || id == "" {
		t.Errorf("cluster id = %q, %v", id, err)
	}
}

func TestMissingBrokerEndsWithTheContext(t *testing.T) {
	admin, err := NewAdmin(map[string]string{"bootstrap.servers": "127.0.0.1:1"}, "x", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := admin.ClusterID(ctx); err == nil {
		t.Error("no error without a broker")
	}
}

// expel throws a member out of its group, as the broker does when its session has run out.
func expel(t *testing.T, c *Consumer, group string) {
	t.Helper()
	member, _ := c.client.GroupMetadata()
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = group, member
	leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: member}}
	if _, err := leave.RequestWith(t.Context(), c.client); err != nil {
		t.Fatal(err)
	}
}

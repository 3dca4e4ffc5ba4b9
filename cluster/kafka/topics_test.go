package kafka

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func newTopics(t *testing.T, c *Clients, config host.Config) host.Topics {
	t.Helper()
	topics, err := c.Topics(host.TaskID{Connector: "c", Task: 1}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(topics.Close)
	return topics
}

// The first group whose patterns fit makes a topic; what a group leaves out is the default group's.
func TestTopicsAreCreatedByTheirGroups(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	admin, prefix := newAdminFor(t, addr), brokertest.Name(t, "made")
	topics := newTopics(t, newClients(t, addr, nil), config("topic.creation.groups", "wide, kept, default",
		"topic.creation.wide.include", prefix+"-wide.*, other", "topic.creation.wide.exclude", ".*-not",
		"topic.creation.wide.partitions", "4", "topic.creation.wide.cleanup.policy", "compact",
		"topic.creation.kept.include", prefix+"-(wide|kept).*", "topic.creation.kept.retention.ms", "-1",
		"topic.creation.default.include", "nothing", "topic.creation.default.retention.ms", "1000",
		"topic.creation.default.partitions", "2", "topic.creation.default.replication.factor", "-1"))
	cases := map[string]struct {
		partitions        int
		policy, retention string
	}{
		prefix + "-wide-1":   {4, "compact", ""},
		prefix + "-wide-not": {2, "delete", "-1"}, // excluded by the first group, included by the second
		prefix + "-kept":     {2, "delete", "-1"},
		prefix + "-else":     {2, "delete", "1000"},
	}
	for topic, want := range cases {
		for range 2 { // the second time it is there
			if err := topics.Ensure(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
		}
		if found := partitionsOf(t, admin, topic); found != want.partitions {
			t.Errorf("%s has %d partitions, want %d", topic, found, want.partitions)
		}
		settings := topicSettings(t, admin, topic)
		if settings["cleanup.policy"] != want.policy || want.retention != "" && settings["retention.ms"] != want.retention {
			t.Errorf("%s: cleanup.policy=%s, retention.ms=%s, want %+v", topic, settings["cleanup.policy"],
				settings["retention.ms"], want)
		}
	}
}

// partitionsOf waits until a broker shows the topic.
func partitionsOf(t *testing.T, admin *Admin, topic string) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		found, err := admin.Partitions(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if found[topic] > 0 {
			return found[topic]
		}
	}
	return 0
}

func topicSettings(t *testing.T, admin *Admin, topic string) map[string]string {
	t.Helper()
	configs, err := admin.admin.DescribeTopicConfigs(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, entry := range configs[0].Configs {
		if entry.Value != nil {
			settings[entry.Key] = *entry.Value
		}
	}
	return settings
}

func TestTopicsThatAreLeftToTheBroker(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	asked := config("topic.creation.default.partitions", "2", "topic.creation.default.replication.factor", "1")
	for name, c := range map[string]struct{ worker, connector host.Config }{
		"none asked for": {nil, config("x", "y")},
		"turned off":     {config("topic.creation.enable", " False "), asked},
	} {
		topic, worker := brokertest.Name(t, "left"), map[string]string{}
		for key, value := range c.worker {
			worker[key] = *value
		}
		if err := newTopics(t, newClients(t, addr, worker), c.connector).Ensure(t.Context(), topic); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if found, err := newAdminFor(t, addr).Partitions(t.Context(), topic); err != nil || len(found) > 0 {
			t.Errorf("%s: the topic is there: %v, %v", name, found, err)
		}
	}
}

// What a broker refuses is told with the group, the key and what to do.
func TestTopicsThatKafkaRefuses(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	fallback := []string{"topic.creation.default.partitions", "1", "topic.creation.default.replication.factor", "7"}
	for name, c := range map[string]struct {
		more []string
		says string
	}{
		"too many replicas": {nil, "(group default of topic.creation.groups): " +
			"topic.creation.default.replication.factor=7 must be at most the number of brokers, or -1 for their default"},
		"inherited": {[]string{"topic.creation.groups", "g", "topic.creation.g.include", ".*"},
			"(group g of topic.creation.groups): topic.creation.default.replication.factor=7 must be at most"},
		"own": {[]string{"topic.creation.groups", "g", "topic.creation.g.include", ".*",
			"topic.creation.g.replication.factor", "8"}, "topic.creation.g.replication.factor=8 must be at most"},
	} {
		topics := newTopics(t, newClients(t, addr, nil), config(append(c.more, fallback...)...))
		err := topics.Ensure(t.Context(), brokertest.Name(t, "refused"))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %s", name, err, c.says)
		}
	}
}

// A broker's answers that a test broker does not give by itself.
func TestTopicsRemedies(t *testing.T) {
	groups := config("topic.creation.groups", "g", "topic.creation.g.include", ".*",
		"topic.creation.g.max.message.bytes", "many", "topic.creation.g.a", "b",
		"topic.creation.default.partitions", "5", "topic.creation.default.replication.factor", "1")
	for _, c := range []struct {
		refusal error
		says    []string
	}{
		{kerr.TopicAuthorizationFailed, []string{"TOPIC_AUTHORIZATION_FAILED", "group g of topic.creation.groups",
			"let the principal of the connector's admin client (admin.* of the worker, admin.override.* of the connector)"}},
		{kerr.ClusterAuthorizationFailed, []string{"CLUSTER_AUTHORIZATION_FAILED", "create the topic, or"}},
		{kerr.InvalidConfig, []string{"INVALID_CONFIG", "said by the broker",
			"topic.creation.g.a=b, topic.creation.g.max.message.bytes=many"}},
		{kerr.PolicyViolation, []string{"POLICY_VIOLATION", "said by the broker", "topic.creation.g.max.message.bytes=many"}},
		{kerr.InvalidPartitions, []string{"topic.creation.default.partitions=5 must be a number of partitions that"}},
		{kerr.InvalidTopicException, []string{"use a name that Kafka allows"}},
	} {
		kafka := newRefusingKafka(t, 1000, c.refusal)
		topics := newTopics(t, newClients(t, kafka.ListenAddrs()[0], nil), groups)
		err := topics.Ensure(t.Context(), "t")
		if err == nil {
			t.Errorf("%v: the topic was created", c.refusal)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%v: %q is not in %v", c.refusal, says, err)
			}
		}
	}
}

// What passes is waited for, until the task is stopped.
func TestTopicsWaitForKafka(t *testing.T) {
	asked := config("topic.creation.default.partitions", "1", "topic.creation.default.replication.factor", "1")
	kafka := newRefusingKafka(t, 2, kerr.ThrottlingQuotaExceeded)
	if err := newTopics(t, newClients(t, kafka.ListenAddrs()[0], nil), asked).Ensure(t.Context(), "t"); err != nil {
		t.Error(err)
	}
	kafka = newRefusingKafka(t, 1_000_000, kerr.ThrottlingQuotaExceeded)
	ctx, cancel := context.WithTimeout(t.Context(), 2*topicRetryDelay)
	defer cancel()
	if err := newTopics(t, newClients(t, kafka.ListenAddrs()[0], nil), asked).Ensure(ctx, "t"); err == nil {
		t.Error("the topic was created although the broker refuses it")
	}
}

// newRefusingKafka refuses to create topics so many times.
func newRefusingKafka(t *testing.T, times int, refusal error) *kfake.Cluster {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	kafka.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if times--; times < 0 {
			return nil, nil, false
		}
		kafka.KeepControl()
		request := r.(*kmsg.CreateTopicsRequest)
		response := request.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, topic := range request.Topics {
			refused := kmsg.NewCreateTopicsResponseTopic()
			refused.Topic, refused.ErrorCode = topic.Topic, refusal.(*kerr.Error).Code
			refused.ErrorMessage = kmsg.StringPtr("said by the broker")
			response.Topics = append(response.Topics, refused)
		}
		return response, nil, true
	})
	return kafka
}

func TestTopicsBadKeys(t *testing.T) {
	c := newClients(t, "127.0.0.1:1", nil)
	for says, config := range map[string]host.Config{
		"Number of partitions must be positive, or -1": config("topic.creation.default.partitions", "0",
			"topic.creation.default.replication.factor", "1"),
		"topic.creation.default.replication.factor": config("topic.creation.default.partitions", "1"),
		"Invalid value (?<=a)b for configuration topic.creation.g.exclude: write it in RE2 syntax": config(
			"topic.creation.groups", "g", "topic.creation.g.include", "a", "topic.creation.g.exclude", "(?<=a)b",
			"topic.creation.default.partitions", "1", "topic.creation.default.replication.factor", "1"),
	} {
		_, err := c.Topics(host.TaskID{Connector: "c"}, config)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
}

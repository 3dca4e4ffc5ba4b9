package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/kafka"
)

const defaultAPITimeout = 60 * time.Second // default.api.timeout.ms

// topicSpec is what the worker's properties say of a state topic.
type topicSpec struct {
	topic, property string // the name and the property that it came from
	purpose         string // for messages, as Connect words it
	clientRole      string // end of the client id
	partitions      int32  // -1: the broker's default
	replication     int16
	configs         map[string]*string
	single          bool // exactly one partition is required
	committedOnly   bool // read_committed, because transactions are written (KIP-618)
	create          bool // internal.topics.automatic.creation.enable
	timeout         time.Duration
}

// newSpec reads "<prefix>.topic", ".partitions", ".replication.factor" and further topic settings.
func newSpec(worker map[string]string, prefix, purpose, role string, partitions int32) (topicSpec, error) {
	s := topicSpec{
		topic: worker[prefix+".topic"], property: prefix + ".topic", purpose: purpose, clientRole: role,
		configs: map[string]*string{"cleanup.policy": kmsg.StringPtr("compact")}, single: partitions == 1,
		create: !strings.EqualFold(worker["internal.topics.automatic.creation.enable"], "false"),
	}
	if s.topic == "" {
		return s, fmt.Errorf("Missing required configuration %q which has no default value.", s.property)
	}
	var err error
	if s.partitions = 1; !s.single {
		var n int64
		n, err = topicNumber(worker, prefix+".partitions", int64(partitions), 1<<31-1)
		s.partitions = int32(n)
	}
	replication, err2 := topicNumber(worker, prefix+".replication.factor", 3, 1<<15-1)
	s.replication = int16(replication)
	timeout, err3 := topicNumber(worker, "default.api.timeout.ms", defaultAPITimeout.Milliseconds(), 1<<31-1)
	s.timeout = time.Duration(timeout) * time.Millisecond
	for key, value := range worker {
		switch name, ok := strings.CutPrefix(key, prefix+"."); {
		case !ok, name == "topic", name == "partitions", name == "replication.factor", name == "cleanup.policy":
		default:
			s.configs[name] = &value
		}
	}
	return s, errors.Join(err, err2, err3)
}

// usesTransactions tells whether any worker may write to the state topics in transactions.
func usesTransactions(worker map[string]string) bool {
	support := strings.ToLower(worker["exactly.once.source.support"])
	return support == "preparing" || support == "enabled"
}

// writesExactlyOnce tells whether the worker's source tasks write records and offsets in transactions.
func writesExactlyOnce(worker map[string]string) bool {
	return strings.EqualFold(worker["exactly.once.source.support"], "enabled")
}

func topicNumber(worker map[string]string, key string, fallback, limit int64) (int64, error) {
	text := strings.TrimSpace(worker[key])
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < -1 || n == 0 || n > limit {
		return fallback, &kafka.PropertyError{Key: key, Value: text,
			Remedy: "use a positive number, or -1 for the broker's default"}
	}
	return n, nil
}

// ensure creates the topic if need be, checks it and returns how many partitions it has. What may pass is tried again
// for default.api.timeout.ms.
func (s topicSpec) ensure(ctx context.Context, opts []kgo.Opt, log *slog.Logger) (int, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return 0, fmt.Errorf("making the client that checks topic %s: %w", s.topic, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	admin := kadm.NewClient(client)
	for {
		partitions, err := s.tryEnsure(ctx, admin, log)
		var final finalError
		if err == nil || errors.As(err, &final) {
			return partitions, err
		}
		if !errors.Is(err, errNotVisibleYet) {
			log.Warn("a state topic is not usable yet", "error", err)
		}
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
			return 0, fmt.Errorf("creating or checking topic %s within default.api.timeout.ms: %w", s.topic, err)
		}
	}
}

// errNotVisibleYet: a topic that was just created shows up in metadata a moment later.
var errNotVisibleYet = errors.New("the topic was created and is not visible yet")

// finalError is an error that waiting does not cure; its text is Connect's.
type finalError struct{ message string }

func (e finalError) Error() string { return e.message }

func (s topicSpec) tryEnsure(ctx context.Context, admin *kadm.Client, log *slog.Logger) (int, error) {
	details, err := admin.ListTopics(ctx, s.topic)
	if err != nil {
		return 0, fmt.Errorf("describing topic %s: %w", s.topic, err)
	}
	switch detail := details[s.topic]; {
	case detail.Err == nil && len(detail.Partitions) > 0:
		return len(detail.Partitions), s.check(ctx, admin, len(detail.Partitions), log)
	case detail.Err != nil && !errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
		return 0, fmt.Errorf("describing topic %s: %w", s.topic, detail.Err)
	}
	if !s.create {
		return 0, finalError{fmt.Sprintf("Topic '%s' specified via the '%s' property is missing. The config "+
			"internal.topics.automatic.creation.enable is set to 'false', so automatic creation of internal topics is "+
			"disabled. Either enable automatic creation or create the topics manually.", s.topic, s.property)}
	}
	_, err = admin.CreateTopic(ctx, s.partitions, s.replication, s.configs, s.topic)
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
		return 0, errNotVisibleYet
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) ||
		errors.Is(err, kerr.InvalidConfig) {
		return 0, finalError{fmt.Sprintf("Error while attempting to create topic '%s' (property '%s'): %v", s.topic,
			s.property, err)}
	}
	return 0, fmt.Errorf("creating topic %s: %w", s.topic, err)
}

func (s topicSpec) check(ctx context.Context, admin *kadm.Client, partitions int, log *slog.Logger) error {
	if s.single && partitions != 1 {
		return finalError{fmt.Sprintf("Topic '%s' supplied via the '%s' property is required to have a single partition in "+
			"order to guarantee consistency of %s, but found %d partitions.", s.topic, s.property, s.purpose, partitions)}
	}
	configs, err := admin.DescribeTopicConfigs(ctx, s.topic)
	if err == nil && len(configs) == 1 {
		err = configs[0].Err
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		log.Warn("the cleanup policy can't be checked for want of rights: make sure that it is compact")
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the configuration of topic %s: %w", s.topic, err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "cleanup.policy" && c.Value != nil && strings.TrimSpace(*c.Value) != "compact" {
			return finalError{fmt.Sprintf("Topic '%s' supplied via the '%s' property is required to have "+
				"'cleanup.policy=compact' to guarantee consistency and durability of %s, but found the topic "+
				"currently has 'cleanup.policy=%s'. Continuing "+
				"would likely result in eventually losing %s and problems restarting this Connect cluster in the future. Change "+
				"the '%s' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact'.",
				s.topic, s.property, s.purpose, *c.Value, s.purpose, s.property)}
		}
	}
	return nil
}

package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// unknownDeadLetterTopicRetries bounds how long a dead letter waits for a topic that was there when the task started:
// one that was deleted since must end the task, not hold it up for ever.
const unknownDeadLetterTopicRetries = 10

// DeadLetters implements host.Clients (KIP-298): the topic's admin client has the settings of the connector's, its
// producer those of producer.* and producer.override.*.
func (c *Clients) DeadLetters(ctx context.Context, id host.TaskID, config host.Config, topic string,
	replication int16) (host.Producer, error) {
	if err := c.ensureDeadLetterTopic(ctx, id, config, topic, replication); err != nil {
		return nil, fmt.Errorf("Could not initialize dead letter queue with topic=%s: %w", topic, err)
	}
	return c.producer(id, config, "connector-dlq-producer-"+id.String(),
		kgo.UnknownTopicRetries(unknownDeadLetterTopicRetries))
}

func (c *Clients) ensureDeadLetterTopic(ctx context.Context, id host.TaskID, config host.Config, topic string,
	replication int16) error {
	opts, err := c.adminOptions(id, config, "connector-dlq-adminclient-"+id.String())
	if err != nil {
		return fmt.Errorf("configuring the client that creates the topic: %w", err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("making the client that creates the topic: %w", err)
	}
	defer client.Close()
	err = ensureTopic(ctx, kadm.NewClient(client), topic, creation{partitions: 1, replication: replication})
	switch {
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("%w: set errors.deadletterqueue.topic.replication.factor (now %d) to at most the number of "+
			"brokers, or create the topic", err, replication)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("%w: create the topic, or let the principal of the connector's admin client create it, "+
			"or name another one in errors.deadletterqueue.topic.name", err)
	}
	return err
}

// explained adds what to do to the errors of the client that end a record's way for good.
func explained(err error, topic string) error {
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return ErrClosed
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("%w: topic %s: raise max.request.size of the producer and max.message.bytes of the topic",
			err, topic)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("%w: topic %s: let the principal of the connector's producer write to it", err, topic)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("%w: topic %s: let the principal of the connector's producer write to it; brokers before 3.0 want "+
			"IDEMPOTENT_WRITE on the cluster, too", err, topic)
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("%w: topic %s: create it", err, topic)
	}
	return err
}

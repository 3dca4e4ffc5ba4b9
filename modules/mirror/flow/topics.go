package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/modules/mirror/clients"
)

// ensureCompacted makes an internal topic with one partition unless it is there. key says how many replicas.
func ensureCompacted(ctx context.Context, c *clients.Client, side clients.Side, topic, key string,
	replicas int64) error {
	_, found, err := partitionsOf(ctx, c, topic)
	if err != nil {
		return fmt.Errorf("look for topic %s at the %s cluster: %w", topic, side, err)
	}
	if found {
		return nil
	}
	compact := "compact"
	err = create(ctx, c, 1, replicas, map[string]*string{"cleanup.policy": &compact}, topic)
	if err != nil {
		return fmt.Errorf("create topic %s with %d replicas (%s) at the %s cluster: %w", topic, replicas, key, side, err)
	}
	return nil
}

// create makes a topic; one that is there is no error.
func create(ctx context.Context, c *clients.Client, partitions int32, replicas int64, config map[string]*string,
	topic string) error {
	response, err := c.Admin.CreateTopic(ctx, partitions, int16(replicas), config, topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case err != nil && response.ErrMessage != "":
		return fmt.Errorf("%w (%s)", err, response.ErrMessage)
	}
	return c.Explain(err)
}

// partitionsOf is the number of partitions of a topic.
func partitionsOf(ctx context.Context, c *clients.Client, topic string) (n int, found bool, err error) {
	details, err := c.Admin.ListTopicsWithInternal(ctx, topic)
	if err != nil {
		return 0, false, c.Explain(err)
	}
	d, has := details[topic]
	switch {
	case !has || errors.Is(d.Err, kerr.UnknownTopicOrPartition):
		return 0, false, nil
	case d.Err != nil:
		return 0, false, d.Err
	}
	return len(d.Partitions), true, nil
}

// allTopics asks for all topics, as a request that the library does not know: it keeps what is answered to one that it
// knows, in a map for each topic, which takes three times as long as reading the answer.
type allTopics struct{ *kmsg.MetadataRequest }

// partitionCounts are the topics of a cluster that can be described, with their numbers of partitions. The answer is
// read here: the library would make maps of each topic and partition, which takes the better part of a guest's time.
func partitionCounts(ctx context.Context, c *clients.Client) (map[string]int, error) {
	response, err := c.Request(ctx, allTopics{kmsg.NewPtrMetadataRequest()}) // without topics it asks for all
	if err != nil {
		return nil, c.Explain(err)
	}
	answer := response.(*kmsg.MetadataResponse)
	counts := make(map[string]int, len(answer.Topics))
	for _, topic := range answer.Topics {
		if topic.Topic != nil && len(topic.Partitions) > 0 {
			counts[*topic.Topic] = len(topic.Partitions)
		}
	}
	return counts, nil
}

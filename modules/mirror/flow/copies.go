package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// topicsAtOnce is how many topics a request is about. Their settings are taken apart in much less than the CPU that a
// guest has between two waits, and a broker makes so many in much less than the time of a request.
const topicsAtOnce = 100

// makeCopies makes what is missing at the target and notes it in there. What a start has no time for is left
// unfinished.
func (c *SourceConnector) makeCopies(ctx context.Context, topics []string, found, there map[string]int) error {
	var missing, small []string
	for _, topic := range topics {
		switch have := there[c.remote(topic)]; {
		case have == 0:
			missing = append(missing, topic)
		case have < found[topic]:
			small = append(small, topic)
		}
	}
	late := halfOf(ctx)
	var failed failures
	uncreated, err := atOnce(missing, late, func(some []string) error {
		return failed.of(c.createCopies(ctx, some, found, there))
	})
	if err != nil {
		return errors.Join(failed.joined(), err)
	}
	ungrown, err := atOnce(small, late, func(some []string) error {
		return failed.of(c.growCopies(ctx, some, found, there))
	})
	if c.unfinished = uncreated+ungrown > 0; c.unfinished {
		guest.Log(ctx, abi.LogInfo, "a start has no time for all copies; those of %d topics are made while the others are "+
			"copied already", uncreated+ungrown)
	}
	return errors.Join(failed.joined(), err)
}

// halfOf tells when half of the time that a context has is over; never, if it has no end.
func halfOf(ctx context.Context) (over func() bool) {
	end, has := ctx.Deadline()
	half := time.Now().Add(time.Until(end) / 2)
	return func() bool { return has && time.Now().After(half) }
}

// atOnce gives do some topics at a time until it fails or it is late; it returns how many topics are left then.
func atOnce(topics []string, late func() bool, do func([]string) error) (left int, err error) {
	for len(topics) > 0 && !late() {
		some := topics[:min(topicsAtOnce, len(topics))]
		if err := do(some); err != nil {
			return len(topics), err
		}
		topics = topics[len(some):]
	}
	return len(topics), nil
}

// createCopies makes copies with the settings of their sources.
func (c *SourceConnector) createCopies(ctx context.Context, topics []string, found,
	there map[string]int) (failed []error, err error) {
	configs, err := c.configsOf(ctx, topics)
	if err != nil {
		return nil, err
	}
	replicas := c.Int("replication.factor")
	request := kmsg.NewPtrCreateTopicsRequest()
	of := map[string]string{}
	for _, topic := range topics {
		copied := kmsg.NewCreateTopicsRequestTopic()
		copied.Topic, copied.NumPartitions, copied.ReplicationFactor = c.remote(topic), int32(found[topic]), int16(replicas)
		for key, value := range c.properties.toCreate(configs[topic]) {
			copied.Configs = append(copied.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: key, Value: value})
		}
		request.Topics = append(request.Topics, copied)
		of[copied.Topic] = topic
	}
	answer, err := request.RequestWith(ctx, c.atTarget.Client)
	if err != nil {
		return nil, fmt.Errorf("create %s at the target cluster: %w", several(topics), c.atTarget.Explain(err))
	}
	for _, made := range answer.Topics {
		n := found[of[made.Topic]]
		if err := kerr.ErrorForCode(made.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			failed = append(failed, fmt.Errorf("create topic %s with %d partitions and %d replicas (replication.factor) at the "+
				"target cluster: %w%s", made.Topic, n, replicas, c.atTarget.Explain(err), inBrackets(made.ErrorMessage)))
			continue
		}
		there[made.Topic] = n
	}
	c.tell(ctx, topics, found, there)
	return failed, nil
}

// growCopies gives copies the partitions that their sources have got.
func (c *SourceConnector) growCopies(ctx context.Context, topics []string, found,
	there map[string]int) (failed []error, err error) {
	request := kmsg.NewPtrCreatePartitionsRequest()
	of := map[string]string{}
	for _, topic := range topics {
		grown := kmsg.NewCreatePartitionsRequestTopic()
		grown.Topic, grown.Count = c.remote(topic), int32(found[topic])
		request.Topics = append(request.Topics, grown)
		of[grown.Topic] = topic
	}
	answer, err := request.RequestWith(ctx, c.atTarget.Client)
	if err != nil {
		return nil, fmt.Errorf("give partitions to %s at the target cluster: %w", several(topics), c.atTarget.Explain(err))
	}
	for _, grown := range answer.Topics {
		n := found[of[grown.Topic]]
		if err := kerr.ErrorForCode(grown.ErrorCode); err != nil {
			failed = append(failed, fmt.Errorf("give topic %s %d partitions at the target cluster: %w%s", grown.Topic, n,
				c.atTarget.Explain(err), inBrackets(grown.ErrorMessage)))
			continue
		}
		there[grown.Topic] = n
	}
	c.tell(ctx, topics, found, there)
	return failed, nil
}

// tell logs which copies are as they should be: one line for many, as a guest has few.
func (c *SourceConnector) tell(ctx context.Context, topics []string, found, there map[string]int) {
	done := slices.DeleteFunc(slices.Clone(topics), func(topic string) bool {
		return there[c.remote(topic)] < found[topic]
	})
	switch len(done) {
	case 0:
	case 1:
		topic := done[0]
		guest.Log(ctx, abi.LogInfo, "topic %s has %d partitions, as %s at the source", c.remote(topic), found[topic], topic)
	default:
		guest.Log(ctx, abi.LogInfo, "the copies of %s have as many partitions as at the source", several(done))
	}
}

// several names topics, however many there are.
func several(topics []string) string {
	if len(topics) == 1 {
		return "topic " + topics[0]
	}
	return fmt.Sprintf("%d topics from %s to %s", len(topics), topics[0], topics[len(topics)-1])
}

func inBrackets(message *string) string {
	if message == nil || *message == "" {
		return ""
	}
	return " (" + *message + ")"
}

// failuresShown is how many failures an error tells of: thousands of topics mostly fail for one reason.
const failuresShown = 10

// failures are what became of many topics.
type failures struct {
	shown []error
	more  int
}

// of takes the failures of some topics, and hands on what stops the work on all.
func (f *failures) of(list []error, err error) error {
	shown := min(failuresShown-len(f.shown), len(list))
	f.shown = append(f.shown, list[:shown]...)
	f.more += len(list) - shown
	return err
}

func (f *failures) joined() error {
	if f.more == 0 {
		return errors.Join(f.shown...)
	}
	return errors.Join(append(f.shown, fmt.Errorf("and %d more", f.more))...)
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

const topicCreation = "topic.creation."

// EnsureTopic implements host.Clients (KIP-158). Without topic.creation.* in the connector, or with the worker's
// topic.creation.enable=false, the broker's automatic creation applies and nothing is done here.
func (c *Clients) EnsureTopic(ctx context.Context, topic string, config host.Config) error {
	if _, known := c.topics.Load(topic); known || !c.createsTopics(config) {
		return nil
	}
	wanted, err := creationFor(topic, config)
	if err != nil {
		return err
	}
	id := host.TaskID{Connector: config.Get("name")}
	opts, err := c.adminOptions(id, config, adminClientID(id))
	if err != nil {
		return fmt.Errorf("configuring the client that creates topic %s: %w", topic, err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("making the client that creates topic %s: %w", topic, err)
	}
	defer client.Close()
	if err := ensureTopic(ctx, kadm.NewClient(client), topic, wanted); err != nil {
		return fmt.Errorf("Task failed to create new topic %s. Ensure that the task is authorized to create topics "+
			"or that the topic exists and restart the task: %w", topic, err)
	}
	c.topics.Store(topic, struct{}{})
	return nil
}

func (c *Clients) createsTopics(config host.Config) bool {
	if strings.EqualFold(strings.TrimSpace(c.worker["topic.creation.enable"]), "false") {
		return false
	}
	for key := range config {
		if strings.HasPrefix(key, topicCreation) {
			return true
		}
	}
	return false
}

func ensureTopic(ctx context.Context, admin *kadm.Client, topic string, wanted creation) error {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	if details.Has(topic) && details[topic].Err == nil {
		return nil
	}
	_, err = admin.CreateTopic(ctx, wanted.partitions, wanted.replication, wanted.configs, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// creation is how a topic is to be made; -1 is the broker's default.
type creation struct {
	partitions  int32
	replication int16
	configs     map[string]*string
}

// creationFor finds the first group whose include patterns match the whole name and whose exclude patterns don't; the
// default group takes what is left.
func creationFor(topic string, config host.Config) (creation, error) {
	for name := range strings.SplitSeq(config.Get(topicCreation+"groups"), ",") {
		name = strings.TrimSpace(name)
		if name == "" || name == "default" {
			continue
		}
		included, err := matchesAny(topic, config, topicCreation+name+".include")
		if err != nil {
			return creation{}, err
		}
		excluded, err := matchesAny(topic, config, topicCreation+name+".exclude")
		if err != nil {
			return creation{}, err
		}
		if included && !excluded {
			return groupCreation(name, config)
		}
	}
	return groupCreation("default", config)
}

func matchesAny(topic string, config host.Config, key string) (bool, error) {
	for pattern := range strings.SplitSeq(config.Get(key), ",") {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			continue
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return false, &PropertyError{key, pattern, "write it in RE2 syntax: " + err.Error()}
		}
		if re.MatchString(topic) {
			return true, nil
		}
	}
	return false, nil
}

// groupCreation: partitions and replication factor default to those of the default group, other settings do not.
func groupCreation(group string, config host.Config) (creation, error) {
	c := creation{configs: map[string]*string{}}
	partitions, err := creationNumber(group, "partitions", config, 1<<31-1)
	if err != nil {
		return c, err
	}
	replication, err := creationNumber(group, "replication.factor", config, 1<<15-1)
	if err != nil {
		return c, err
	}
	c.partitions, c.replication = int32(partitions), int16(replication)
	for key, value := range config {
		switch name, ok := strings.CutPrefix(key, topicCreation+group+"."); {
		case !ok, name == "include", name == "exclude", name == "partitions", name == "replication.factor":
		default:
			c.configs[name] = value
		}
	}
	return c, nil
}

func creationNumber(group, name string, config host.Config, limit int64) (int64, error) {
	key := topicCreation + group + "." + name
	if config[key] == nil {
		key = topicCreation + "default." + name
	}
	n, err := strconv.ParseInt(strings.TrimSpace(config.Get(key)), 10, 64)
	if err != nil || n < -1 || n == 0 || n > limit {
		return 0, &PropertyError{key, config.Get(key), "use a positive number, or -1 for the broker's default"}
	}
	return n, nil
}

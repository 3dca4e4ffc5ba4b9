package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/validate"
)

const topicCreation = "topic.creation."

// topicRetryDelay rests between attempts at what Kafka refuses for the time being.
const topicRetryDelay = 500 * time.Millisecond

// Topics implements host.Clients (KIP-158). Without topic.creation.* in the connector, or with the worker's
// topic.creation.enable=false, creation is the broker's. It does no I/O. Errors: a bad key of topic.creation.*.
func (c *Clients) Topics(id host.TaskID, config host.Config) (host.Topics, error) {
	if strings.EqualFold(strings.TrimSpace(c.worker["topic.creation.enable"]), "false") {
		return brokersOwn{}, nil
	}
	groups, err := validate.TopicGroups(config)
	if err != nil || groups == nil {
		return brokersOwn{}, err
	}
	for _, group := range groups {
		if err := checkPatterns(group); err != nil {
			return nil, err
		}
	}
	opts, err := c.adminOptions(id, config, adminClientID(id))
	if err != nil {
		return nil, fmt.Errorf("configuring the client that creates the topics of %s: %w", id, err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the client that creates the topics of %s: %w", id, err)
	}
	log := c.log.With("connector", id.Connector, "task", id.Task)
	return &creator{log: log, admin: kadm.NewClient(client), groups: groups, config: config}, nil
}

// checkPatterns refuses what is a regular expression in Java alone, which the validation of connectors lets pass.
func checkPatterns(group validate.TopicGroup) error {
	for name, patterns := range map[string][]string{"include": group.Include, "exclude": group.Exclude} {
		for _, pattern := range patterns {
			if _, err := regexp.Compile(pattern); err != nil {
				return &PropertyError{topicCreation + group.Name + "." + name, pattern, "write it in RE2 syntax: " + err.Error()}
			}
		}
	}
	return nil
}

// brokersOwn leaves topics to the broker's automatic creation.
type brokersOwn struct{}

func (brokersOwn) Ensure(context.Context, string) error { return nil }

func (brokersOwn) Close() {}

// creator creates the topics of one task by the groups of its connector.
type creator struct {
	log    *slog.Logger
	admin  *kadm.Client
	groups []validate.TopicGroup
	config host.Config // for messages
}

func (c *creator) Close() { c.admin.Close() }

// Ensure implements host.Topics.
func (c *creator) Ensure(ctx context.Context, topic string) error {
	at := slices.IndexFunc(c.groups, func(g validate.TopicGroup) bool { return g.Matches(topic) })
	group := c.groups[at] // the default group matches every topic
	wanted := creation{group.Partitions, group.ReplicationFactor, group.Configs}
	for {
		err := ensureTopic(ctx, c.admin, topic, wanted)
		if err == nil || ctx.Err() != nil || !passing(err) {
			return c.explained(err, group)
		}
		c.log.Warn("a topic can't be created now and is tried again", "topic", topic, "group", group.Name, "error", err)
		select {
		case <-time.After(topicRetryDelay):
		case <-ctx.Done():
		}
	}
}

// explained says which group of which key asked for what Kafka refuses, and what to do.
func (c *creator) explained(err error, group validate.TopicGroup) error {
	if err == nil {
		return nil
	}
	var remedy string
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		remedy = "create the topic, or let the principal of the connector's admin client (admin.* of the worker, " +
			"admin.override.* of the connector) create it"
	case errors.Is(err, kerr.InvalidReplicationFactor):
		remedy = c.inherited(group, "replication.factor") + " must be at most the number of brokers, or -1 for their " +
			"default"
	case errors.Is(err, kerr.InvalidPartitions):
		remedy = c.inherited(group, "partitions") + " must be a number of partitions that the brokers allow, or -1 for " +
			"their default"
	case errors.Is(err, kerr.InvalidConfig), errors.Is(err, kerr.PolicyViolation):
		remedy = "mend what the brokers do not allow of " + settingsOf(group)
	case errors.Is(err, kerr.InvalidTopicException):
		remedy = "let the connector or a transformation use a name that Kafka allows"
	}
	if remedy != "" {
		remedy = ": " + remedy
	}
	return fmt.Errorf("%w (group %s of topic.creation.groups)%s", err, group.Name, remedy)
}

// inherited is a group's key with its value, or that of the default group if the value comes from there.
func (c *creator) inherited(group validate.TopicGroup, name string) string {
	key := topicCreation + group.Name + "." + name
	if c.config[key] == nil {
		key = topicCreation + "default." + name
	}
	return key + "=" + c.config.Get(key)
}

func settingsOf(group validate.TopicGroup) string {
	prefix := topicCreation + group.Name + "."
	var settings []string
	for _, name := range slices.Sorted(maps.Keys(group.Configs)) {
		settings = append(settings, prefix+name+"="+group.Configs[name])
	}
	if settings == nil {
		return prefix + "*"
	}
	return strings.Join(settings, ", ")
}

// creation is how a topic is to be made; -1 is the broker's default.
type creation struct {
	partitions  int32
	replication int16
	configs     map[string]string
}

// ensureTopic creates a topic that is not there. Who may not see it may still be able to create it.
func ensureTopic(ctx context.Context, admin *kadm.Client, topic string, wanted creation) error {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	if details.Has(topic) && details[topic].Err == nil {
		return nil
	}
	configs := map[string]*string{}
	for key, value := range wanted.configs {
		configs[key] = &value
	}
	created, err := admin.CreateTopic(ctx, wanted.partitions, wanted.replication, configs, topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case err != nil && created.ErrMessage != "":
		return fmt.Errorf("%w: %s", err, created.ErrMessage)
	}
	return err
}

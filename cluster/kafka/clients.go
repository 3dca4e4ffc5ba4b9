// Package kafka makes the Kafka clients of tasks and of the worker itself from properties named as in the Java clients,
// with Kafka Connect's precedence, and adapts them to the host's ports.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// Clients makes the clients of tasks. It implements host.Clients.
type Clients struct {
	worker map[string]string
	log    *slog.Logger
	warned *warned
	fenced func() bool // see Fence; nil: never
}

// NewClients takes the worker's properties as in a Connect worker file (bootstrap.servers, producer.*, consumer.*,
// admin.*, topic.creation.enable). It does no I/O. Errors: *PropertyError, joined.
func NewClients(worker map[string]string, log *slog.Logger) (*Clients, error) {
	c := &Clients{worker: maps.Clone(worker), log: log, warned: &warned{log: log}}
	probe := host.TaskID{Connector: "check"}
	_, producerErr := c.producerSettings(probe, nil, "check")
	_, consumerErr := c.consumerSettings(probe, host.Config{"topics": &probe.Connector})
	_, adminErr := c.adminOptions(probe, nil, "check")
	if err := errors.Join(producerErr, consumerErr, adminErr); err != nil {
		return nil, fmt.Errorf("checking the worker's Kafka client properties: %w", err)
	}
	return c, nil
}

// Producer implements host.Clients: worker's producer.*, then the connector's producer.override.*. It does no I/O.
func (c *Clients) Producer(id host.TaskID, config host.Config) (host.Producer, error) {
	return c.producer(id, config, "connector-producer-"+id.String())
}

func (c *Clients) producer(id host.TaskID, config host.Config, clientID string, more ...kgo.Opt) (*Producer, error) {
	settings, err := c.producerSettings(id, config, clientID)
	if err != nil {
		return nil, fmt.Errorf("configuring the producer of %s: %w", id, err)
	}
	client, err := kgo.NewClient(append(settings.opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("making the producer of %s: %w", id, err)
	}
	return newProducer(client, settings.bufferBytes, c.reservedFor(config)), nil
}

func (c *Clients) producerSettings(id host.TaskID, config host.Config, clientID string) (producerSettings, error) {
	own, override := withPrefix(c.worker, "producer."), overrides(config, "producer.override.")
	p := newProperties(c.base(clientID), own, override)
	s := producerOptions(p)
	s.opts = append(append(s.opts, c.logOption(id, producerLogger)), c.fenceOptions(p)...)
	c.warned.unknown("producer", p, own, override)
	return s, p.err()
}

// Consumer implements host.Clients: worker's consumer.*, then the connector's consumer.override.*; the group is
// connect-<name> unless overridden. It returns at once; the group is joined in the background.
func (c *Clients) Consumer(id host.TaskID, config host.Config, rebalancer host.Rebalancer) (host.Consumer, error) {
	settings, err := c.consumerSettings(id, config)
	if err != nil {
		return nil, fmt.Errorf("configuring the consumer of %s: %w", id, err)
	}
	consumer, err := newConsumer(settings, rebalancer, c.log.With("connector", id.Connector, "task", id.Task))
	if err != nil {
		return nil, fmt.Errorf("making the consumer of %s: %w", id, err)
	}
	return consumer, nil
}

func (c *Clients) consumerSettings(id host.TaskID, config host.Config) (consumerSettings, error) {
	own, override := withPrefix(c.worker, "consumer."), overrides(config, "consumer.override.")
	base := c.base("connector-consumer-" + id.String())
	base["group.id"] = "connect-" + id.Connector
	p := newProperties(base, own, override)
	s := consumerOptions(p)
	s.opts = append(s.opts, c.logOption(id, consumerLogger))
	c.warned.unknown("consumer", p, own, override)
	topics, err := subscription(config)
	s.opts, s.topics = append(s.opts, topics.opts...), topics.names
	return s, errors.Join(p.err(), err)
}

// Record implements host.Clients, with a client of its own: it is asked for rarely.
func (c *Clients) Record(ctx context.Context, id host.TaskID, config host.Config, at host.TopicPartition,
	offset int64) (host.ConsumerRecord, error) {
	p := newProperties(c.base("connector-errant-consumer-"+id.String()), withPrefix(c.worker, "consumer."),
		overrides(config, "consumer.override."))
	from := map[string]map[int32]kgo.Offset{at.Topic: {at.Partition: kgo.NewOffset().At(offset)}}
	opts := append(commonOptions(p), c.logOption(id, consumerLogger), kgo.ConsumePartitions(from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err := p.err(); err != nil {
		return host.ConsumerRecord{}, fmt.Errorf("configuring the consumer of %s: %w", id, err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return host.ConsumerRecord{}, fmt.Errorf("making the consumer of %s: %w", id, err)
	}
	defer client.Close()
	return readOne(ctx, client, offset)
}

// readOne polls until a record is there; the first one behind a gap is another.
func readOne(ctx context.Context, client *kgo.Client, offset int64) (host.ConsumerRecord, error) {
	fetches := client.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return host.ConsumerRecord{}, err
	}
	for _, r := range fetches.Records() {
		if r.Offset == offset {
			return consumerRecord(r, headersOf(nil, r)), nil
		}
	}
	return host.ConsumerRecord{}, errors.New("it is no longer in Kafka: the topic's retention is too short for how long " +
		"the connector keeps records")
}

// base is what every task's producer and consumer begins with. Security settings of the worker without a prefix are
// for its own clients and are not inherited, as in Connect.
func (c *Clients) base(clientID string) map[string]string {
	return map[string]string{"bootstrap.servers": c.worker["bootstrap.servers"], "client.id": clientID}
}

// logOption gives a task's client the logger of the Java client that does the same.
func (c *Clients) logOption(id host.TaskID, logger string) kgo.Opt {
	return kgo.WithLogger(clientLog{c.log.With("connector", id.Connector, "task", id.Task, host.LoggerKey, logger)})
}

type subscribed struct {
	opts  []kgo.Opt
	names []string // nil: by pattern
}

// subscription reads a sink's topics or topics.regex.
func subscription(config host.Config) (subscribed, error) {
	var names []string
	for name := range strings.SplitSeq(config.Get("topics"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	pattern := config.Get("topics.regex")
	switch {
	case len(names) > 0 && pattern == "":
		return subscribed{[]kgo.Opt{kgo.ConsumeTopics(names...)}, names}, nil
	case len(names) > 0 || pattern == "":
		return subscribed{}, &PropertyError{"topics", config.Get("topics"), "set exactly one of topics and topics.regex"}
	}
	whole := "^(?:" + pattern + ")$" // Java matches the whole name
	if _, err := regexp.Compile(whole); err != nil {
		return subscribed{}, &PropertyError{"topics.regex", pattern, "write it in RE2 syntax: " + err.Error()}
	}
	return subscribed{[]kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics(whole)}, nil}, nil
}

// adminOptions: all unprefixed worker properties, admin.*, then admin.override.*.
func (c *Clients) adminOptions(id host.TaskID, config host.Config, clientID string) ([]kgo.Opt, error) {
	own, override := withPrefix(c.worker, "admin."), overrides(config, "admin.override.")
	p := newProperties(c.worker, map[string]string{"client.id": clientID}, own, override)
	opts := append(commonOptions(p), c.logOption(id, adminLogger))
	c.warned.unknown("admin", p, own, override)
	return opts, p.err()
}

// WorkerOptions are the options of a client of the worker itself (state topics, group membership, shared admin):
// all unprefixed worker properties. clientID as in Connect, "<group.id>-configs" and so on. log gets the client's
// messages. Errors: *PropertyError, joined.
func WorkerOptions(worker map[string]string, clientID string, log *slog.Logger) ([]kgo.Opt, error) {
	p := newProperties(worker, map[string]string{"client.id": clientID})
	opts := append(commonOptions(p), kgo.WithLogger(clientLog{log}))
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("configuring the worker's Kafka client %s: %w", clientID, err)
	}
	return opts, nil
}

package tenancy

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
)

// Clients holds the clients of tasks to what the tenants are granted.
func (g Grants) Clients(clients host.Clients) host.Clients { return boundClients{clients, g} }

type boundClients struct {
	host.Clients
	grants Grants
}

// Producer implements host.Clients.
func (c boundClients) Producer(id host.TaskID, config host.Config) (host.Producer, error) {
	config, err := c.grants.Client(id.Connector, config)
	if err != nil {
		return nil, err
	}
	producer, err := c.Clients.Producer(id, config)
	return c.grants.bound(id, producer), err
}

// Consumer implements host.Clients.
func (c boundClients) Consumer(id host.TaskID, config host.Config, rebalancer host.Rebalancer) (host.Consumer, error) {
	config, err := c.grants.Client(id.Connector, config)
	if err != nil {
		return nil, err
	}
	if host.OwnerOf(c.grants.Tenants, id.Connector) == "" {
		return c.Clients.Consumer(id, config, rebalancer)
	}
	watch := &watch{Rebalancer: rebalancer, check: c.grants.checker(id), denied: map[host.TopicPartition]bool{},
		pattern: config.Get("topics.regex")}
	consumer, err := c.Clients.Consumer(id, config, watch)
	if err != nil {
		return nil, err
	}
	return boundConsumer{consumer, watch}, nil
}

// Record implements host.Clients.
func (c boundClients) Record(ctx context.Context, id host.TaskID, config host.Config, at host.TopicPartition,
	offset int64) (host.ConsumerRecord, error) {
	config, err := c.grants.Client(id.Connector, config)
	if err == nil {
		err = c.grants.checker(id)(at.Topic)
	}
	if err != nil {
		return host.ConsumerRecord{}, err
	}
	return c.Clients.Record(ctx, id, config, at, offset)
}

// Topics implements host.Clients.
func (c boundClients) Topics(id host.TaskID, config host.Config) (host.Topics, error) {
	config, err := c.grants.Client(id.Connector, config)
	if err != nil {
		return nil, err
	}
	topics, err := c.Clients.Topics(id, config)
	if err != nil {
		return nil, err
	}
	return boundTopics{topics, c.grants.checker(id)}, nil
}

// DeadLetters implements host.Clients.
func (c boundClients) DeadLetters(ctx context.Context, id host.TaskID, config host.Config, topic string,
	replication int16) (host.Producer, error) {
	config, err := c.grants.Client(id.Connector, config)
	if err == nil {
		err = c.grants.checker(id)(topic)
	}
	if err != nil {
		return nil, err
	}
	producer, err := c.Clients.DeadLetters(ctx, id, config, topic, replication)
	return c.grants.bound(id, producer), err
}

// checker says whether a task may use a topic. It is of one goroutine: consecutive records mostly have one topic.
func (g Grants) checker(id host.TaskID) func(topic string) error {
	t, err := host.TenantOf(g.Tenants, id.Connector)
	if err != nil {
		return func(string) error { return err }
	}
	if t.IsDefault() {
		return func(string) error { return nil }
	}
	allowed := ""
	return func(topic string) error {
		if topic == allowed {
			return nil
		}
		err := g.topic(t, topic)
		if err == nil {
			allowed = topic
		}
		return err
	}
}

// bound is a producer that sends to a tenant's topics alone; the default tenant's is as it was.
func (g Grants) bound(id host.TaskID, producer host.Producer) host.Producer {
	if producer == nil || host.OwnerOf(g.Tenants, id.Connector) == "" {
		return producer
	}
	return boundProducer{producer, g.checker(id)}
}

type boundProducer struct {
	host.Producer
	check func(topic string) error
}

// Send implements host.Producer. Of records of which one is not allowed, none is sent.
func (p boundProducer) Send(ctx context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	if err := checkAll(p.check, records); err != nil {
		return err
	}
	return p.Producer.Send(ctx, records, ack)
}

func checkAll(check func(string) error, records []host.ProducerRecord) error {
	for i := range records {
		if err := check(records[i].Topic); err != nil {
			return err
		}
	}
	return nil
}

// watch looks at what a consumer is assigned: a pattern may match topics that are not the tenant's.
type watch struct {
	host.Rebalancer
	check   func(topic string) error
	pattern string // "": the topics are listed
	denied  map[host.TopicPartition]bool
	err     error
}

// Assigned implements host.Rebalancer.
func (w *watch) Assigned(ctx context.Context, partitions map[host.TopicPartition]int64) {
	own := map[host.TopicPartition]int64{}
	for tp, position := range partitions {
		if err := w.allow(tp.Topic); err != nil {
			w.err, w.denied[tp] = err, true
		} else {
			own[tp] = position
		}
	}
	w.Rebalancer.Assigned(ctx, own)
}

// allow does not name a topic that only the pattern names.
func (w *watch) allow(topic string) error {
	err := w.check(topic)
	var refused *NotGranted
	if err != nil && w.pattern != "" && errors.As(err, &refused) {
		return &NotGranted{refused.Tenant, "topics that match topics.regex:", w.pattern, refused.Field, refused.Listed}
	}
	return err
}

// Revoked implements host.Rebalancer.
func (w *watch) Revoked(ctx context.Context, partitions []host.TopicPartition) {
	w.Rebalancer.Revoked(ctx, w.own(partitions))
}

// Lost implements host.Rebalancer.
func (w *watch) Lost(ctx context.Context, partitions []host.TopicPartition) {
	w.Rebalancer.Lost(ctx, w.own(partitions))
}

// own leaves out what the sink has never heard of.
func (w *watch) own(partitions []host.TopicPartition) []host.TopicPartition {
	if len(w.denied) == 0 {
		return partitions
	}
	return slices.DeleteFunc(slices.Clone(partitions), func(tp host.TopicPartition) bool { return w.denied[tp] })
}

type boundConsumer struct {
	host.Consumer
	watch *watch
}

// Poll implements host.Consumer. An error ends the task before it has seen a record that is not the tenant's.
func (c boundConsumer) Poll(ctx context.Context, limit int, wait time.Duration) ([]host.ConsumerRecord, error) {
	records, err := c.Consumer.Poll(ctx, limit, wait)
	if c.watch.err != nil {
		return nil, c.watch.err
	}
	for i := range records {
		if err := c.watch.allow(records[i].Topic); err != nil {
			return nil, err
		}
	}
	return records, err
}

type boundTopics struct {
	host.Topics
	check func(topic string) error
}

// Ensure implements host.Topics.
func (t boundTopics) Ensure(ctx context.Context, topic string) error {
	if err := t.check(topic); err != nil {
		return err
	}
	return t.Topics.Ensure(ctx, topic)
}

// OffsetTopics holds the clients that read connectors' own topics of offsets to what the tenants are granted; nil stays
// nil.
func (g Grants) OffsetTopics(topics host.OffsetTopics) host.OffsetTopics {
	if topics == nil {
		return nil
	}
	return boundOffsetTopics{topics, g}
}

type boundOffsetTopics struct {
	host.OffsetTopics
	grants Grants
}

// Open implements host.OffsetTopics.
func (t boundOffsetTopics) Open(ctx context.Context, id host.TaskID, config host.Config, topic string,
	producer host.Producer) (host.OffsetStore, error) {
	config, err := t.grants.Client(id.Connector, config)
	if err != nil {
		return nil, err
	}
	return t.OffsetTopics.Open(ctx, id, config, topic, producer)
}

// Transactions holds the transactional producers of tasks to what the tenants are granted; nil stays nil.
func (g Grants) Transactions(transactions host.Transactions) host.Transactions {
	if transactions == nil {
		return nil
	}
	return boundTransactions{transactions, g}
}

type boundTransactions struct {
	host.Transactions
	grants Grants
}

// Open implements host.Transactions.
func (t boundTransactions) Open(ctx context.Context, id host.TaskID, config host.Config, offsetsTopic string) (
	host.TransactionalProducer, error) {
	config, err := t.grants.Client(id.Connector, config)
	if err != nil {
		return nil, err
	}
	producer, err := t.Transactions.Open(ctx, id, config, offsetsTopic)
	if err != nil || host.OwnerOf(t.grants.Tenants, id.Connector) == "" {
		return producer, err
	}
	return boundTransactional{producer, t.grants.checker(id)}, nil
}

type boundTransactional struct {
	host.TransactionalProducer
	check func(topic string) error
}

// Send implements host.Producer.
func (p boundTransactional) Send(ctx context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	if err := checkAll(p.check, records); err != nil {
		return err
	}
	return p.TransactionalProducer.Send(ctx, records, ack)
}

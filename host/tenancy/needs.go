package tenancy

import (
	"context"
	"time"

	"github.com/berth-connect/berth/host"
)

// Needs holds a connector's tasks to the topics that its plugin's manifest needs, beside what the tenant is granted.
// The framework's own topics, of dead letters and offsets, are no need of the plugin's. Records are looked at as they
// are written and read: what transformations make of a source's topics must be among the needs, too.
type Needs struct {
	Class string
	Needs []string
}

func (n Needs) check(write bool) func(topic string) error {
	allowed := "" // consecutive records mostly have one topic
	return func(topic string) error {
		if topic == allowed {
			return nil
		}
		err := host.CheckTopicNeeds(n.Class, n.Needs, topic, write)
		if err == nil {
			allowed = topic
		}
		return err
	}
}

// Clients are those of tasks, held to the needs but for producers, which write offsets, too.
func (n Needs) Clients(clients host.Clients) host.Clients { return needyClients{clients, n} }

type needyClients struct {
	host.Clients
	needs Needs
}

// Consumer implements host.Clients.
func (c needyClients) Consumer(id host.TaskID, config host.Config, rebalancer host.Rebalancer) (host.Consumer, error) {
	consumer, err := c.Clients.Consumer(id, config, rebalancer)
	if err != nil {
		return nil, err
	}
	return needyConsumer{consumer, c.needs.check(false)}, nil
}

// Topics implements host.Clients.
func (c needyClients) Topics(id host.TaskID, config host.Config) (host.Topics, error) {
	topics, err := c.Clients.Topics(id, config)
	if err != nil {
		return nil, err
	}
	return boundTopics{topics, c.needs.check(true)}, nil
}

type needyConsumer struct {
	host.Consumer
	check func(topic string) error
}

// Poll implements host.Consumer. An error ends the task before it has seen a record that its plugin does not need.
func (c needyConsumer) Poll(ctx context.Context, limit int, wait time.Duration) ([]host.ConsumerRecord, error) {
	records, err := c.Consumer.Poll(ctx, limit, wait)
	for i := range records {
		if err := c.check(records[i].Topic); err != nil {
			return nil, err
		}
	}
	return records, err
}

// Producer holds a producer to the needs.
func (n Needs) Producer(producer host.Producer) host.Producer {
	return boundProducer{producer, n.check(true)}
}

// Transactional holds a transactional producer to the needs.
func (n Needs) Transactional(producer host.TransactionalProducer) host.TransactionalProducer {
	return boundTransactional{producer, n.check(true)}
}

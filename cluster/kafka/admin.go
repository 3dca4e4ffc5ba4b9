package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/host"
)

// Admin reads and changes what belongs to the cluster: its id, topics and transactional ids.
type Admin struct {
	client *kgo.Client
	admin  *kadm.Client
}

// NewAdmin makes the worker's shared admin client; clientID as in Connect, "<group.id>-shared-admin". It does no I/O.
func NewAdmin(worker map[string]string, clientID string, log *slog.Logger) (*Admin, error) {
	opts, err := WorkerOptions(worker, clientID, log)
	if err != nil {
		return nil, err
	}
	return newAdmin(opts)
}

// Admin makes the admin client of a connector: unprefixed worker properties, admin.*, admin.override.*. The caller
// closes it. It does no I/O.
func (c *Clients) Admin(connector string, config host.Config) (*Admin, error) {
	id := host.TaskID{Connector: connector}
	opts, err := c.adminOptions(id, config, adminClientID(id))
	if err != nil {
		return nil, fmt.Errorf("configuring the admin client of %s: %w", connector, err)
	}
	return newAdmin(opts)
}

func adminClientID(id host.TaskID) string { return "connector-adminclient-" + id.String() }

func newAdmin(opts []kgo.Opt) (*Admin, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the admin client: %w", err)
	}
	return &Admin{client, kadm.NewClient(client)}, nil
}

// Close frees the client.
func (a *Admin) Close() { a.client.Close() }

// ClusterID returns the id of the Kafka cluster.
func (a *Admin) ClusterID(ctx context.Context) (string, error) {
	metadata, err := a.admin.BrokerMetadata(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the Kafka cluster id: %w", err)
	}
	return metadata.Cluster, nil
}

// CreateTopic creates a topic; partitions and replication -1 are the broker's defaults. A topic that is there already
// is no error.
func (a *Admin) CreateTopic(ctx context.Context, topic string, partitions int32, replication int16,
	configs map[string]string) error {
	if err := ensureTopic(ctx, a.admin, topic, creation{partitions, replication, configs}); err != nil {
		return fmt.Errorf("creating topic %s: %w", topic, err)
	}
	return nil
}

// Partitions returns the number of partitions of each existing topic among topics.
func (a *Admin) Partitions(ctx context.Context, topics ...string) (map[string]int, error) {
	details, err := a.admin.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("describing topics: %w", err)
	}
	out := map[string]int{}
	for name, detail := range details {
		if detail.Err == nil {
			out[name] = len(detail.Partitions)
		}
	}
	return out, nil
}

// FenceProducers ends what transactional ids have open: a producer that still uses one of them can write no more. As in
// Kafka's admin client.
func (a *Admin) FenceProducers(ctx context.Context, transactionalIDs []string) error {
	for _, id := range transactionalIDs {
		if err := a.fenceProducer(ctx, id); err != nil {
			return fmt.Errorf("fencing producers with transactional id %s: %w", id, err)
		}
	}
	return nil
}

// fenceProducer asks again while the broker still ends the id's transaction.
func (a *Admin) fenceProducer(ctx context.Context, id string) error {
	for {
		request := kmsg.NewPtrInitProducerIDRequest()
		request.TransactionalID, request.TransactionTimeoutMillis = &id, 1
		response, err := request.RequestWith(ctx, a.client)
		if err != nil {
			return err
		}
		err = kerr.ErrorForCode(response.ErrorCode)
		if !errors.Is(err, kerr.ConcurrentTransactions) {
			return err
		}
		select {
		case <-time.After(defaultRetryBackoff):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// DeleteGroups deletes the consumer groups whose ids begin with prefix, all that it can. Errors: host.ErrGroupInUse.
func (a *Admin) DeleteGroups(ctx context.Context, prefix string) error {
	groups, err := a.admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("listing the consumer groups %s*: %w", prefix, err)
	}
	var failures []error
	for _, id := range groups.Groups() {
		if strings.HasPrefix(id, prefix) {
			failures = append(failures, (&SinkGroup{admin: a, id: id}).Delete(ctx))
		}
	}
	return errors.Join(failures...)
}

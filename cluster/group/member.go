package group

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Config are the settings of a member, named as in Kafka Connect's worker configuration.
type Config struct {
	GroupID                    string        // group.id
	URL                        string        // advertised REST URL, ends with a slash
	Protocol                   Protocol      // connect.protocol
	SessionTimeout             time.Duration // session.timeout.ms
	RebalanceTimeout           time.Duration // rebalance.timeout.ms
	HeartbeatInterval          time.Duration // heartbeat.interval.ms
	WorkerSyncTimeout          time.Duration // worker.sync.timeout.ms
	WorkerUnsyncBackoff        time.Duration // worker.unsync.backoff.ms
	ScheduledRebalanceMaxDelay time.Duration // scheduled.rebalance.max.delay.ms
	RetryBackoff               time.Duration // retry.backoff.ms
	RetryBackoffMax            time.Duration // retry.backoff.max.ms
}

// Ports are the parts of the worker that a member needs.
type Ports struct {
	Client Client
	State  State
}

// Client sends requests to the group's coordinator. *kgo.Client implements it. It must be the member's own: a
// JoinGroup that waits for other members blocks the next one on the same client.
type Client interface {
	Request(ctx context.Context, request kmsg.Request) (kmsg.Response, error)
}

// Member is this worker's place in the group.
type Member struct {
	config Config
	ports  Ports
	log    *slog.Logger
}

// New makes a member; it does no I/O.
func New(config Config, ports Ports, log *slog.Logger) *Member {
	return &Member{config: config, ports: ports, log: log}
}

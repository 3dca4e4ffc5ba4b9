package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/tenancy"
	"github.com/berth-connect/berth/host/worker"
)

// membership is the worker's place in the group of workers that share the connectors (group.id).
type membership struct {
	member *group.Member
	close  func()
}

// assignmentKey says by what tasks are spread over the workers; all workers of a group should have the same.
const assignmentKey = "berth.assignment"

// Values of assignmentKey.
const (
	assignByCount = "count" // as Kafka Connect does
	assignByLoad  = "load"  // bytes per second and memory
)

// joinGroup gives the herder a membership, and the clients of tasks its fence; it does not talk to Kafka yet.
func (n *node) joinGroup(c config, clients *kafka.Clients, advertised *url.URL, log *slog.Logger) error {
	clientID := cmp.Or(c.text("client.id"), "connect-"+advertised.Host)
	client, err := kafka.NewMembership(c.all(), clientID, log)
	if err != nil {
		return err
	}
	member := group.New(group.Config{
		GroupID: c.text("group.id"), URL: advertised.String(),
		Protocol:                   protocols[strings.ToLower(c.text("connect.protocol"))],
		SessionTimeout:             c.millis("session.timeout.ms"),
		RebalanceTimeout:           c.millis("rebalance.timeout.ms"),
		HeartbeatInterval:          c.millis("heartbeat.interval.ms"),
		WorkerSyncTimeout:          c.millis("worker.sync.timeout.ms"),
		WorkerUnsyncBackoff:        c.millis("worker.unsync.backoff.ms"),
		ScheduledRebalanceMaxDelay: c.millis("scheduled.rebalance.max.delay.ms"),
		RetryBackoff:               c.millis("retry.backoff.ms"),
		RetryBackoffMax:            c.millis("retry.backoff.max.ms"),
		ByLoad:                     c.text(assignmentKey) == assignByLoad,
	}, group.Ports{Client: client, State: herder.NewGroupState(n.configs),
		Loads: func() map[host.TaskID]host.TaskLoad { return n.worker.TaskLoads() }}, log)
	n.herder.Join(member)
	clients.Fence(member.Fenced)
	n.membership = membership{member, client.Close}
	return nil
}

func openFencer(clients *kafka.Clients, grants tenancy.Grants) herder.OpenFencer {
	return func(connector string, config host.Config) (herder.Fencer, error) {
		config, err := grants.Client(connector, config)
		if err != nil {
			return nil, err
		}
		return clients.Admin(connector, config)
	}
}

func openSinkGroup(clients *kafka.Clients, grants tenancy.Grants) herder.OpenSinkGroup {
	return func(connector string, config host.Config) (herder.SinkGroup, error) {
		config, err := grants.Client(connector, config)
		if err != nil {
			return nil, err
		}
		group, err := clients.SinkGroup(connector, config)
		if err != nil {
			return nil, err
		}
		return boundSinkGroup{group, func(topic string) error { return grants.Topic(connector, topic) }}, nil
	}
}

// boundSinkGroup sets offsets of topics that the connector may use, so that nobody finds out which others there are.
type boundSinkGroup struct {
	herder.SinkGroup
	check func(topic string) error
}

// SetOffsets implements herder.SinkGroup.
func (g boundSinkGroup) SetOffsets(ctx context.Context, offsets map[host.TopicPartition]int64) error {
	for tp := range offsets {
		if err := g.check(tp.Topic); err != nil {
			return err
		}
	}
	return g.SinkGroup.SetOffsets(ctx, offsets)
}

// protocols are the values of connect.protocol.
var protocols = map[string]group.Protocol{
	"eager": group.Eager, "compatible": group.Compatible, "sessioned": group.Sessioned,
}

// run keeps the membership until ctx ends, when all work has stopped.
func (m membership) run(ctx context.Context) error {
	defer m.close()
	return m.member.Run(ctx)
}

// guarded keeps tasks from writing when the membership has ended. A standalone worker has none that could end.
func (m membership) guarded(ports worker.Ports) worker.Ports {
	if m.member == nil {
		return ports
	}
	guard := herder.NewGuard(m.member)
	ports.Clients, ports.Offsets = guard.Clients(ports.Clients), guard.Offsets(ports.Offsets)
	ports.OffsetTopics = guard.OffsetTopics(ports.OffsetTopics)
	return ports
}

func sessionKeys(c config) herder.SessionKeys {
	return herder.SessionKeys{
		Algorithm: c.text("inter.worker.key.generation.algorithm"), Bits: c.number("inter.worker.key.size"),
		TTL: c.millis("inter.worker.key.ttl.ms"), SignatureAlgorithm: c.text("inter.worker.signature.algorithm"),
		Verification: c.list("inter.worker.verification.algorithms"),
	}
}

// restartPolicy is the one of connectors that have none of their own.
func restartPolicy(c config) herder.RestartPolicy {
	return herder.RestartPolicy{Max: c.number("berth.restart.max"), Window: c.millis("berth.restart.window.ms"),
		Backoff: c.millis("berth.restart.backoff.ms"), BackoffMax: c.millis("berth.restart.backoff.max.ms")}
}

// advertisedURL is where other workers reach this one: what is configured, else the listener of the advertised scheme;
// a listener on all interfaces is advertised under the machine's address.
func advertisedURL(c config) (*url.URL, error) {
	scheme := advertisedScheme(c)
	listeners := c.list("listeners")
	chosen := listeners[0]
	for _, listener := range listeners {
		if strings.HasPrefix(strings.ToLower(listener), scheme+"://") {
			chosen = listener
			break
		}
	}
	listener, err := url.Parse(chosen)
	if err != nil {
		return nil, fmt.Errorf("read listeners: %w", err)
	}
	name := cmp.Or(c.text("rest.advertised.host.name"), listener.Hostname())
	port := cmp.Or(c.text("rest.advertised.port"), listener.Port())
	if name == "" || net.ParseIP(name).IsUnspecified() {
		name = ownAddress()
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(name, port), Path: "/"}, nil
}

func advertisedScheme(c config) string {
	listeners := strings.ToLower(c.text("listeners"))
	switch chosen := strings.ToLower(c.text("rest.advertised.listener")); {
	case chosen != "":
		return chosen
	case !strings.Contains(listeners, "http://") && strings.Contains(listeners, "https://"):
		return "https"
	}
	return "http"
}

func ownAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err == nil {
		for _, address := range addresses {
			network, isNetwork := address.(*net.IPNet)
			if isNetwork && !network.IP.IsLoopback() && network.IP.To4() != nil {
				return network.IP.String()
			}
		}
	}
	return "127.0.0.1"
}

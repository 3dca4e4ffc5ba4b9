// Package flow is the connectors and tasks of MirrorMaker 2: MirrorSource copies topics, MirrorCheckpoint follows
// consumer groups, MirrorHeartbeat shows that a flow is alive.
package flow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/definition"
	"github.com/berth-connect/berth/modules/mirror/replication"
)

// startTimeoutMax keeps what a connector asks when it starts below what the host gives it for that.
const startTimeoutMax = 25 * time.Second

// bytesSchema is that of keys and values: the converters must be ByteArrayConverter, as for Kafka's MirrorMaker.
var bytesSchema = &abi.Schema{Type: abi.TypeBytes, Optional: true}

// settings are what all three read from a configuration.
type settings struct {
	abi.ConfigValues
	config         map[string]*string
	connector      string
	enabled        bool
	source, target string // aliases
	policy         replication.Policy
	timeout        time.Duration // of administrative requests
}

func newSettings(config guest.Config) (settings, error) {
	s := settings{ConfigValues: config.ConfigValues, config: config.All, connector: config.Connector,
		enabled: config.Bool("enabled"), source: config.String("source.cluster.alias"),
		target:  config.String("target.cluster.alias"),
		timeout: min(time.Duration(config.Int("admin.timeout.ms"))*time.Millisecond, startTimeoutMax)}
	var err error
	s.policy, err = policyOf(config.ConfigValues)
	return s, err
}

func policyOf(values abi.ConfigValues) (replication.Policy, error) {
	p := replication.Policy{Separator: values.String("replication.policy.separator"), InternalSeparator: ".",
		Source: values.String("source.cluster.alias")}
	if values.Bool("replication.policy.internal.topic.separator.enabled") {
		p.InternalSeparator = p.Separator
	}
	const key = "replication.policy.class"
	switch class := values.String(key); class {
	case replication.DefaultClass, "DefaultReplicationPolicy":
	case replication.IdentityClass, "IdentityReplicationPolicy":
		p.Identity = true
	default:
		return p, abi.InvalidValue(key, class, "use "+replication.DefaultClass+" or "+replication.IdentityClass)
	}
	switch {
	case p.Source == "":
		return p, abi.InvalidValue("source.cluster.alias", `""`, "give the cluster a name")
	case p.Separator == "":
		return p, abi.InvalidValue("replication.policy.separator", `""`, "it must not be empty")
	}
	return p, nil
}

// topics reads what MirrorSource copies. MirrorCheckpoint must copy the same, though it does not declare the keys.
func (s *settings) topics() (replication.Topics, error) {
	lists, err := undeclared(s.config, definition.Source(), "topics", "topics.exclude", "heartbeats.replication.enabled")
	if err != nil {
		return replication.Topics{}, err
	}
	t := replication.Topics{Policy: s.policy, Target: s.target, Heartbeats: lists.Bool("heartbeats.replication.enabled")}
	t.Filter, err = replication.NewFilter("topics", lists.List("topics"), "topics.exclude", lists.List("topics.exclude"))
	return t, err
}

// undeclared reads keys of another connector's definition.
func undeclared(config map[string]*string, from abi.ConfigDef, names ...string) (abi.ConfigValues, error) {
	var d abi.ConfigDef
	for _, name := range names {
		d.Keys = append(d.Keys, *from.Key(name))
	}
	return d.Parse(config)
}

// offsetSyncs is the topic of offset syncs and where it is.
func (s *settings) offsetSyncs() (clients.Side, string) {
	if s.String("offset-syncs.topic.location") == "target" {
		return clients.TargetSide, s.policy.OffsetSyncs(s.source)
	}
	return clients.SourceSide, s.policy.OffsetSyncs(s.target)
}

// alias is the name of a cluster.
func (s *settings) alias(side clients.Side) string {
	if side == clients.TargetSide {
		return s.target
	}
	return s.source
}

// client makes one of a cluster.
func (s *settings) client(side clients.Side, kind clients.Kind) (*clients.Client, error) {
	return clients.New(s.config, side, kind, fmt.Sprintf("%s-%s-%s", s.connector, side, kind))
}

// seconds is an interval, at least one second.
func (s *settings) seconds(key string) time.Duration {
	return max(time.Duration(s.Int(key))*time.Second, time.Second)
}

// every is an interval that may be switched off: 0 then.
func (s *settings) every(enabled, interval string) time.Duration {
	if !s.Bool(enabled) {
		return 0
	}
	return s.seconds(interval)
}

// taskConfig is the configuration of a task: the connector's and what is the task's own.
func (s *settings) taskConfig(own map[string]string) map[string]*string {
	config := maps.Clone(s.config)
	for key, value := range own {
		config[key] = &value
	}
	return config
}

// pause returns after d, or when ctx is done; it then tells so.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// repeat calls what each time that d is over, until ctx is done; d 0: never. A failure waits for the next time.
func repeat(ctx context.Context, d time.Duration, task string, what func(context.Context) error) {
	for d > 0 && pause(ctx, d) {
		attempt(ctx, task, what)
	}
}

// attempt logs a failure.
func attempt(ctx context.Context, task string, what func(context.Context) error) {
	if err := what(ctx); err != nil && ctx.Err() == nil {
		guest.Log(ctx, abi.LogError, "%s failed, will be tried again: %v", task, err)
	}
}

// joined is a list in a task's configuration.
func joined[T any](list []T, text func(T) string) string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = text(item)
	}
	return strings.Join(texts, ",")
}

// dealt gives n items to at most most tasks in turn, as Kafka deals partitions.
func dealt[T any](items []T, most int) [][]T {
	hands := make([][]T, min(most, len(items)))
	for i, item := range items {
		hands[i%len(hands)] = append(hands[i%len(hands)], item)
	}
	return hands
}

// sortedKeys of a map.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

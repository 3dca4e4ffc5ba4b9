// Package replication names things as MirrorMaker 2 does: remote topics, internal topics, and which topics, groups and
// settings are copied.
package replication

import (
	"slices"
	"strings"
)

// Classes of policies that a configuration may name.
const (
	DefaultClass  = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy"
	IdentityClass = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"
)

// heartbeats is the topic of heartbeats, in every cluster.
const heartbeats = "heartbeats"

// Policy names remote topics.
type Policy struct {
	Identity          bool   // keep names (IdentityReplicationPolicy)
	Separator         string // between alias and topic
	InternalSeparator string // in names of internal topics
	Source            string // alias: what Identity says all topics come from
}

// Remote is the name of a topic of a cluster in the cluster that it is copied to.
func (p Policy) Remote(alias, topic string) string {
	if p.keeps(topic) {
		return topic
	}
	return alias + p.Separator + topic
}

// keeps tells whether a topic has the same name everywhere. Heartbeats never do: their names show the way they came.
func (p Policy) keeps(topic string) bool { return p.Identity && !strings.HasSuffix(topic, heartbeats) }

// SourceOf is the alias of the cluster that a remote topic came from; "": it is no remote topic.
func (p Policy) SourceOf(topic string) string {
	if p.keeps(topic) {
		return p.Source
	}
	alias, _, found := strings.Cut(topic, p.Separator)
	if !found {
		return ""
	}
	return alias
}

// upstream is the name that a remote topic has in the cluster that it came from; "": it is no remote topic.
func (p Policy) upstream(topic string) string {
	if p.keeps(topic) {
		return topic
	}
	_, rest, _ := strings.Cut(topic, p.Separator)
	return rest
}

// Upstream is the name of a topic at the cluster that it was copied from; ok is false if that is not the source.
func (p Policy) Upstream(topic string) (name string, ok bool) {
	name = p.upstream(topic)
	return name, name != "" && p.SourceOf(topic) == p.Source
}

// Original is the name that a topic had where it was written first.
func (p Policy) Original(topic string) string {
	for {
		above := p.upstream(topic)
		if above == "" || above == topic {
			return topic
		}
		topic = above
	}
}

// IsCycle tells whether a topic of the source came, over however many clusters, from the target.
func (p Policy) IsCycle(topic, target string) bool {
	for {
		above := p.upstream(topic)
		switch {
		case p.SourceOf(topic) == target:
			return true
		case above == "" || above == topic:
			return false
		}
		topic = above
	}
}

// Heartbeats is the topic of heartbeats.
func (p Policy) Heartbeats() string { return heartbeats }

// IsHeartbeats tells whether a topic holds heartbeats, of this cluster or of one before it.
func (p Policy) IsHeartbeats(topic string) bool { return p.Original(topic) == heartbeats }

// OffsetSyncs is the topic of offset syncs with the cluster of the alias, which is not the one that has the topic.
func (p Policy) OffsetSyncs(alias string) string {
	return strings.Join([]string{"mm2-offset-syncs", alias, "internal"}, p.InternalSeparator)
}

// Checkpoints is the topic, at the target, of checkpoints from the cluster of the alias.
func (p Policy) Checkpoints(alias string) string { return alias + p.checkpoints() }

func (p Policy) checkpoints() string {
	return p.InternalSeparator + "checkpoints" + p.InternalSeparator + "internal"
}

// IsInternal tells whether a topic is Kafka's or MirrorMaker's own, which are never copied.
func (p Policy) IsInternal(topic string) bool {
	return strings.HasPrefix(topic, "__") || strings.HasPrefix(topic, ".") ||
		strings.HasPrefix(topic, "mm2") && strings.HasSuffix(topic, p.InternalSeparator+"internal") ||
		strings.HasSuffix(topic, p.checkpoints())
}

// Topics tells which topics are copied.
type Topics struct {
	Policy     Policy
	Target     string // alias
	Filter     Filter
	Heartbeats bool // copy those of heartbeats, whatever Filter says
}

// Copied tells whether a topic of the source is.
func (t Topics) Copied(topic string) bool {
	return (t.Filter.Passes(topic) || t.Heartbeats && t.Policy.IsHeartbeats(topic)) && !t.Policy.IsInternal(topic) &&
		!t.Policy.IsCycle(topic, t.Target)
}

// Downstream is the name, at the target, of a topic that a group of the source reads: one that came from the target
// is what it was there.
func (t Topics) Downstream(topic string) string {
	if t.Policy.SourceOf(topic) == t.Target {
		return t.Policy.Original(topic)
	}
	return t.Policy.Remote(t.Policy.Source, topic)
}

// Copies are the topics that are copied, sorted.
func (t Topics) Copies(topics []string) []string {
	copied := slices.DeleteFunc(slices.Clone(topics), func(topic string) bool { return !t.Copied(topic) })
	slices.Sort(copied)
	return copied
}

package replication

import (
	"slices"
	"strings"
	"testing"
)

var (
	prefixes = Policy{Separator: ".", InternalSeparator: ".", Source: "us"}
	keeps    = Policy{Identity: true, Separator: ".", InternalSeparator: ".", Source: "us"}
	dashes   = Policy{Separator: "--", InternalSeparator: "--", Source: "us"}
)

func TestPoliciesNameTopics(t *testing.T) {
	for _, c := range []struct {
		policy                            Policy
		topic, remote, source, upstream   string
		original                          string
		heartbeats, internal, cycleFromUS bool
	}{
		{prefixes, "orders", "us.orders", "", "", "orders", false, false, false},
		{prefixes, "us.orders", "us.us.orders", "us", "orders", "orders", false, false, true},
		{prefixes, "eu.us.orders", "us.eu.us.orders", "eu", "us.orders", "orders", false, false, true},
		{prefixes, "eu.heartbeats", "us.eu.heartbeats", "eu", "heartbeats", "heartbeats", true, false, false},
		{prefixes, "mm2-offset-syncs.eu.internal", "us.mm2-offset-syncs.eu.internal", "mm2-offset-syncs", "eu.internal",
			"internal", false, true, false},
		{prefixes, "eu.checkpoints.internal", "us.eu.checkpoints.internal", "eu", "checkpoints.internal", "internal", false,
			true, false},
		{prefixes, "__consumer_offsets", "us.__consumer_offsets", "", "", "__consumer_offsets", false, true, false},
		{keeps, "orders", "orders", "us", "orders", "orders", false, false, true},
		{keeps, "heartbeats", "us.heartbeats", "", "", "heartbeats", true, false, false},
		{keeps, "us.heartbeats", "us.us.heartbeats", "us", "heartbeats", "heartbeats", true, false, true},
		{dashes, "us--a.b", "us--us--a.b", "us", "a.b", "a.b", false, false, true},
	} {
		p := c.policy
		if p.Remote("us", c.topic) != c.remote || p.SourceOf(c.topic) != c.source || p.upstream(c.topic) != c.upstream ||
			p.Original(c.topic) != c.original || p.IsHeartbeats(c.topic) != c.heartbeats ||
			p.IsInternal(c.topic) != c.internal || p.IsCycle(c.topic, "us") != c.cycleFromUS {
			t.Errorf("%+v: %s from %s, %s, original %s, heartbeats %v, internal %v, cycle %v", c, p.Remote("us", c.topic),
				p.SourceOf(c.topic), p.upstream(c.topic), p.Original(c.topic), p.IsHeartbeats(c.topic), p.IsInternal(c.topic),
				p.IsCycle(c.topic, "us"))
		}
	}
}

func TestInternalTopics(t *testing.T) {
	for got, want := range map[string]string{
		prefixes.OffsetSyncs("eu"): "mm2-offset-syncs.eu.internal", prefixes.Checkpoints("us"): "us.checkpoints.internal",
		dashes.OffsetSyncs("eu"): "mm2-offset-syncs--eu--internal", dashes.Checkpoints("us"): "us--checkpoints--internal",
		prefixes.Heartbeats(): "heartbeats",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWhatIsCopied(t *testing.T) {
	filter, err := NewFilter("topics", []string{"a.*", "b"}, "topics.exclude", []string{".*x"})
	if err != nil {
		t.Fatal(err)
	}
	topics := Topics{Policy: prefixes, Target: "eu", Filter: filter, Heartbeats: true}
	all := []string{"b", "ax", "a", "bb", "heartbeats", "eu.heartbeats", "a.checkpoints.internal", "__a", "ab\n"}
	if got := topics.Copies(all); !slices.Equal(got, []string{"a", "ab\n", "b", "heartbeats"}) {
		t.Errorf("%q", got)
	}
	topics.Heartbeats = false
	if topics.Copied("heartbeats") {
		t.Error("heartbeats are copied")
	}
	for topic, want := range map[string]string{"orders": "us.orders", "eu.orders": "orders"} {
		if got := topics.Downstream(topic); got != want {
			t.Errorf("%s is %s downstream, want %s", topic, got, want)
		}
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	for _, pattern := range []string{"(", "a(?!b)", "*"} {
		_, err := NewFilter("topics", []string{"a"}, "topics.exclude", []string{pattern})
		if err == nil || !strings.Contains(err.Error(), "Invalid value "+pattern+" for configuration topics.exclude") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	none, err := NewFilter("topics", nil, "topics.exclude", nil)
	if err != nil || none.Passes("") || none.Passes("a") {
		t.Errorf("no patterns pass something, or %v", err)
	}
}

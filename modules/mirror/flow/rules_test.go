package flow

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/definition"
	"github.com/berth-connect/berth/modules/mirror/replication"
)

func configOf(keyvals ...string) map[string]*string {
	config := map[string]*string{}
	for i := 0; i < len(keyvals); i += 2 {
		config[keyvals[i]] = &keyvals[i+1]
	}
	return config
}

func clusters(keyvals ...string) map[string]*string {
	config := configOf("source.cluster.alias", "us", "source.cluster.bootstrap.servers", "a:1",
		"target.cluster.alias", "eu", "target.cluster.bootstrap.servers", "b:1")
	maps.Copy(config, configOf(keyvals...))
	return config
}

func settingsOf(t *testing.T, d abi.ConfigDef, config map[string]*string) settings {
	t.Helper()
	values, err := d.Parse(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSettings(guest.Config{ConfigValues: values, All: config})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOffsetsThatAUserSets(t *testing.T) {
	partition := map[string]any{"cluster": "us", "topic": "t", "partition": int64(0)}
	group := map[string]any{"group": "g", "topic": "t", "partition": int64(0)}
	flow := map[string]any{"sourceClusterAlias": "us", "targetClusterAlias": "eu"}
	without := func(m map[string]any, key string) map[string]any {
		m = maps.Clone(m)
		delete(m, key)
		return m
	}
	at := func(x any) map[string]any { return map[string]any{"offset": x} }
	for name, c := range map[string]struct {
		alter             func(context.Context, map[string]*string, []guest.AlteredOffset) (bool, error)
		partition, offset map[string]any
		says              string // "": it is in order
	}{
		"source":              {AlterSourceOffsets, partition, at(int64(7)), ""},
		"deleted":             {AlterSourceOffsets, map[string]any{"x": 1}, nil, ""},
		"null":                {AlterSourceOffsets, nil, at(int64(7)), "may not be null"},
		"without topic":       {AlterSourceOffsets, without(partition, "topic"), at(int64(7)), "topic must be a text"},
		"without partition":   {AlterSourceOffsets, without(partition, "partition"), at(int64(7)), "partition must be"},
		"negative":            {AlterSourceOffsets, partition, at(int64(-1)), `it must be {"offset": N}`},
		"text":                {AlterSourceOffsets, partition, at("7"), `it must be {"offset": N}`},
		"other key":           {AlterSourceOffsets, partition, map[string]any{"at": int64(7)}, `it must be {"offset": N}`},
		"checkpoint":          {AlterCheckpointOffsets, group, at(int64(0)), ""},
		"checkpoint counts":   {AlterCheckpointOffsets, group, at(int64(1)), `{"offset": 0}`},
		"checkpoint no group": {AlterCheckpointOffsets, without(group, "group"), at(int64(0)), "group must be a text"},
		"heartbeat":           {AlterHeartbeatOffsets, flow, at(int64(0)), ""},
		"heartbeat no target": {AlterHeartbeatOffsets, without(flow, "targetClusterAlias"), at(int64(0)), "targetCluster"},
	} {
		managed, err := c.alter(t.Context(), nil, []guest.AlteredOffset{{Partition: c.partition, Offset: c.offset}})
		switch {
		case c.says == "" && (err != nil || !managed):
			t.Errorf("%s: %v, %v", name, managed, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
}

func TestValidationNamesKeyAndRemedy(t *testing.T) {
	for _, c := range []struct {
		validate  func(context.Context, map[string]*string) ([]abi.KeyValidation, error)
		config    map[string]*string
		key, says string // "": all is in order
	}{
		{ValidateSource, clusters(), "", ""},
		{ValidateSource, clusters("topics", "a(?=b)"), "topics", "it must be a regular expression"},
		{ValidateSource, clusters("use.defaults.from", "both"), "use.defaults.from", "use source or target"},
		{ValidateSource, clusters("replication.policy.class", "X"), "replication.policy.class", "use org.apache"},
		{ValidateSource, clusters("source.cluster.alias", ""), "source.cluster.alias", "give the cluster a name"},
		{ValidateSource, clusters("source.consumer.auto.offset.reset", "none"), "source.consumer.auto.offset.reset", "use "},
		{ValidateSource, clusters("target.admin.security.protocol", "TLS"), "target.admin.security.protocol", "use PLAIN"},
		{ValidateSource, clusters("enabled", "false", "topics", "("), "", ""},
		{ValidateCheckpoint, clusters("groups", "("), "groups", "it must be a regular expression"},
		{ValidateCheckpoint, clusters("emit.checkpoints.enabled", "false"), "emit.checkpoints.enabled", "nothing to do"},
		{ValidateCheckpoint, clusters("emit.offset-syncs.enabled", "false"), "emit.offset-syncs.enabled", "without offset"},
		{ValidateHeartbeat, configOf("source.cluster.alias", "us"), "target.cluster.bootstrap.servers", "give brokers"},
		{ValidateHeartbeat, configOf("source.cluster.alias", "us", "target.cluster.bootstrap.servers", "b:1"), "", ""},
	} {
		answers, err := c.validate(t.Context(), c.config)
		switch {
		case err != nil:
			t.Error(err)
		case c.key == "" && len(answers) > 0, c.key != "" && (len(answers) != 1 || answers[0].Name != c.key ||
			!strings.Contains(answers[0].Errors[0], c.says)):
			t.Errorf("%s: %+v, want %s", c.key, answers, c.says)
		}
	}
}

func TestSettingsOfTopics(t *testing.T) {
	text := func(s string) *string { return &s }
	configs := []kadm.Config{
		{Key: "retention.ms", Value: text("1"), Source: kmsg.ConfigSourceDynamicTopicConfig},
		{Key: "cleanup.policy", Value: text("delete"), Source: kmsg.ConfigSourceDefaultConfig},
		{Key: "min.insync.replicas", Value: text("2"), Source: kmsg.ConfigSourceDynamicTopicConfig},
		{Key: "segment.ms", Value: text("3"), Source: kmsg.ConfigSourceStaticBrokerConfig},
		{Key: "secret", Sensitive: true, Source: kmsg.ConfigSourceDynamicTopicConfig},
	}
	const set, remove = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete
	for from, want := range map[string]struct {
		created []string
		altered []kmsg.IncrementalAlterConfigOp // of retention.ms and cleanup.policy
	}{
		"target": {[]string{"retention.ms"}, []kmsg.IncrementalAlterConfigOp{set, remove}},
		"source": {[]string{"cleanup.policy", "retention.ms"}, []kmsg.IncrementalAlterConfigOp{set, set}},
	} {
		s := settingsOf(t, definition.Source(), clusters("use.defaults.from", from))
		p, err := propertiesOf(&s)
		if err != nil {
			t.Fatal(err)
		}
		if got := sortedKeys(p.toCreate(configs)); !slices.Equal(got, want.created) {
			t.Errorf("use.defaults.from=%s: made with %v, want %v", from, got, want.created)
		}
		var ops []kmsg.IncrementalAlterConfigOp
		for _, change := range p.toAlter(configs) {
			ops = append(ops, change.Op)
		}
		if !slices.Equal(ops, want.altered) {
			t.Errorf("use.defaults.from=%s: altered %v, want %v", from, ops, want.altered)
		}
	}
}

func TestRulesOfAccess(t *testing.T) {
	s := settingsOf(t, definition.Source(), clusters("topics", "orders"))
	topics, err := s.topics()
	if err != nil {
		t.Fatal(err)
	}
	c := &SourceConnector{settings: s, copied: topics}
	rule := func(topic string, op kadm.ACLOperation, permission kmsg.ACLPermissionType) kadm.DescribedACL {
		return kadm.DescribedACL{Principal: "User:a", Host: "*", Type: kmsg.ACLResourceTypeTopic, Name: topic,
			Pattern: kadm.ACLPatternLiteral, Operation: op, Permission: permission}
	}
	const allow, deny = kmsg.ACLPermissionTypeAllow, kmsg.ACLPermissionTypeDeny
	for _, c2 := range []struct {
		have, want kadm.DescribedACL
		copied     bool
	}{
		{rule("orders", kadm.OpRead, allow), rule("us.orders", kadm.OpRead, allow), true},
		{rule("orders", kadm.OpAll, allow), rule("us.orders", kadm.OpRead, allow), true},
		{rule("orders", kadm.OpAll, deny), rule("us.orders", kadm.OpAll, deny), true},
		{rule("orders", kadm.OpWrite, deny), rule("us.orders", kadm.OpWrite, deny), true},
		{rule("orders", kadm.OpWrite, allow), kadm.DescribedACL{}, false},
		{rule("others", kadm.OpRead, allow), kadm.DescribedACL{}, false},
	} {
		got, copied := c.copiedACL(c2.have)
		if copied != c2.copied || copied && got != c2.want {
			t.Errorf("%+v becomes %+v, %v", c2.have, got, copied)
		}
	}
}

func TestPartitionsAreDealt(t *testing.T) {
	if got := dealt([]int{1, 2, 3, 4, 5}, 2); len(got) != 2 || !slices.Equal(got[0], []int{1, 3, 5}) {
		t.Errorf("%v", got)
	}
	if got := dealt([]int(nil), 2); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for text, ok := range map[string]bool{"a-b-3": true, "a": false, "-3": false, "a--3": true, "a-x": false} {
		p, err := parsePartition(text)
		if (err == nil) != ok || ok && partitionText(p) != text {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
}

func TestWhatIsExactlyOnce(t *testing.T) {
	for level, want := range map[string]guest.Support{
		"read_committed": guest.Supported, "read_uncommitted": guest.Unsupported,
	} {
		if got, err := ExactlyOnce(clusters("source.consumer.isolation.level", level)); got != want || err != nil {
			t.Errorf("%s: %v, %v", level, got, err)
		}
	}
	if p, err := policyOf(settingsOf(t, definition.Source(), clusters("replication.policy.class",
		replication.IdentityClass)).ConfigValues); err != nil || !p.Identity {
		t.Errorf("%+v, %v", p, err)
	}
}

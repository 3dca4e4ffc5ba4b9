package validate

import "github.com/berth-connect/berth/abi"

// mirrorProperties are the keys that the connectors of MirrorMaker 2 share (MirrorConnectorConfig).
const mirrorProperties = `
enabled BOOLEAN LOW true
source.cluster.alias STRING HIGH !
target.cluster.alias STRING HIGH target
admin.timeout.ms LONG LOW 60000
replication.policy.class CLASS LOW org.apache.kafka.connect.mirror.DefaultReplicationPolicy
replication.policy.separator STRING LOW .
replication.policy.internal.topic.separator.enabled BOOLEAN LOW true
forwarding.admin.class CLASS LOW org.apache.kafka.clients.admin.ForwardingAdmin
metric.reporters LIST LOW org.apache.kafka.common.metrics.JmxReporter
security.protocol STRING MEDIUM PLAINTEXT ~SASL_SSL|PLAINTEXT|SSL|SASL_PLAINTEXT
`

// mirrorConnectors are the keys of each of them.
var mirrorConnectors = map[string]string{
	"org.apache.kafka.connect.mirror.MirrorSourceConnector": `
topics LIST HIGH .*
topics.exclude LIST HIGH mm2.*\.internal,.*\.replica,__.*
config.properties.exclude LIST HIGH ` + mirrorExcludes + `
topic.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultTopicFilter
config.property.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter
consumer.poll.timeout.ms LONG LOW 1000
refresh.topics.enabled BOOLEAN LOW true
refresh.topics.interval.seconds LONG LOW 600
sync.topic.configs.enabled BOOLEAN LOW true
sync.topic.configs.interval.seconds LONG LOW 600
sync.topic.acls.enabled BOOLEAN LOW true
sync.topic.acls.interval.seconds LONG LOW 600
replication.factor INT LOW 2
offset-syncs.topic.replication.factor SHORT LOW 3
offset.lag.max LONG LOW 100
offset-syncs.topic.location STRING LOW source source|target
emit.offset-syncs.enabled BOOLEAN LOW true
heartbeats.replication.enabled BOOLEAN LOW true
`,
	"org.apache.kafka.connect.mirror.MirrorCheckpointConnector": `
consumer.poll.timeout.ms LONG LOW 1000
groups LIST HIGH .*
groups.exclude LIST HIGH console-consumer-.*,connect-.*,__.*
group.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultGroupFilter
refresh.groups.enabled BOOLEAN LOW true
refresh.groups.interval.seconds LONG LOW 600
emit.checkpoints.enabled BOOLEAN LOW true
emit.checkpoints.interval.seconds LONG LOW 60
sync.group.offsets.enabled BOOLEAN LOW false
sync.group.offsets.interval.seconds LONG LOW 60
checkpoints.topic.replication.factor SHORT LOW 3
offset-syncs.topic.location STRING LOW source source|target
topic.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultTopicFilter
`,
	"org.apache.kafka.connect.mirror.MirrorHeartbeatConnector": `
emit.heartbeats.enabled BOOLEAN LOW true
emit.heartbeats.interval.seconds LONG LOW 1
heartbeats.topic.replication.factor SHORT LOW 3
`,
}

const mirrorExcludes = `follower\.replication\.throttled\.replicas,leader\.replication\.throttled\.replicas,` +
	`message\.timestamp\.difference\.max\.ms,message\.timestamp\.type,unclean\.leader\.election\.enable,` +
	`min\.insync\.replicas`

// mirrorClasses are Kafka's own answers to keys of these tables.
var mirrorClasses = []string{
	"org.apache.kafka.clients.admin.ForwardingAdmin",
	"org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter",
	"org.apache.kafka.connect.mirror.DefaultGroupFilter",
	"org.apache.kafka.connect.mirror.DefaultReplicationPolicy",
	"org.apache.kafka.connect.mirror.DefaultTopicFilter",
	"org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
}

// MirrorConfig is the definition of a connector of MirrorMaker 2, with the keys of all connectors, as Kafka has it; ok
// is false for other classes.
func (v *Validator) MirrorConfig(class string) (d abi.ConfigDef, ok bool) {
	own, ok := mirrorConnectors[class]
	if !ok {
		return d, false
	}
	d = v.session(nil, "").definition(defaults{})
	d.Add(tabled(mirrorProperties, sslProperties, saslProperties, own).Keys...)
	return d, true
}

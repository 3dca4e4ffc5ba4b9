package definition

// shared are the keys that all three have (MirrorConnectorConfig).
const shared = `
enabled BOOLEAN LOW true
  Whether the connector does anything; false: it makes no tasks.
source.cluster.alias STRING HIGH !
  Name of the cluster that is copied, as it stands in front of remote topics.
target.cluster.alias STRING HIGH target
  Name of the cluster that is copied to: the one that the worker writes to.
admin.timeout.ms LONG LOW 60000
  Longest wait for an administrative request.
replication.policy.class CLASS LOW org.apache.kafka.connect.mirror.DefaultReplicationPolicy
  How remote topics are named: DefaultReplicationPolicy puts the alias in front, IdentityReplicationPolicy keeps
  names.
replication.policy.separator STRING LOW .
  What stands between alias and topic.
replication.policy.internal.topic.separator.enabled BOOLEAN LOW true
  Whether names of internal topics use the separator too; false: they use a dot.
forwarding.admin.class CLASS LOW org.apache.kafka.clients.admin.ForwardingAdmin
  Has no effect: topics are made by Kafka's own requests.
metric.reporters LIST LOW org.apache.kafka.common.metrics.JmxReporter
  Has no effect: the worker reports metrics.
security.protocol STRING MEDIUM PLAINTEXT ~SASL_SSL|PLAINTEXT|SSL|SASL_PLAINTEXT
  Counts with the prefix of a cluster, as source.cluster.security.protocol.
`

const source = `
topics LIST HIGH .*
  Regular expressions of the topics to copy.
topics.exclude LIST HIGH mm2.*\.internal,.*\.replica,__.*
  Regular expressions of topics that are not copied; they win over topics.
config.properties.exclude LIST HIGH ` + propertiesExcluded + `
  Regular expressions of topic settings that are not copied.
topic.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultTopicFilter
  DefaultTopicFilter is what there is: topics and topics.exclude.
config.property.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter
  DefaultConfigPropertyFilter is what there is: config.properties.exclude and use.defaults.from.
consumer.poll.timeout.ms LONG LOW 1000
  Longest wait for records of the source cluster.
refresh.topics.enabled BOOLEAN LOW true
  Whether new topics and partitions are looked for.
refresh.topics.interval.seconds LONG LOW 600
  How often.
sync.topic.configs.enabled BOOLEAN LOW true
  Whether settings of topics are copied, again and again.
sync.topic.configs.interval.seconds LONG LOW 600
  How often.
sync.topic.acls.enabled BOOLEAN LOW true
  Whether rules of access to topics are copied: who may write at the source may read at most.
sync.topic.acls.interval.seconds LONG LOW 600
  How often.
replication.factor INT LOW 2
  Replicas of remote topics that are made.
offset-syncs.topic.replication.factor SHORT LOW 3
  Replicas of the topic of offset syncs, if it is made.
offset.lag.max LONG LOW 100
  Records after which at the latest an offset sync is written: how exactly groups are translated.
offset-syncs.topic.location STRING LOW source source|target
  Cluster that has the topic of offset syncs.
emit.offset-syncs.enabled BOOLEAN LOW true
  Whether offset syncs are written; MirrorCheckpointConnector needs them.
heartbeats.replication.enabled BOOLEAN LOW true
  Whether topics of heartbeats are copied, whatever topics says.
`

const propertiesExcluded = `follower\.replication\.throttled\.replicas,leader\.replication\.throttled\.replicas,` +
	`message\.timestamp\.difference\.max\.ms,message\.timestamp\.type,unclean\.leader\.election\.enable,` +
	`min\.insync\.replicas`

const checkpoint = `
consumer.poll.timeout.ms LONG LOW 1000
  Longest wait for offset syncs.
groups LIST HIGH .*
  Regular expressions of the consumer groups to follow.
groups.exclude LIST HIGH console-consumer-.*,connect-.*,__.*
  Regular expressions of groups that are not followed; they win over groups.
group.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultGroupFilter
  DefaultGroupFilter is what there is: groups and groups.exclude.
refresh.groups.enabled BOOLEAN LOW true
  Whether new groups are looked for.
refresh.groups.interval.seconds LONG LOW 600
  How often.
emit.checkpoints.enabled BOOLEAN LOW true
  Whether checkpoints are written.
emit.checkpoints.interval.seconds LONG LOW 60
  How often.
sync.group.offsets.enabled BOOLEAN LOW false
  Whether translated offsets are committed to groups of the target cluster that nobody uses there.
sync.group.offsets.interval.seconds LONG LOW 60
  How often.
checkpoints.topic.replication.factor SHORT LOW 3
  Replicas of the topic of checkpoints, if it is made.
offset-syncs.topic.location STRING LOW source source|target
  Cluster that has the topic of offset syncs: as MirrorSourceConnector has it.
topic.filter.class CLASS LOW org.apache.kafka.connect.mirror.DefaultTopicFilter
  DefaultTopicFilter is what there is: topics and topics.exclude.
`

const heartbeat = `
emit.heartbeats.enabled BOOLEAN LOW true
  Whether heartbeats are written.
emit.heartbeats.interval.seconds LONG LOW 1
  How often.
heartbeats.topic.replication.factor SHORT LOW 3
  Replicas of the topic of heartbeats, if it is made.
`

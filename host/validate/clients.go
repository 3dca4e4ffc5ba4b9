package validate

import "github.com/berth-connect/berth/abi"

// client is a kind of Kafka client whose properties a connector may override, with Kafka's definitions of them.
type client struct {
	name       string
	definition abi.ConfigDef
}

var (
	producerClient = newClient("producer", commonProperties, protocolProperties, sslProperties, saslProperties,
		producerProperties)
	consumerClient = newClient("consumer", commonProperties, protocolProperties, sslProperties, saslProperties,
		consumerProperties)
	adminClient = newClient("admin", commonProperties, protocolProperties, sslProperties, saslProperties, adminProperties)
)

func newClient(name string, tables ...string) client {
	c := client{name, tabled(tables...)}
	for i := range c.definition.Keys {
		k := &c.definition.Keys[i]
		k.Doc = "Overrides " + k.Name + " of the connector's " + name + " clients."
	}
	return c
}

// commonProperties are the properties of all Kafka clients (CommonClientConfigs of 4.1).
const commonProperties = `
bootstrap.servers LIST HIGH ""
client.dns.lookup STRING MEDIUM use_all_dns_ips
client.id STRING MEDIUM ""
connections.max.idle.ms LONG MEDIUM 540000
enable.metrics.push BOOLEAN LOW true
metadata.max.age.ms LONG LOW 300000
metadata.recovery.rebootstrap.trigger.ms LONG LOW 300000
metadata.recovery.strategy STRING LOW rebootstrap
metric.reporters LIST LOW org.apache.kafka.common.metrics.JmxReporter
metrics.num.samples INT LOW 2
metrics.recording.level STRING LOW INFO
metrics.sample.window.ms LONG LOW 30000
receive.buffer.bytes INT MEDIUM 32768
reconnect.backoff.max.ms LONG LOW 1000
reconnect.backoff.ms LONG LOW 50
request.timeout.ms INT MEDIUM 30000
retry.backoff.max.ms LONG LOW 1000
retry.backoff.ms LONG LOW 100
send.buffer.bytes INT MEDIUM 131072
socket.connection.setup.timeout.max.ms LONG MEDIUM 30000
socket.connection.setup.timeout.ms LONG MEDIUM 10000
`

const producerProperties = `
acks STRING LOW all
batch.size INT MEDIUM 16384
buffer.memory LONG HIGH 33554432
compression.gzip.level INT MEDIUM -1
compression.lz4.level INT MEDIUM 9
compression.type STRING HIGH none
compression.zstd.level INT MEDIUM 3
config.providers LIST LOW ""
delivery.timeout.ms INT MEDIUM 120000
enable.idempotence BOOLEAN LOW true
interceptor.classes LIST LOW ""
key.serializer CLASS HIGH !
linger.ms LONG MEDIUM 5
max.block.ms LONG MEDIUM 60000
max.in.flight.requests.per.connection INT LOW 5
max.request.size INT MEDIUM 1048576
metadata.max.idle.ms LONG LOW 300000
partitioner.adaptive.partitioning.enable BOOLEAN LOW true
partitioner.availability.timeout.ms LONG LOW 0
partitioner.class CLASS MEDIUM -
partitioner.ignore.keys BOOLEAN MEDIUM false
retries INT HIGH 2147483647
transaction.timeout.ms INT LOW 60000
transaction.two.phase.commit.enable BOOLEAN LOW false
transactional.id STRING LOW -
value.serializer CLASS HIGH !
`

const consumerProperties = `
allow.auto.create.topics BOOLEAN MEDIUM true
auto.commit.interval.ms INT LOW 5000
auto.offset.reset STRING MEDIUM latest
check.crcs BOOLEAN LOW true
client.id STRING LOW ""
client.rack STRING LOW ""
config.providers LIST LOW ""
default.api.timeout.ms INT MEDIUM 60000
enable.auto.commit BOOLEAN MEDIUM true
exclude.internal.topics BOOLEAN MEDIUM true
fetch.max.bytes INT MEDIUM 52428800
fetch.max.wait.ms INT LOW 500
fetch.min.bytes INT HIGH 1
group.id STRING HIGH -
group.instance.id STRING MEDIUM -
group.protocol STRING HIGH classic
group.remote.assignor STRING MEDIUM -
heartbeat.interval.ms INT HIGH 3000
interceptor.classes LIST LOW ""
isolation.level STRING MEDIUM read_uncommitted
key.deserializer CLASS HIGH !
max.partition.fetch.bytes INT HIGH 1048576
max.poll.interval.ms INT MEDIUM 300000
max.poll.records INT MEDIUM 500
partition.assignment.strategy LIST MEDIUM ` + assignors + `
receive.buffer.bytes INT MEDIUM 65536
session.timeout.ms INT HIGH 45000
value.deserializer CLASS HIGH !
`

const assignors = "org.apache.kafka.clients.consumer.RangeAssignor," +
	"org.apache.kafka.clients.consumer.CooperativeStickyAssignor"

const adminProperties = `
bootstrap.controllers LIST HIGH ""
config.providers LIST LOW ""
connections.max.idle.ms LONG MEDIUM 300000
default.api.timeout.ms INT MEDIUM 60000
receive.buffer.bytes INT MEDIUM 65536
retries INT LOW 2147483647
`

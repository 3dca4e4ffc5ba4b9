package validate

// The keys of workers, in the order of Kafka's definitions (WorkerConfig, RestServerConfig, StandaloneConfig and
// DistributedConfig of 4.1).
const workerProperties = `
bootstrap.servers LIST HIGH localhost:9092
client.dns.lookup STRING MEDIUM use_all_dns_ips use_all_dns_ips|resolve_canonical_bootstrap_servers_only
key.converter CLASS HIGH !
key.converter.plugin.version STRING LOW -
value.converter CLASS HIGH !
value.converter.plugin.version STRING LOW -
task.shutdown.graceful.timeout.ms LONG LOW 5000
offset.flush.interval.ms LONG LOW 60000
offset.flush.timeout.ms LONG LOW 5000
plugin.path LIST LOW -
plugin.discovery STRING LOW hybrid_warn ~ONLY_SCAN|SERVICE_LOAD|HYBRID_WARN|HYBRID_FAIL
metrics.sample.window.ms LONG LOW 30000 0..
metrics.num.samples INT LOW 2 1..
metrics.recording.level STRING LOW INFO INFO|DEBUG
metric.reporters LIST LOW org.apache.kafka.common.metrics.JmxReporter
header.converter CLASS LOW org.apache.kafka.connect.storage.SimpleHeaderConverter
header.converter.plugin.version STRING LOW -
config.providers LIST LOW ""
connector.client.config.override.policy STRING MEDIUM All
topic.creation.enable BOOLEAN LOW true
`

const restProperties = `
topic.tracking.enable BOOLEAN LOW true
topic.tracking.allow.reset BOOLEAN LOW true
listeners LIST LOW http://:8083 #urls
rest.advertised.host.name STRING LOW -
rest.advertised.port INT LOW -
rest.advertised.listener STRING LOW -
access.control.allow.origin STRING LOW ""
access.control.allow.methods STRING LOW ""
response.http.headers.config STRING LOW "" #headers
ssl.client.auth STRING LOW none required|requested|none
rest.extension.classes LIST LOW ""
admin.listeners LIST LOW - #admin
`

const standaloneProperties = `
offset.storage.file.filename STRING HIGH !
`

const groupProperties = `
group.id STRING HIGH !
session.timeout.ms INT HIGH 10000
rebalance.timeout.ms INT HIGH 60000
heartbeat.interval.ms INT HIGH 3000
exactly.once.source.support STRING HIGH disabled ~DISABLED|ENABLED|PREPARING
metadata.max.age.ms LONG LOW 300000 0..
client.id STRING LOW ""
send.buffer.bytes INT MEDIUM 131072 -1..
receive.buffer.bytes INT MEDIUM 32768 -1..
reconnect.backoff.ms LONG LOW 50 0..
reconnect.backoff.max.ms LONG LOW 1000 0..
socket.connection.setup.timeout.ms LONG LOW 10000 0..
socket.connection.setup.timeout.max.ms LONG LOW 30000 0..
retry.backoff.ms LONG LOW 100 0..
retry.backoff.max.ms LONG LOW 1000 0..
request.timeout.ms INT MEDIUM 40000 0..
connections.max.idle.ms LONG MEDIUM 540000
security.protocol STRING MEDIUM PLAINTEXT ~SASL_SSL|PLAINTEXT|SSL|SASL_PLAINTEXT
`

const storageProperties = `
worker.sync.timeout.ms INT MEDIUM 3000
worker.unsync.backoff.ms INT MEDIUM 300000
offset.storage.topic STRING HIGH !
offset.storage.partitions INT LOW 25 #partitions
offset.storage.replication.factor SHORT LOW 3 #replication
config.storage.topic STRING HIGH !
config.storage.replication.factor SHORT LOW 3 #replication
status.storage.topic STRING HIGH !
status.storage.partitions INT LOW 5 #partitions
status.storage.replication.factor SHORT LOW 3 #replication
connect.protocol STRING LOW sessioned #protocol
scheduled.rebalance.max.delay.ms INT LOW 300000 0..2147483647
inter.worker.key.ttl.ms INT LOW 3600000 0..2147483647
inter.worker.key.generation.algorithm STRING LOW HmacSHA256 #generator
inter.worker.key.size INT LOW -
inter.worker.signature.algorithm STRING LOW HmacSHA256 #mac
inter.worker.verification.algorithms LIST LOW HmacSHA256 #macs
metadata.recovery.strategy STRING LOW rebootstrap ~REBOOTSTRAP|NONE
metadata.recovery.rebootstrap.trigger.ms LONG LOW 300000 0..
`

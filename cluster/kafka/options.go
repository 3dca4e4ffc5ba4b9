package kafka

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Defaults of Kafka's clients as Connect sets them up.
const (
	defaultRequestTimeout   = 30 * time.Second
	defaultMetadataMaxAge   = 5 * time.Minute
	defaultConnectionIdle   = 9 * time.Minute
	defaultConnectTimeout   = 10 * time.Second
	defaultRetryBackoff     = 100 * time.Millisecond
	defaultRetryBackoffMax  = time.Second
	defaultMaxRequestBytes  = 1 << 20
	defaultBufferBytes      = 32 << 20
	defaultFetchMaxBytes    = 50 << 20
	defaultFetchMaxWait     = 500 * time.Millisecond
	defaultPartitionBytes   = 1 << 20
	defaultSessionTimeout   = 45 * time.Second
	defaultHeartbeat        = 3 * time.Second
	defaultMaxPollInterval  = 5 * time.Minute
	metadataMinAge          = 500 * time.Millisecond // how soon a new topic can be seen
	deliveryTimeoutForEver  = math.MaxInt32          // ms, Java's Integer.MAX_VALUE
	maxBrokerRequestBytes   = 1 << 30
	fetchMaxPartitionsBytes = math.MaxInt32
)

// commonOptions are those of every client. Only producers and consumers let the broker create topics: with an admin
// client the mere question whether a topic exists would create it.
func commonOptions(p *properties) []kgo.Opt {
	servers := p.list("bootstrap.servers")
	if len(servers) == 0 {
		p.bad("bootstrap.servers", "give at least one host:port")
	}
	for _, server := range servers {
		if !strings.Contains(server, ":") {
			p.bad("bootstrap.servers", "each entry must be host:port")
		}
	}
	maxAge := p.millis("metadata.max.age.ms", defaultMetadataMaxAge)
	if maxAge < metadataMinAge {
		p.bad("metadata.max.age.ms", fmt.Sprintf("use at least %d", metadataMinAge.Milliseconds()))
		maxAge = defaultMetadataMaxAge
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(servers...),
		kgo.ClientID(p.text("client.id")),
		kgo.SoftwareNameAndVersion("berth", "1"),
		kgo.RequestTimeoutOverhead(p.millis("request.timeout.ms", defaultRequestTimeout)),
		kgo.ConnIdleTimeout(p.millis("connections.max.idle.ms", defaultConnectionIdle)),
		kgo.DialTimeout(p.millis("socket.connection.setup.timeout.ms", defaultConnectTimeout)),
		kgo.MetadataMaxAge(maxAge),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.RetryBackoffFn(backoff(p.millis("retry.backoff.ms", defaultRetryBackoff),
			p.millis("retry.backoff.max.ms", defaultRetryBackoffMax))),
		kgo.DisableClientMetrics(),
	}
	if rack := p.text("client.rack"); rack != "" {
		opts = append(opts, kgo.Rack(rack))
	}
	return append(opts, securityOptions(p)...)
}

// backoff doubles from first to most, with a fifth of jitter either way, as KIP-580 has it.
func backoff(first, most time.Duration) func(int) time.Duration {
	return func(fails int) time.Duration {
		wait := min(first<<min(max(fails-1, 0), 20), max(first, most))
		return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
	}
}

// producerSettings is what a producer needs besides the client's options.
type producerSettings struct {
	opts        []kgo.Opt
	bufferBytes int64
}

func producerOptions(p *properties) producerSettings {
	maxRequest := p.number("max.request.size", defaultMaxRequestBytes, 1024, maxBrokerRequestBytes)
	timeout := p.millis("request.timeout.ms", defaultRequestTimeout)
	opts := append(commonOptions(p),
		kgo.AllowAutoTopicCreation(),
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}),
		kgo.ProducerLinger(p.millis("linger.ms", 0)),
		kgo.ProducerBatchMaxBytes(int32(maxRequest)),
		kgo.BrokerMaxWriteBytes(int32(max(maxRequest, 100<<20))),
		kgo.ProduceRequestTimeout(max(timeout, time.Second)),
		kgo.MaxBufferedRecords(math.MaxInt32), // the producer's own limit counts, see buffer
		kgo.UnknownTopicRetries(-1),
		compression(p),
	)
	if limit := p.number("delivery.timeout.ms", deliveryTimeoutForEver, 0, math.MaxInt32); limit < deliveryTimeoutForEver {
		opts = append(opts, kgo.RecordDeliveryTimeout(max(time.Duration(limit)*time.Millisecond, time.Second)))
	}
	if retries := p.number("retries", math.MaxInt32, 0, math.MaxInt32); retries < math.MaxInt32 {
		opts = append(opts, kgo.RecordRetries(int(retries)))
	}
	opts = append(opts, acknowledgement(p)...)
	return producerSettings{opts, p.number("buffer.memory", defaultBufferBytes, 1, math.MaxInt64)}
}

// acknowledgement: idempotence is on unless it was turned off or can't be had (Connect's default of "off, one
// request in
// flight" keeps the same order at a lower rate).
func acknowledgement(p *properties) []kgo.Opt {
	inFlight := int(p.number("max.in.flight.requests.per.connection", 1, 1, 1000))
	idempotent := p.flag("enable.idempotence", true)
	var opts []kgo.Opt
	switch p.choice("acks", "all", "-1", "1", "0") {
	case "1":
		opts, idempotent = append(opts, kgo.RequiredAcks(kgo.LeaderAck())), false
	case "0":
		opts, idempotent = append(opts, kgo.RequiredAcks(kgo.NoAck())), false
	}
	if !idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(inFlight))
	}
	return opts
}

func compression(p *properties) kgo.Opt {
	level := func(key string, codec kgo.CompressionCodec) kgo.CompressionCodec {
		if n := p.number(key, math.MinInt8, -131072, 22); n != math.MinInt8 {
			return codec.WithLevel(int(n))
		}
		return codec
	}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "snappy": kgo.SnappyCompression(),
		"gzip": level("compression.gzip.level", kgo.GzipCompression()),
		"lz4":  level("compression.lz4.level", kgo.Lz4Compression()),
		"zstd": level("compression.zstd.level", kgo.ZstdCompression()),
	}
	return kgo.ProducerBatchCompression(codecs[p.choice("compression.type", "none", "gzip", "snappy", "lz4", "zstd")])
}

// consumerSettings is what a consumer needs besides the client's options.
type consumerSettings struct {
	opts       []kgo.Opt
	group      string
	fromEnd    bool     // auto.offset.reset=latest
	noReset    bool     // auto.offset.reset=none
	maxRecords int      // of one poll
	topics     []string // nil: by pattern
}

func consumerOptions(p *properties) consumerSettings {
	s := consumerSettings{group: p.text("group.id")}
	start := kgo.NewOffset().AtStart()
	switch p.choice("auto.offset.reset", "earliest", "latest", "none") {
	case "latest":
		start, s.fromEnd = kgo.NewOffset().AtEnd(), true
	case "none":
		start, s.noReset = kgo.NoResetOffset(), true
	}
	s.maxRecords = int(p.number("max.poll.records", math.MaxInt32, 1, math.MaxInt32))
	maxBytes := p.number("fetch.max.bytes", defaultFetchMaxBytes, 0, maxBrokerRequestBytes)
	s.opts = append(commonOptions(p),
		kgo.ConsumerGroup(s.group), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(start), kgo.ConsumeResetOffset(start),
		kgo.FetchMinBytes(int32(p.number("fetch.min.bytes", 1, 0, math.MaxInt32))),
		kgo.FetchMaxBytes(int32(maxBytes)),
		kgo.BrokerMaxReadBytes(int32(max(2*maxBytes, 100<<20))),
		kgo.FetchMaxPartitionBytes(int32(p.number("max.partition.fetch.bytes", defaultPartitionBytes, 0,
			fetchMaxPartitionsBytes))),
		kgo.FetchMaxWait(p.millis("fetch.max.wait.ms", defaultFetchMaxWait)),
		kgo.SessionTimeout(p.millis("session.timeout.ms", defaultSessionTimeout)),
		kgo.HeartbeatInterval(p.millis("heartbeat.interval.ms", defaultHeartbeat)),
		kgo.RebalanceTimeout(p.millis("max.poll.interval.ms", defaultMaxPollInterval)),
		kgo.Balancers(balancers(p)...),
	)
	if p.flag("allow.auto.create.topics", true) {
		s.opts = append(s.opts, kgo.AllowAutoTopicCreation())
	}
	if p.choice("isolation.level", "read_uncommitted", "read_committed") == "read_committed" {
		s.opts = append(s.opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if id := p.text("group.instance.id"); id != "" {
		s.opts = append(s.opts, kgo.InstanceID(id))
	}
	p.choice("group.protocol", "classic")
	return s
}

// balancers default to range, Java's first choice, so that a group can have members of both kinds.
func balancers(p *properties) []kgo.GroupBalancer {
	known := map[string]kgo.GroupBalancer{
		"RangeAssignor": kgo.RangeBalancer(), "RoundRobinAssignor": kgo.RoundRobinBalancer(),
		"StickyAssignor": kgo.StickyBalancer(), "CooperativeStickyAssignor": kgo.CooperativeStickyBalancer(),
	}
	var out []kgo.GroupBalancer
	for _, class := range p.list("partition.assignment.strategy") {
		balancer, ok := known[class[strings.LastIndexByte(class, '.')+1:]]
		if !ok {
			p.bad("partition.assignment.strategy",
				"use RangeAssignor, RoundRobinAssignor, StickyAssignor or CooperativeStickyAssignor")
			continue
		}
		out = append(out, balancer)
	}
	if len(out) == 0 {
		return []kgo.GroupBalancer{kgo.RangeBalancer()}
	}
	return out
}

package clients

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

// Defaults of Kafka's clients, but for fetchMaxBytes and partitionMaxBytes, which are 50 MiB and 1 MiB there: a fetch
// lies in the memory of the module, which takes it apart in one go and must hand records over within its CPU budget.
const (
	requestTimeout    = 30 * time.Second
	metadataMaxAge    = 5 * time.Minute
	connectionIdle    = 9 * time.Minute
	retryBackoff      = 100 * time.Millisecond
	retryBackoffMax   = time.Second
	fetchMaxWait      = 500 * time.Millisecond
	fetchMaxBytes     = 1 << 20
	partitionMaxBytes = 256 << 10
	requestMaxBytes   = 1 << 20
)

// Client is a client of one cluster.
type Client struct {
	*kgo.Client
	Admin *kadm.Client
	ctx   context.Context // ended with the cause when it can't go on
	end   context.CancelCauseFunc

	refusal   refusal
	undialled atomic.Pointer[error] // why the last attempt to connect failed; nil: it did not
}

// New makes a client; it connects when it is first used. more is what the kind of client needs besides. An error joins
// abi.ConfigErrors that name the keys of config.
func New(config map[string]*string, side Side, kind Kind, id string, more ...kgo.Opt) (*Client, error) {
	p := &properties{config: config, prefixes: prefixes(side, kind)}
	c := &Client{refusal: refusalOf(p)}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	opts := append(common(p, id), kgo.WithContext(c.ctx))
	security, dial := secured(p)
	opts = append(append(opts, security...), kgo.Dialer(c.dialer(dial)))
	switch kind {
	case Consumer:
		opts = append(opts, consuming(p)...)
	case Producer:
		opts = append(opts, producing(p)...)
	}
	if err := p.err(); err != nil {
		c.end(nil)
		return nil, err
	}
	var err error
	if c.Client, err = kgo.NewClient(append(opts, more...)...); err != nil {
		c.end(nil)
		return nil, fmt.Errorf("client of the %s cluster: %w", side, err)
	}
	c.Admin = kadm.NewClient(c.Client)
	return c, nil
}

// Check is New without a client: whether its configuration is in order.
func Check(config map[string]*string, side Side, kind Kind) error {
	c, err := New(config, side, kind, "check")
	if err == nil {
		c.Close()
	}
	return err
}

// Close frees the client.
func (c *Client) Close() {
	c.Client.Close()
	c.end(nil)
}

// Ended is what has ended the client for good, nil while it can go on.
func (c *Client) Ended() error {
	if cause := context.Cause(c.ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Explain puts in place of an error what has ended the client, if something did, and tells of a wait that was in vain
// why no broker could be reached, and of a refusal which key to look at.
func (c *Client) Explain(err error) error {
	if cause := c.Ended(); err != nil && cause != nil {
		return cause
	}
	if failed := c.undialled.Load(); failed != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: check bootstrap.servers and that the brokers can be reached", *failed)
	}
	return c.refusal.explain(err)
}

// dialer ends the client when a connection is not granted, which no retry mends; the library would try for ever.
func (c *Client) dialer(dial dialer) dialer {
	return func(ctx context.Context, protocol, address string) (net.Conn, error) {
		conn, err := dial(ctx, protocol, address)
		c.undialled.Store(nil)
		if err != nil {
			err = fmt.Errorf("connect to the broker %s: %w", address, err)
			c.undialled.Store(&err)
		}
		var failed *network.Error
		if errors.As(err, &failed) && failed.Code == abi.NetNotGranted {
			c.end(err)
		}
		return conn, err
	}
}

type dialer = func(ctx context.Context, protocol, address string) (net.Conn, error)

func common(p *properties, id string) []kgo.Opt {
	servers := p.list("bootstrap.servers")
	if len(servers) == 0 {
		p.bad("bootstrap.servers", "give brokers of the cluster, as host:port,host:port")
	}
	for _, server := range servers {
		if _, port, err := net.SplitHostPort(server); err != nil || port == "" {
			p.bad("bootstrap.servers", "each entry must be host:port")
			break
		}
	}
	if own := p.text("client.id"); own != "" {
		id = own
	}
	backoff, most := p.millis("retry.backoff.ms", retryBackoff), p.millis("retry.backoff.max.ms", retryBackoffMax)
	return []kgo.Opt{
		kgo.SeedBrokers(servers...),
		kgo.ClientID(id),
		kgo.SoftwareNameAndVersion("berth-mirror", "1"),
		kgo.RequestTimeoutOverhead(p.millis("request.timeout.ms", requestTimeout)),
		kgo.ConnIdleTimeout(p.millis("connections.max.idle.ms", connectionIdle)),
		kgo.MetadataMaxAge(max(p.millis("metadata.max.age.ms", metadataMaxAge), time.Second)),
		kgo.MetadataMinAge(500 * time.Millisecond),
		kgo.RetryBackoffFn(func(fails int) time.Duration {
			return min(backoff<<min(max(fails-1, 0), 20), max(backoff, most))
		}),
		kgo.DisableClientMetrics(),
	}
}

func consuming(p *properties) []kgo.Opt {
	isolation := kgo.ReadUncommitted()
	if p.choice("isolation.level", "read_uncommitted", "read_committed") == "read_committed" {
		isolation = kgo.ReadCommitted()
	}
	first := map[string]kgo.Offset{"earliest": kgo.NewOffset().AtStart(), "latest": kgo.NewOffset().AtEnd(),
		"none": kgo.NoResetOffset()}[p.choice("auto.offset.reset", "earliest", "latest", "none")]
	return []kgo.Opt{
		kgo.FetchIsolationLevel(isolation),
		kgo.ConsumeResetOffset(first),
		kgo.FetchMaxWait(p.millis("fetch.max.wait.ms", fetchMaxWait)),
		kgo.FetchMinBytes(int32(p.number("fetch.min.bytes", 1, 0, math.MaxInt32))),
		kgo.FetchMaxBytes(int32(p.number("fetch.max.bytes", fetchMaxBytes, 1, math.MaxInt32))),
		kgo.FetchMaxPartitionBytes(int32(p.number("max.partition.fetch.bytes", partitionMaxBytes, 1, math.MaxInt32))),
		kgo.Rack(p.text("client.rack")),
	}
}

func producing(p *properties) []kgo.Opt {
	return []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(int32(p.number("max.request.size", requestMaxBytes, 1024, math.MaxInt32))),
		kgo.ProducerLinger(p.millis("linger.ms", 0)),
		kgo.ProducerBatchCompression(map[string]kgo.CompressionCodec{"none": kgo.NoCompression(),
			"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
			"zstd": kgo.ZstdCompression(),
		}[p.choice("compression.type", "none", "gzip", "snappy", "lz4", "zstd")]),
	}
}

// PollRecords is how many records of the source a poll returns at most (max.poll.records).
func PollRecords(config map[string]*string, preset, most int) (int, error) {
	p := &properties{config: config, prefixes: prefixes(SourceSide, Consumer)}
	n := p.number("max.poll.records", int64(preset), 1, math.MaxInt32)
	return min(int(n), most), p.err()
}

// FirstOffset is where a partition begins of which nothing was copied: by auto.offset.reset.
func FirstOffset(config map[string]*string) (kgo.Offset, error) {
	p := &properties{config: config, prefixes: prefixes(SourceSide, Consumer)}
	switch p.choice("auto.offset.reset", "earliest", "latest", "none") {
	case "latest":
		return kgo.NewOffset().AtEnd(), p.err()
	case "none":
		p.bad("auto.offset.reset", "a partition has no stored offset, so use earliest or latest, or set its offset")
	}
	return kgo.NewOffset().AtStart(), p.err()
}

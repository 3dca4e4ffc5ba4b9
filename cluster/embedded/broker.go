// Package embedded is a Kafka broker inside the worker's process, so that Berth can be tried without a Kafka.
//
// It is one node without replication, it answers on the loopback interface only and it takes one core at most. It is
// meant for quick starts, development and tests, never for production: what Kafka has acknowledged is in the operating
// system's hands, so it survives a crash of the process (kill -9), but a crash of the machine only with SyncWrites.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Settings of the broker, in Kafka's words. The broker's own cleaner would compact while transactions are open, which
// loses committed records, so its period is a year and compaction happens at boot only.
const (
	segmentBytes            = 8 << 20
	retentionBytes          = 256 << 20 // of a partition
	cleanerBackoffMs        = 365 * 24 * 3600 * 1000
	retentionPeriod         = 30 * time.Second
	offsetsTopicPartitions  = 5 // each partition keeps two files open
	groupMinSessionTimeout  = 100 * time.Millisecond
	cleanFile, lockFile     = "CLEAN", "LOCK"
	replayFile              = "REPLAY" // names the logs that are to be read without their snapshots
	portFile, logsDirectory = "port", "kafka"
)

// Config says where the broker lives.
type Config struct {
	Dir        string // data directory, made when missing; one broker at a time
	Port       int    // 0: the one used last in Dir if it is free, else any
	SyncWrites bool   // sync every batch to the disk before it is acknowledged
	Log        *slog.Logger
}

// Broker is the embedded broker.
type Broker struct {
	config Config
	ready  chan struct{}
	addr   atomic.Pointer[string]
}

// New does no I/O.
func New(config Config) *Broker { return &Broker{config: config, ready: make(chan struct{})} }

// Ready is closed when the broker answers.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addr is host:port, "" before Ready.
func (b *Broker) Addr() string {
	if addr := b.addr.Load(); addr != nil {
		return *addr
	}
	return ""
}

// WorkerDefaults are the worker properties that fit this broker: its address, one replica, few partitions, and state
// topics that never lose a record by age. Call it after Ready.
func (b *Broker) WorkerDefaults() map[string]string {
	defaults := map[string]string{
		"bootstrap.servers":         b.Addr(),
		"offset.storage.partitions": strconv.Itoa(offsetsTopicPartitions),
	}
	for _, topic := range []string{"config", "offset", "status"} {
		defaults[topic+".storage.replication.factor"] = "1"
		defaults[topic+".storage.retention.ms"] = "-1"
		defaults[topic+".storage.retention.bytes"] = "-1"
	}
	return defaults
}

// Run serves until ctx ends, then stores everything and returns nil. Errors: the directory can't be used, another
// process uses it, the port is taken, the data can't be read.
func (b *Broker) Run(ctx context.Context) error {
	if err := os.MkdirAll(b.config.Dir, 0o755); err != nil {
		return fmt.Errorf("making the embedded broker's data directory: %w", err)
	}
	unlock, err := lock(b.path(lockFile))
	if err != nil {
		return fmt.Errorf("locking the embedded broker's data directory %s: %w", b.config.Dir, err)
	}
	defer unlock()
	clean, err := b.takeClean()
	if err != nil {
		return err
	}
	cluster, err := b.openSettled(ctx, clean)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("opening the embedded broker's data in %s: %w", b.config.Dir, err)
	}
	cluster.ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		createAsked(cluster, r, b.config.Log)
		return nil, nil, false
	})
	addr := cluster.ListenAddrs()[0]
	err = b.serve(ctx, cluster, addr)
	cluster.Close()
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path(cleanFile), nil, 0o644); err != nil {
		return fmt.Errorf("marking the embedded broker's data as clean: %w", err)
	}
	return nil
}

func (b *Broker) path(name string) string { return filepath.Join(b.config.Dir, name) }

// takeClean tells whether the last run ended in good order (or there was none) and removes the mark of it.
func (b *Broker) takeClean() (bool, error) {
	if _, err := os.Stat(b.path(logsDirectory)); errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	err := os.Remove(b.path(cleanFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("removing the mark of a clean end: %w", err)
	}
	return true, nil
}

// openSettled opens the data and, after a crash, completes what it cut off: indexes, then transactions. The broker
// takes such a transaction for aborted where it found no marker; of one that gets a commit marker now it learns by
// reading the log again.
func (b *Broker) openSettled(ctx context.Context, clean bool) (*kfake.Cluster, error) {
	if err := b.forgetSnapshots(); err != nil {
		return nil, err
	}
	if !clean {
		if err := b.completeIndexes(); err != nil {
			return nil, err
		}
	}
	cluster, err := b.open()
	if err != nil || clean {
		return cluster, err
	}
	committed, err := settleTransactions(ctx, cluster.ListenAddrs()[0], b.config.Log)
	if err == nil && len(committed) > 0 {
		err = b.noteReplay(committed)
	}
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("ending the transactions that a crash cut off: %w", err)
	}
	if len(committed) == 0 {
		return cluster, nil
	}
	cluster.Close()
	if err := b.forgetSnapshots(); err != nil {
		return nil, err
	}
	return b.open()
}

func (b *Broker) open() (*kfake.Cluster, error) {
	port := b.config.Port
	if port == 0 {
		port = b.lastPort()
	}
	cluster, err := kfake.NewCluster(b.options(port)...)
	if err != nil && b.config.Port == 0 && port != 0 {
		b.config.Log.Info("the embedded broker's last port can't be used again, taking another", "port", port, "error", err)
		cluster, err = kfake.NewCluster(b.options(0)...)
	}
	return cluster, err
}

func (b *Broker) options(port int) []kfake.Opt {
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(b.path(logsDirectory)),
		kfake.WithLogger(brokerLog{b.config.Log}),
		kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1), kfake.GroupMinSessionTimeout(groupMinSessionTimeout),
		kfake.BrokerConfigs(map[string]string{
			"log.segment.bytes":      strconv.Itoa(segmentBytes),
			"log.retention.bytes":    strconv.Itoa(retentionBytes),
			"log.cleaner.backoff.ms": strconv.Itoa(cleanerBackoffMs),
		}),
	}
	if b.config.SyncWrites {
		options = append(options, kfake.SyncWrites())
	}
	return options
}

func (b *Broker) lastPort() int {
	text, err := os.ReadFile(b.path(portFile))
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 0 || port > 65535 {
		return 0
	}
	return port
}

// serve repairs and tidies up before it says that it is ready, then keeps retention going.
func (b *Broker) serve(ctx context.Context, cluster *kfake.Cluster, addr string) error {
	k, err := newKeeper(addr, b.config.Log)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.boot(ctx, cluster); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("preparing the embedded broker: %w", err)
	}
	_, port, _ := strings.Cut(addr, ":")
	if err := os.WriteFile(b.path(portFile), []byte(port+"\n"), 0o644); err != nil {
		return fmt.Errorf("keeping the embedded broker's port: %w", err)
	}
	b.addr.Store(&addr)
	close(b.ready)
	b.config.Log.Info("the embedded Kafka broker is ready: one node without replicas, for development only",
		"address", addr, "directory", b.config.Dir)
	tick := time.NewTicker(retentionPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := k.protectCompacted(ctx); err != nil {
				b.config.Log.Warn("retention is put off", "error", err)
				continue
			}
			cluster.ApplyRetention()
		}
	}
}

// createAsked makes the topics that a metadata request is about to create by itself, as the broker would write those to
// the disk at a clean end only and lose them, with all their records, in a crash.
func createAsked(cluster *kfake.Cluster, request kmsg.Request, log *slog.Logger) {
	metadata, ok := request.(*kmsg.MetadataRequest)
	if !ok || !metadata.AllowAutoTopicCreation {
		return
	}
	for _, topic := range metadata.Topics {
		if topic.Topic == nil || cluster.TopicInfo(*topic.Topic) != nil {
			continue
		}
		if err := cluster.CreateTopic(*topic.Topic, -1, nil); err != nil {
			log.Warn("embedded broker: creating a topic on first use failed", "topic", *topic.Topic, "error", err)
		}
	}
}

// brokerLog passes on what the broker itself has to say.
type brokerLog struct{ log *slog.Logger }

func (l brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	if l.log.Enabled(context.Background(), to) {
		l.log.Log(context.Background(), to, "embedded broker: "+fmt.Sprintf(format, args...))
	}
}

package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// settleTransactions writes the markers that a crash has kept from being written. The broker ends a transaction by
// writing a marker to one partition after the other, without a note of what it is about to do: where one of them says
// that the transaction was committed, the others get the same, else all are aborted. Without a marker a read_committed
// reader would go on to drop everything of that producer. It returns the partitions that got a commit marker.
func settleTransactions(ctx context.Context, addr string, log *slog.Logger) (kadm.TopicsSet, error) {
	k, err := newKeeper(addr, log)
	if err != nil {
		return nil, err
	}
	defer k.close()
	known, err := k.admin.ListTransactions(ctx, nil, nil)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	account, err := k.readLogs(ctx)
	if err != nil {
		return nil, err
	}
	committed := kadm.TopicsSet{}
	for producer, partitions := range account.cut() {
		commit := account.commits(producer)
		log.Info("embedded broker: ending a transaction that a crash cut off", "producer_id", producer.id,
			"epoch", producer.epoch, "commit", commit)
		if err := k.writeMarkers(ctx, producer, partitions, commit); err != nil {
			return nil, err
		}
		if commit {
			committed.Merge(partitions)
		}
	}
	return committed, nil
}

func (k *keeper) writeMarkers(ctx context.Context, p producer, open kadm.TopicsSet, commit bool) error {
	responses, err := k.admin.WriteTxnMarkers(ctx, kadm.TxnMarkers{
		ProducerID: p.id, ProducerEpoch: p.epoch, Commit: commit, Topics: open,
	})
	if err != nil {
		return err
	}
	for _, partition := range responses.SortedPartitions() {
		if partition.Err != nil {
			return fmt.Errorf("%s-%d: %w", partition.Topic, partition.Partition, partition.Err)
		}
	}
	return nil
}

// producer stands for one transaction: since KIP-890 a producer's epoch is raised when its transaction ends.
type producer struct {
	id    int64
	epoch int16
}

// producerLog is what one producer has written to one partition.
type producerLog struct {
	topic     string
	partition int32
	id        int64
}

// account is what the logs tell of transactions.
type account struct {
	open      map[producerLog]int16 // epoch of the transaction that has records and no marker yet
	ended     map[producerLog]int16 // epoch of the last marker
	committed map[producer]bool     // by a marker in any partition
	shared    map[producer]bool     // an older client's epoch of several transactions: whose a marker was, nobody knows
}

func newAccount() *account {
	return &account{map[producerLog]int16{}, map[producerLog]int16{}, map[producer]bool{}, map[producer]bool{}}
}

// readLogs reads all partitions to their ends.
func (k *keeper) readLogs(ctx context.Context) (*account, error) {
	starts, err := k.admin.ListStartOffsets(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := k.admin.ListEndOffsets(ctx)
	if err != nil {
		return nil, err
	}
	left, from := kadm.Offsets{}, map[string]map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if start.Offset >= end.Offset {
			return
		}
		left.AddOffset(end.Topic, end.Partition, end.Offset, -1)
		if from[end.Topic] == nil {
			from[end.Topic] = map[int32]kgo.Offset{}
		}
		from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
	})
	return k.scan(ctx, from, left)
}

func (k *keeper) scan(ctx context.Context, from map[string]map[int32]kgo.Offset, left kadm.Offsets) (*account, error) {
	a := newAccount()
	if len(left) == 0 {
		return a, nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.ConsumePartitions(from), kgo.KeepControlRecords(),
		kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			a.note(r)
			if end, ok := left.Lookup(r.Topic, r.Partition); ok && r.Offset+1 >= end.At {
				delete(left[r.Topic], r.Partition)
				if len(left[r.Topic]) == 0 {
					delete(left, r.Topic)
				}
			}
		})
	}
	return a, nil
}

// note takes in one record. A marker ends whatever its producer had open in that partition: that of a fenced producer
// carries the next epoch.
func (a *account) note(r *kgo.Record) {
	p, log := producer{r.ProducerID, r.ProducerEpoch}, producerLog{r.Topic, r.Partition, r.ProducerID}
	switch {
	case r.Attrs.IsControl():
		delete(a.open, log)
		a.ended[log] = p.epoch
		if isCommit(r) {
			a.committed[p] = true
		}
	case r.Attrs.IsTransactional():
		a.open[log] = p.epoch
		if ended, ok := a.ended[log]; ok && ended == p.epoch {
			a.shared[p] = true
		}
	}
}

// isCommit reads a marker's key: int16 version, int16 type, 1 of which is a commit.
func isCommit(r *kgo.Record) bool { return len(r.Key) >= 4 && r.Key[2] == 0 && r.Key[3] == 1 }

func (a *account) commits(p producer) bool { return a.committed[p] && !a.shared[p] }

// cut returns the partitions in which transactions have records and no end.
func (a *account) cut() map[producer]kadm.TopicsSet {
	cut := map[producer]kadm.TopicsSet{}
	for log, epoch := range a.open {
		p := producer{log.id, epoch}
		partitions := cut[p]
		partitions.Add(log.topic, log.partition)
		cut[p] = partitions
	}
	return cut
}

// noteReplay keeps the names of the logs that must be read whole, before the broker stores what it believes of them.
func (b *Broker) noteReplay(logs kadm.TopicsSet) error {
	var directories []string
	logs.Each(func(topic string, partition int32) {
		directories = append(directories, url.PathEscape(topic)+"-"+strconv.Itoa(int(partition)))
	})
	text, err := json.Marshal(directories)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path(replayFile), text, 0o644)
}

// forgetSnapshots removes what the broker has stored of the logs that noteReplay named; it then reads their segments.
func (b *Broker) forgetSnapshots() error {
	text, err := os.ReadFile(b.path(replayFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var directories []string
	if err := json.Unmarshal(text, &directories); err != nil {
		return fmt.Errorf("reading %s: %w", b.path(replayFile), err)
	}
	for _, directory := range directories {
		snapshot := filepath.Join(b.path(logsDirectory), "partitions", directory, "snapshot.json")
		if err := os.Remove(snapshot); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Remove(b.path(replayFile))
}

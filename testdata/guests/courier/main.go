// Command courier is a module for tests: a source of records that use all that a record can hold, and a sink that
// writes down all that it is given.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

func main() {
	guest.Run(
		guest.Plugin{
			Class: "test.Letters", Version: "1.0.0", Doc: "Makes letters.",
			Config: abi.ConfigDef{Keys: []abi.ConfigKey{
				needs("topic", abi.ConfigString, "Topic that the letters go to."),
				needs("count", abi.ConfigInt, "Number of letters."),
			}},
			NewSource: func() guest.Source { return &letters{} },
		},
		guest.Plugin{
			Class: "test.Receipts", Version: "1.0.0", Doc: "Makes records that say what it has heard of those before.",
			Config: abi.ConfigDef{Keys: []abi.ConfigKey{
				needs("topic", abi.ConfigString, "Topic that the records go to."),
			}},
			NewSource: func() guest.Source { return &receipts{} },
		},
		guest.Plugin{
			Class: "test.Journal", Version: "1.0.0", Doc: "Writes records into a file, as JSON, one a line.",
			Config: abi.ConfigDef{Keys: []abi.ConfigKey{
				needs("file", abi.ConfigString, "File to append to."),
			}},
			Capabilities: []string{abi.CapabilityFiles},
			NewSink:      func() guest.Sink { return &journal{} },
		},
		guest.Plugin{
			Class: "test.Returns", Version: "1.0.0", Doc: "Gives records up after it took them, as their values say.",
			NewSink: func() guest.Sink { return &returns{} },
		},
	)
}

func needs(name string, kind abi.ConfigType, doc string) abi.ConfigKey {
	return abi.ConfigKey{Name: name, Type: kind, Importance: abi.High, Doc: doc, Order: -1, Width: abi.WidthLong,
		Display: name}
}

// letters makes records: letter i has the key "k"+i, the value "v"+i (null for each third), the timestamp 1e12+i and
// two headers, of which the second is null.
type letters struct {
	topic       string
	next, count int64
}

var letterBox = map[string]any{"box": "one"}

// Start implements guest.Starter.
func (l *letters) Start(_ context.Context, config guest.Config) error {
	l.topic, l.count = config.String("topic"), config.Int("count")
	if offset, ok := config.Offset(letterBox); ok {
		l.next, _ = offset["next"].(int64)
	}
	return nil
}

// Poll implements guest.Source.
func (l *letters) Poll(ctx context.Context) ([]*guest.Record, error) {
	if l.next == l.count {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	number := strconv.FormatInt(l.next, 10)
	text := &abi.Schema{Type: abi.TypeString}
	r := guest.NewRecord(l.topic)
	r.Timestamp, r.TimestampType = 1_000_000_000_000+l.next, abi.TimestampTypeCreate
	r.SetKey(text, "k"+number)
	if l.next%3 != 2 {
		r.SetValue(text, "v"+number)
	}
	r.AddHeader("number", text, "h"+number)
	r.AddHeader("none", nil, nil)
	l.next++
	r.SourcePartition, r.SourceOffset = letterBox, map[string]any{"next": l.next}
	return []*guest.Record{r}, nil
}

// journal writes lines.
type journal struct{ file *os.File }

// Start implements guest.Starter.
func (j *journal) Start(_ context.Context, config guest.Config) (err error) {
	j.file, err = os.OpenFile(config.String("file"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return err
}

// line is a record in the journal.
type line struct {
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

// Put implements guest.Sink.
func (j *journal) Put(_ context.Context, records []*guest.Record) error {
	encoder := json.NewEncoder(j.file)
	for _, r := range records {
		l := line{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset(), Timestamp: r.Timestamp,
			Key: textOf(r.Key()), Value: textOf(r.Value()), Headers: [][2]*string{}}
		for _, h := range r.Headers() {
			l.Headers = append(l.Headers, [2]*string{&h.Key, textOf(h.Value())})
		}
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

func textOf(x any) *string {
	if x == nil {
		return nil
	}
	text := fmt.Sprint(x)
	return &text
}

// Close implements guest.Closer.
func (j *journal) Close() error { return j.file.Close() }

// returns gives records up late: "flush …" when it is asked what is safe, "soon …" from a goroutine, which Flush waits
// for. Others it keeps.
type returns struct {
	atFlush []*guest.Record
	soon    sync.WaitGroup
}

// Start implements guest.Starter.
func (*returns) Start(context.Context, guest.Config) error { return nil }

// Put implements guest.Sink.
func (s *returns) Put(ctx context.Context, records []*guest.Record) error {
	for _, r := range records {
		text, _ := r.Value().(string)
		switch word, _, _ := strings.Cut(text, " "); word {
		case "flush":
			s.atFlush = append(s.atFlush, r)
		case "soon":
			s.soon.Go(func() {
				time.Sleep(time.Millisecond)
				s.report(ctx, r)
			})
		}
	}
	return nil
}

// Flush implements guest.Flusher.
func (s *returns) Flush(ctx context.Context, offsets []guest.PartitionOffset) ([]guest.PartitionOffset, error) {
	s.soon.Wait()
	for _, r := range s.atFlush {
		s.report(ctx, r)
	}
	s.atFlush = nil
	return offsets, nil
}

func (*returns) report(ctx context.Context, r *guest.Record) {
	err := guest.WithClass(guest.InField(errors.New("returned to sender"), "address"), "test.Returned")
	if err := guest.ReportErrant(ctx, r, err); err != nil {
		panic(err)
	}
}

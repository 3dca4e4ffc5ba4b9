package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The floor is the same work in a bare client loop: order kept, acks=all with idempotence, no compression, batches up
// to 900 kB, the position stored every second.
const (
	floorBatchBytes  = 900_000
	floorCommitEvery = time.Second
)

// floorName is the floor's row; the others are divided by it.
const floorName = "floor"

// runFloor is this program as the measured process: "floor source FILE TOPIC OFFSETS-TOPIC", "floor sink TOPIC FILE
// GROUP", where no FILE drops the records, or "floor edit TOPIC GROUP".
func runFloor(bootstrap string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	switch {
	case len(args) == 4 && args[0] == "source":
		return floorSource(ctx, bootstrap, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "sink":
		write, output, err := floorOutput(args[2])
		if err != nil {
			return err
		}
		return errors.Join(floorSink(ctx, bootstrap, args[1], args[3], write), output.Close())
	case len(args) == 3 && args[0] == "edit":
		return floorSink(ctx, bootstrap, args[1], args[2], floorEdit)
	}
	return fmt.Errorf("floor does not understand %q", args)
}

func floorSource(ctx context.Context, bootstrap, file, topic, offsets string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(floorBatchBytes), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return err
	}
	defer client.Close()
	input, err := os.Open(file)
	if err != nil {
		return err
	}
	defer input.Close()
	var acked atomic.Int64
	go everySecond(ctx, func() { storePosition(ctx, client, offsets, acked.Load()) })
	reader := bufio.NewReaderSize(input, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		client.Produce(ctx, &kgo.Record{Topic: topic, Value: line[:len(line)-1]}, func(_ *kgo.Record, err error) {
			if err == nil {
				acked.Add(1)
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func storePosition(ctx context.Context, client *kgo.Client, topic string, records int64) {
	client.Produce(ctx, &kgo.Record{Topic: topic, Value: fmt.Append(nil, records)}, nil)
}

func floorSink(ctx context.Context, bootstrap, topic, group string, write func(kgo.Fetches) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		return err
	}
	defer client.Close()
	for committed := time.Now(); ctx.Err() == nil; {
		poll, cancel := context.WithDeadline(ctx, committed.Add(floorCommitEvery))
		fetches := client.PollFetches(poll)
		cancel()
		if err := fetches.Err(); err != nil && poll.Err() == nil {
			return err
		}
		if err := write(fetches); err != nil {
			return err
		}
		if time.Since(committed) < floorCommitEvery {
			continue
		}
		if err := client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		committed = time.Now()
	}
	return nil
}

// floorOutput writes records to a file, one a line, or counts them when there is none.
func floorOutput(file string) (write func(kgo.Fetches) error, output io.Closer, err error) {
	if file == "" {
		count := 0
		return func(fetches kgo.Fetches) error {
			fetches.EachRecord(func(*kgo.Record) { count++ })
			return nil
		}, io.NopCloser(nil), nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, nil, err
	}
	writer := bufio.NewWriterSize(f, 1<<16)
	return func(fetches kgo.Fetches) error {
		fetches.EachRecord(func(r *kgo.Record) { // an error of the writer stays until Flush
			_, _ = writer.Write(r.Value)
			_ = writer.WriteByte('\n')
		})
		return writer.Flush()
	}, f, nil
}

// floorEdit does chain A's edits without care: each value becomes a map.
func floorEdit(fetches kgo.Fetches) error {
	var failed error
	fetches.EachRecord(func(r *kgo.Record) {
		var order map[string]any
		if err := json.Unmarshal(r.Value, &order); err != nil {
			failed = err
			return
		}
		order["origin"], order["ingested"] = "bench", r.Timestamp
		delete(order, "note")
		delete(order, "ip")
		order["event_time"], order["event_type"] = order["ts"], order["type"]
		delete(order, "ts")
		delete(order, "type")
		amount, err := strconv.ParseFloat(order["amount"].(string), 64)
		if err != nil {
			failed = err
		}
		order["amount"] = amount
		order["id"] = strconv.FormatFloat(order["id"].(float64), 'f', -1, 64)
		order["card"] = "****"
		r.Topic += r.Timestamp.Format("-20060102")
	})
	return failed
}

func everySecond(ctx context.Context, do func()) {
	for ticker := time.NewTicker(floorCommitEvery); ; {
		select {
		case <-ticker.C:
			do()
		case <-ctx.Done():
			ticker.Stop()
			return
		}
	}
}

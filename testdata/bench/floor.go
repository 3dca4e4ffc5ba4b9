package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
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

// runFloor is this program as the measured process: "floor source FILE TOPIC OFFSETS-TOPIC" or
// "floor sink TOPIC FILE GROUP".
func runFloor(bootstrap string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	switch {
	case len(args) == 4 && args[0] == "source":
		return floorSource(ctx, bootstrap, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "sink":
		return floorSink(ctx, bootstrap, args[1], args[2], args[3])
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

func floorSink(ctx context.Context, bootstrap, topic, file, group string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		return err
	}
	defer client.Close()
	output, err := os.Create(file)
	if err != nil {
		return err
	}
	defer output.Close()
	writer := bufio.NewWriterSize(output, 1<<16)
	for committed := time.Now(); ctx.Err() == nil; {
		fetches := client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { // an error of the writer stays until Flush
			_, _ = writer.Write(r.Value)
			_ = writer.WriteByte('\n')
		})
		if err := writer.Flush(); err != nil {
			return err
		}
		if time.Since(committed) > floorCommitEvery {
			if err := client.CommitUncommittedOffsets(ctx); err != nil {
				return err
			}
			committed = time.Now()
		}
	}
	return nil
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

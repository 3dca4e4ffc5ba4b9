package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	latencyRate   = 1000 // records a second
	latencyWarmUp = 5 * time.Second
	latencyLook   = time.Millisecond / 2
)

// latency is from the producer's clock, which is in the record, to the line seen in the file of a file sink.
func (b *bench) latency(ctx context.Context, c contestant, table *grid) error {
	group := b.name("latency")
	topic, file := group+"-topic", filepath.Join(b.dir, group+".txt")
	if err := b.kafka.createTopic(ctx, topic); err != nil {
		return err
	}
	w, err := c.launch(ctx, group, c.warm)
	if err != nil {
		return err
	}
	defer w.stop()
	err = w.create(ctx, group, map[string]string{"connector.class": fileSink, "tasks.max": "1", "file": file,
		"topics": topic})
	if err != nil {
		return err
	}
	if err := w.awaitRunning(ctx, 1); err != nil {
		return err
	}
	warm, records := int(latencyWarmUp.Seconds()*latencyRate), int(b.latencyTime.Seconds()*latencyRate)
	sent := make(chan error, 1)
	go func() { sent <- b.sendClock(ctx, topic, warm+records) }()
	ctx, cancel := context.WithTimeout(ctx, latencyWarmUp+b.latencyTime+stallTime)
	defer cancel()
	delays, err := readDelays(ctx, file, warm+records)
	if err := errors.Join(<-sent, err); err != nil {
		return err
	}
	name := fmt.Sprintf("topic → file sink, %d records/s: latency p50 / p99 ms", latencyRate)
	table.set(name, c.name, "%.1f / %.1f", quantile(delays[warm:], 0.5), quantile(delays[warm:], 0.99))
	return nil
}

// sendClock writes n records of the time at which they are written, evenly.
func (b *bench) sendClock(ctx context.Context, topic string, n int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer client.Close()
	begin := time.Now()
	for i := range n {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / latencyRate)))
		client.Produce(ctx, &kgo.Record{Value: strconv.AppendInt(nil, time.Now().UnixNano(), 10)}, nil)
	}
	return client.Flush(ctx)
}

// readDelays follows a growing file of n times and says how old each is when it is read, in milliseconds.
func readDelays(ctx context.Context, path string, n int) ([]float64, error) {
	var file *os.File
	for file == nil {
		var err error
		if file, err = os.Open(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if err := pause(ctx, latencyLook); err != nil {
			return nil, err
		}
	}
	defer file.Close()
	reader, begun := bufio.NewReader(file), ""
	delays := make([]float64, 0, n)
	for len(delays) < n {
		part, err := reader.ReadString('\n')
		begun += part
		if errors.Is(err, io.EOF) {
			if err := pause(ctx, latencyLook); err != nil {
				return nil, fmt.Errorf("%d of %d lines came: %w", len(delays), n, err)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		written, err := strconv.ParseInt(strings.TrimSuffix(begun, "\n"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(delays)+1, err)
		}
		delays, begun = append(delays, float64(time.Now().UnixNano()-written)/1e6), ""
	}
	return delays, nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const lookEvery = 250 * time.Millisecond

// board shows where the records are, live: one line that is written over on a terminal, a line now and then elsewhere.
type board struct {
	out      io.Writer
	terminal bool
	total    int
	feeder   *feeder
	kafka    *kadm.Client
	topic    string
	output   lineCounter
	last     sample  // what the rate is counted from
	rate     float64 // records a second, over the last second
}

type sample struct {
	at                    time.Time
	fed, inTopic, arrived int64
}

// look takes a sample and shows it.
func (b *board) look(ctx context.Context) (sample, error) {
	s := sample{at: time.Now(), fed: b.feeder.written.Load()}
	offsets, err := b.kafka.ListEndOffsets(ctx, b.topic)
	if err != nil {
		return s, fmt.Errorf("count the records in the topic: %w", err)
	}
	offsets.Each(func(o kadm.ListedOffset) { s.inTopic += max(0, o.Offset) })
	if s.arrived, err = b.output.count(); err != nil {
		return s, err
	}
	b.show(s)
	return s, nil
}

func (b *board) show(s sample) {
	elapsed := s.at.Sub(b.last.at)
	if elapsed >= time.Second {
		if !b.last.at.IsZero() {
			b.rate = float64(s.arrived-b.last.arrived) / elapsed.Seconds()
		}
		b.last = s
	} else if !b.terminal {
		return
	}
	const width = 24
	done := int(s.arrived) * width / max(1, b.total)
	bar := strings.Repeat("#", min(done, width)) + strings.Repeat(".", max(0, width-done))
	line := fmt.Sprintf("  [%s] %6d read  %6d in Kafka  %6d written  %6.0f/s", bar, s.fed, s.inTopic, s.arrived, b.rate)
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(b.out, line)
	}
}

// say prints a line of its own above the board.
func (b *board) say(format string, args ...any) {
	if b.terminal {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
	fmt.Fprintf(b.out, format+"\n", args...)
}

// lineCounter counts the lines of a growing file, each byte once.
type lineCounter struct {
	path        string
	offset, sum int64
}

func (c *lineCounter) count() (int64, error) {
	file, err := os.Open(c.path)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, c.offset, 1<<62))
	c.offset += int64(len(text))
	c.sum += int64(bytes.Count(text, []byte{'\n'}))
	return c.sum, err
}

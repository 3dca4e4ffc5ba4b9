package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	lookEvery = 50 * time.Millisecond
	skipShare = 20              // measuring begins when 1/20 of the records are through
	stallTime = 2 * time.Minute // without progress a repeat is given up
)

// figure is what one repeat gave.
type figure struct {
	cpuSecondsPerMillion float64
	recordsPerSecond     float64
}

// measure watches progress (records that are through) until n are, and returns the cost between the first look past a
// twentieth of n and the last one, so that the start and the end of a connector are left out.
func measure(ctx context.Context, p *process, n int64, progress func(context.Context) (int64, error)) (figure, error) {
	var begin, now look
	var records int64
	moved := time.Now()
	for records < n {
		time.Sleep(lookEvery)
		at, err := progress(ctx)
		if err != nil {
			return figure{}, fmt.Errorf("look at the progress: %w", err)
		}
		if at > records {
			records, moved = at, time.Now()
		}
		if time.Since(moved) > stallTime {
			return figure{}, fmt.Errorf("no progress for %v at record %d of %d", stallTime, records, n)
		}
		if now, err = takeLook(p, records); err != nil {
			return figure{}, err
		}
		if begin.records == 0 && records >= n/skipShare {
			begin = now
		}
	}
	return between(begin, now)
}

type look struct {
	records int64
	cpu     time.Duration
	at      time.Time
}

func takeLook(p *process, records int64) (look, error) {
	cpu, err := p.cpu()
	return look{records, cpu, time.Now()}, err
}

func between(begin, end look) (figure, error) {
	records := float64(end.records - begin.records)
	if records <= 0 {
		return figure{}, fmt.Errorf("all records passed between two looks; take more than %d", end.records)
	}
	return figure{
		cpuSecondsPerMillion: (end.cpu - begin.cpu).Seconds() / records * 1e6,
		recordsPerSecond:     records / end.at.Sub(begin.at).Seconds(),
	}, nil
}

// summary is one row of the table: minimum, median and maximum of the repeats.
func summary(name string, figures []figure) string {
	cpu := make([]float64, len(figures))
	rate := make([]float64, len(figures))
	for i, f := range figures {
		cpu[i], rate[i] = f.cpuSecondsPerMillion, f.recordsPerSecond/1000
	}
	slices.Sort(cpu)
	slices.Sort(rate)
	middle, last := len(figures)/2, len(figures)-1
	return fmt.Sprintf("| %-16s | %5.2f | %5.2f | %5.2f | %6.0f | %6.0f | %6.0f |",
		name, cpu[0], cpu[middle], cpu[last], rate[0], rate[middle], rate[last])
}

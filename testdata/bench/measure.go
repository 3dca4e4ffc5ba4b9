package main

import (
	"context"
	"fmt"
	"time"
)

const (
	lookEvery = 50 * time.Millisecond
	skipShare = 20              // measuring begins when 1/20 of the records are through
	leastTime = 5 * lookEvery   // a shorter measurement is mostly chance
	stallTime = 2 * time.Minute // without progress a repeat is given up
)

// figure is what one repeat gave.
type figure struct {
	cpu    float64 // seconds per million records
	rate   float64 // records a second
	broker float64 // the broker's processor seconds per million records, 0 when it is not known
	whole  bool    // the start is in it, because the rest was over too soon
}

// subject is a running process whose progress is watched.
type subject struct {
	pid, brokerPID int // brokerPID is 0 for a broker elsewhere
	progress       func(context.Context) (int64, error)
}

type look struct {
	records     int64
	cpu, broker time.Duration
	at          time.Time
}

func (s subject) look(records int64) (look, error) {
	now := look{records: records, at: time.Now()}
	var err error
	if now.cpu, err = cpuTime(s.pid); err == nil && s.brokerPID != 0 {
		now.broker, err = cpuTime(s.brokerPID)
	}
	return now, err
}

// measure watches the progress (records that are through) until n are, and returns the cost between the first look
// past a twentieth of n and the last one, so that the start and the end of a connector are left out. start is a look
// from before the work began.
func (s subject) measure(ctx context.Context, start look, n int64) (figure, error) {
	var begin look
	now, moved := start, time.Now()
	for now.records < n {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return figure{}, ctx.Err()
		}
		at, err := s.progress(ctx)
		if err != nil {
			return figure{}, fmt.Errorf("look at the progress: %w", err)
		}
		if at > now.records {
			moved = time.Now()
		}
		if time.Since(moved) > stallTime {
			return figure{}, fmt.Errorf("no progress for %v at record %d of %d", stallTime, at, n)
		}
		if now, err = s.look(at); err != nil {
			return figure{}, err
		}
		if begin.records == 0 && at >= n/skipShare {
			begin = now
		}
	}
	if begin.records >= now.records || now.at.Sub(begin.at) < leastTime {
		return between(start, now, true), nil
	}
	return between(begin, now, false), nil
}

func between(begin, end look, whole bool) figure {
	records := float64(end.records - begin.records)
	return figure{
		cpu:    (end.cpu - begin.cpu).Seconds() / records * 1e6,
		rate:   records / end.at.Sub(begin.at).Seconds(),
		broker: (end.broker - begin.broker).Seconds() / records * 1e6,
		whole:  whole,
	}
}

// Package shadow runs a candidate chain beside a task's, on copies of the same batches and off the task's path, and
// reports of which records the two make different things. A copy of the live chain runs beside it too: what the task
// itself made is often not to be seen from outside, since its last stages may run in the connector's instance, and two
// chains that run alike are what can be timed.
package shadow

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// Config of a shadow.
type Config struct {
	Live, Candidate []pipeline.Stage // without the connector, in order
	Start           Start
}

// Shadow is a candidate beside one task. Offer belongs to the task's goroutine, all else is safe for concurrent use.
type Shadow struct {
	queue   chan []byte
	dropped atomic.Int64 // records that found no room
	cancel  context.CancelFunc
	done    chan struct{}

	live, candidate chain

	mu          sync.Mutex
	state       string                  // guarded by mu
	problem     string                  // guarded by mu
	counts      host.ShadowCounts       // guarded by mu
	differences []host.ShadowDifference // guarded by mu
}

// Run makes a shadow, which runs until Stop.
func Run(config Config) *Shadow {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Shadow{queue: make(chan []byte, host.ShadowQueueBatches), cancel: cancel, done: make(chan struct{}),
		state: host.ShadowStarting}
	s.live = chain{groups: pipeline.Groups(config.Live, false), start: config.Start}
	s.candidate = chain{groups: pipeline.Groups(config.Candidate, false), start: config.Start}
	go s.run(ctx)
	return s
}

// Offer gives the shadow a batch of n records that entered the task's stages; encode makes a copy of it and is called
// only if there is room. It never waits.
func (s *Shadow) Offer(n int, encode func() []byte) {
	if len(s.queue) == cap(s.queue) { // the shadow's goroutine only ever makes room
		s.dropped.Add(int64(n))
		return
	}
	s.queue <- encode()
}

// Stop ends the shadow and waits for it.
func (s *Shadow) Stop() {
	s.cancel()
	<-s.done
}

// Report is what the shadow has seen so far.
func (s *Shadow) Report() host.ShadowReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := host.ShadowReport{State: s.state, Problem: s.problem, ShadowCounts: s.counts,
		Differences: append([]host.ShadowDifference{}, s.differences...)}
	r.Dropped += s.dropped.Load()
	r.LiveCPU, r.Candidate = s.live.cpu.Load()/1000, s.candidate.cpu.Load()/1000
	return r
}

func (s *Shadow) run(ctx context.Context) {
	defer close(s.done)
	defer s.live.close()
	defer s.candidate.close()
	err := s.open(ctx)
	for err == nil {
		select {
		case body := <-s.queue:
			if err = s.compare(ctx, body); err != nil {
				s.dropped.Add(int64(lenOf(body)))
			}
		case <-time.After(host.StageIdleMax): // as a task's stages that keep nothing
			s.live.close()
			s.candidate.close()
		case <-ctx.Done():
			return
		}
	}
	if ctx.Err() == nil {
		s.fail(err)
	}
	for {
		select { // what comes still is not compared
		case body := <-s.queue:
			s.dropped.Add(int64(lenOf(body)))
		case <-ctx.Done():
			return
		}
	}
}

func (s *Shadow) open(ctx context.Context) error {
	if err := s.live.open(ctx); err != nil {
		return fmt.Errorf("the copy of the live chain: %w", err)
	}
	if err := s.candidate.open(ctx); err != nil {
		return fmt.Errorf("the candidate: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = host.ShadowRunning
	return nil
}

func (s *Shadow) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.problem = host.ShadowFailed, err.Error()
	s.counts.Traps, s.counts.LastTrap = int64(s.candidate.ends), s.candidate.last
}

func lenOf(body []byte) int {
	batch, err := abi.ParseBatch(body, nil)
	if err != nil {
		return 0
	}
	return batch.Len()
}

// compare takes a batch through both chains.
func (s *Shadow) compare(ctx context.Context, body []byte) error {
	batch, err := abi.ParseBatch(body, nil)
	if err != nil {
		return fmt.Errorf("read a batch: %w", err)
	}
	live, err := s.live.pass(ctx, batch)
	if err != nil {
		return fmt.Errorf("the copy of the live chain: %w", err)
	}
	candidate, err := s.candidate.pass(ctx, batch)
	if err != nil {
		return fmt.Errorf("the candidate: %w", err)
	}
	var counts host.ShadowCounts
	var differences []host.ShadowDifference
	var schemas dictionaries
	room := host.ShadowDifferencesMax - s.kept()
	for i := range live {
		a, b := &live[i], &candidate[i]
		switch {
		case a.notTried || b.notTried:
			counts.Dropped++
			continue
		case same(a, b, &schemas):
			counts.Equal++
			if a.failed != nil {
				counts.BothFailed++
			}
		default:
			counts.Different++
			if len(differences) < room {
				differences = append(differences, host.ShadowDifference{Record: origin(&batch, i), Live: a.shown(),
					Candidate: b.shown()})
			}
		}
		counts.Compared++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Add(&counts)
	s.counts.Traps, s.counts.LastTrap = int64(s.candidate.ends), s.candidate.last
	s.differences = append(s.differences, differences...)
	return nil
}

func (s *Shadow) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.differences)
}

package task

import (
	"context"
	"time"

	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// rest ends the instances of stages that have had no batch since then, if they keep nothing from one batch to the next.
// What is in the connector's instance stays.
func (c *Config) rest(ctx context.Context, links []*pipeline.Link, since time.Time) {
	if time.Since(since) < c.RestAfter {
		return
	}
	for _, l := range links {
		if l.Instance != nil && l.Group.MayRest() {
			c.Log.Debug("no batch for a while; its stages rest", "stage", l.Group.Stages[0].Where())
			_ = l.Instance.Stop(ctx, c.GraceTimeout) // it owes nothing: how it ends changes nothing
			l.Instance = nil
		}
	}
}

// wake starts the instances that rest.
func (c *Config) wake(ctx context.Context, links []*pipeline.Link) error {
	for _, l := range links {
		if l.Instance != nil {
			continue
		}
		fresh, err := c.Start(ctx, l.Group, nil)
		if err != nil {
			return err
		}
		l.Instance = fresh.Instance
	}
	return nil
}

// stopLinks stops instances, all at once.
func stopLinks(ctx context.Context, links []*pipeline.Link, grace time.Duration) {
	done := make(chan struct{})
	running := 0
	for _, l := range links {
		if l.Instance == nil {
			continue
		}
		running++
		go func(i *guest.Instance) {
			_ = i.Stop(ctx, grace) // the task is over: how its stages end changes nothing
			done <- struct{}{}
		}(l.Instance)
	}
	for range running {
		<-done
	}
}

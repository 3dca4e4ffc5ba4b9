package task

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/host"
)

func TestHowLongAStopMayTake(t *testing.T) {
	const grace = 5 * time.Second
	for _, test := range []struct {
		name           string
		linger, hurry  bool // hurry: after one second
		until, stopped time.Duration
	}{
		{name: "stopped", until: grace, stopped: grace},
		{name: "lingering", linger: true, until: host.StopLingerFactor * grace, stopped: host.StopLingerFactor * grace},
		{name: "lingering, and wanted again", linger: true, hurry: true, until: time.Second,
			stopped: host.StopLingerFactor * grace},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Config{Target: NewTarget(false), GraceTimeout: grace}
				ctx, stop := context.WithCancel(t.Context())
				hard, cancel := c.hardContext(ctx)
				defer cancel()
				time.Sleep(time.Hour)
				if hard.Err() != nil {
					t.Fatal("ended before the stop")
				}
				if test.linger {
					c.Target.Linger()
				}
				stop()
				began := time.Now()
				if test.hurry {
					time.AfterFunc(time.Second, c.Target.Hurry)
				}
				<-hard.Done()
				if took := time.Since(began); took != test.until {
					t.Errorf("ended after %s, want %s", took, test.until)
				}
				if got := c.grace(); got != test.stopped {
					t.Errorf("grace: got %s, want %s", got, test.stopped)
				}
			})
		})
	}
}

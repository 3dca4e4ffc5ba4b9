package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

// TestOnlyTheLastLeaderWrites: with exactly-once support, prepared or on, a leader whose successor has come changes no
// configuration; target states and log levels are everybody's.
func TestOnlyTheLastLeaderWrites(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	for _, support := range []string{"preparing", "enabled"} {
		worker := workerFor(t, addr)
		worker["exactly.once.source.support"] = support
		old, _ := startConfigs(t, worker)
		next, _ := startConfigs(t, worker)
		ctx := within(t)
		put := func(s *ConfigStore, name string) error { return s.PutConnector(ctx, name, config(), "") }
		check := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %s: %v", support, what, got)
			}
		}
		check("a write of a worker that does not lead", put(old, "none"), ErrNotClaimed)
		check("the first claim", old.Claim(ctx), nil)
		check("a write of the leader", put(old, "a"), nil)
		check("the second claim", next.Claim(ctx), nil)
		check("a write of the old leader", put(old, "zombie"), ErrNotClaimed)
		select {
		case <-old.ClaimLost():
		default:
			t.Error("the old leader was not told")
		}
		check("a second write of the old leader", put(old, "zombie"), ErrNotClaimed)
		check("a write of the new leader", put(next, "b"), nil)
		check("a target state", old.PutTargetState(ctx, "a", host.TargetPaused), nil)
		check("a log level", old.PutLoggerLevel(ctx, "root", "DEBUG"), nil)
		next.Release()
		check("a write after the release", put(next, "none"), ErrNotClaimed)
		check("reading", next.Refresh(ctx), nil)
		if got := fmt.Sprint(next.Snapshot().Names()); got != "[a b]" {
			t.Errorf("%s: connectors = %s", support, got)
		}
	}
}

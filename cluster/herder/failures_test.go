package herder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/host"
)

func TestFailuresAreTheRuntimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", "")
		told, err := b.TaskFailures(t.Context(), host.TaskID{Connector: "c"})
		if err != nil || len(told) != 1 || told[0].Trace != "c-0" {
			t.Errorf("%v, %v", told, err)
		}
		for _, id := range []host.TaskID{{Connector: "c", Task: 1}, {Connector: "x"}} {
			if _, err := b.TaskFailures(t.Context(), id); !errors.Is(err, host.ErrNotFound) {
				t.Errorf("failures of %s: %v", id, err)
			}
		}
		name := "d"
		bad := config("name", name, host.TrapMaxKey, "-1")
		_, err = b.Create(t.Context(), name, bad, "")
		const want = "Invalid value -1 for configuration berth.trap.max.per.minute: Value must be at least 0"
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

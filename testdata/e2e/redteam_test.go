package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The tests of redteam_*_test.go attack a worker as its users, their modules, their records and its neighbours could.
// An attack must come to nothing, and after it the worker must stand: it answers, the records of others go on, its
// memory is bounded, nothing of the attack is left. With BERTH_RACE=1 the worker looks for data races meanwhile.

// redTeamMemoryMax bounds the resident memory of a worker under attack.
const redTeamMemoryMax = 1536 << 20

// raceFactor is how much more memory and time a worker takes that looks for races.
const raceFactor = 6

// racingSession is the session.timeout.ms of such a worker, whose heartbeats are as slow as all else.
const racingSession = "CONNECT_SESSION_TIMEOUT_MS=60000"

// goroutinesLeft is how many goroutines more than before there may be after all attacks: connections of REST and Kafka
// come and go.
const goroutinesLeft = 60

// fortress is a worker under attack, with a neighbour whose records have to go on.
type fortress struct {
	neighbour
	goroutines int
}

func startFortress(t *testing.T, environment ...string) *fortress {
	t.Helper()
	environment = append(hostileLimits(), environment...)
	if racing() {
		environment = append(environment, racingSession)
	}
	p := startProcess(t, environment...)
	f := &fortress{neighbour: startNeighbour(p)}
	f.goroutines = p.gauge("go_goroutines")
	return f
}

// attack runs one, by name.
func (f *fortress) attack(t *testing.T, name string, attack func(p *process)) {
	t.Run(name, func(t *testing.T) {
		own := *f.process
		own.t = t
		attack(&own)
		f.stands(t)
	})
}

// together runs attacks at the same time.
func (f *fortress) together(t *testing.T, attacks map[string]func(p *process)) {
	t.Run("together", func(t *testing.T) {
		for name, attack := range attacks {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				own := *f.process
				own.t = t
				attack(&own)
				f.stands(t)
			})
		}
	})
}

// stands checks that the worker serves and that the neighbour's records go on.
func (f *fortress) stands(t *testing.T) {
	t.Helper()
	own := *f
	p := *f.process
	p.t, own.process = t, &p
	own.ask("GET", "/connectors", nil, nil)
	own.awaitOutput()
	if now := own.residentBytes(); now > memoryMax() {
		t.Errorf("the worker has %d MiB of memory, at most %d", now>>20, memoryMax()>>20)
	}
}

// finish checks what the attacks have left.
func (f *fortress) finish() {
	f.t.Helper()
	http.DefaultClient.CloseIdleConnections()
	f.await("the goroutines of the attacks ending", func() bool {
		return f.gauge("go_goroutines") <= f.goroutines+goroutinesLeft
	})
	f.t.Logf("%d goroutines before, %d after; a neighbour got %d records, all of them once; memory of the worker at most "+
		"%d MiB", f.goroutines, f.gauge("go_goroutines"), f.neighbour.finish(), f.process.watchMemory()()>>20)
	log := read(f.t, f.log.Name())
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:", "runtime error:"} {
		if at := bytes.Index(log, []byte(bad)); at >= 0 {
			f.t.Errorf("the worker's log tells of a %q:\n%s", bad, log[at:min(at+3000, len(log))])
		}
	}
}

func racing() bool { return os.Getenv("BERTH_RACE") != "" }

func memoryMax() int64 {
	if racing() {
		return raceFactor * redTeamMemoryMax
	}
	return redTeamMemoryMax
}

// residentBytes is the worker's memory now.
func (p *process) residentBytes() int64 {
	p.t.Helper()
	for line := range strings.Lines(string(read(p.t, fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatal("no VmRSS")
	return 0
}

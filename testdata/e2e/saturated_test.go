package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/berth-connect/berth/testdata/guests"
)

const (
	// saturatedLines are more than a source reads while it is measured.
	saturatedLines  = 32_000_000
	saturatedWindow = 2 * time.Second
	saturatedRounds = 2
)

// A source that has more to read than it can keeps its pace while guests start to loop and are killed, one after the
// other: windows with and without them take turns.
func TestE2EHostileGuestsLeaveASaturatedNeighbourItsPace(t *testing.T) {
	p := startProcess(t, hostileLimits()...)
	module := guests.Text{How: "loop", Step: "start", Kind: "source"}
	if code, answer := p.upload("loop", module.Build(t)); code != http.StatusCreated {
		t.Fatalf("upload: %d %s", code, answer)
	}
	input, topic, name := p.file("in.txt"), p.name("lines"), p.name("in")
	writeNumbered(t, input, saturatedLines)
	p.put(name, p.source(input, topic))
	p.await("half a million lines", func() bool { return p.Count(t, topic) > 500_000 })
	var quiet, beset int64
	killed := 0
	for range saturatedRounds {
		quiet += p.moved(topic, func() {})
		hostile := p.name("loop")
		p.put(hostile, keys{"connector.class": module.Class(), "tasks.max": "1"})
		beset += p.moved(topic, func() {
			if p.failed(hostile) {
				killed++
				p.ask("POST", "/connectors/"+hostile+"/tasks/0/restart", nil, nil)
			}
		})
		p.ask("DELETE", "/connectors/"+hostile, nil, nil)
		p.await(hostile+" being gone", func() bool {
			code, _ := p.call("GET", "/connectors/"+hostile+"/status", nil)
			return code == http.StatusNotFound
		})
		time.Sleep(200 * time.Millisecond)
	}
	share := float64(beset) / float64(quiet)
	t.Logf("records in %v: %d alone, %d beside guests that loop (%d were killed): %.0f %%",
		saturatedRounds*saturatedWindow, quiet, beset, killed, 100*share)
	if killed == 0 {
		t.Error("no guest was killed while it was measured")
	}
	if least := strictOr(0.9, 0.2); share < least {
		t.Errorf("the neighbour kept %.0f %% of its pace, at least %.0f %%", 100*share, 100*least)
	}
	if p.Count(t, topic) >= saturatedLines {
		t.Error("the source had read all before the end: raise saturatedLines")
	}
}

// moved is how many records a topic gets in one window; it looks around all the while.
func (p *process) moved(topic string, look func()) int64 {
	p.t.Helper()
	before := p.Count(p.t, topic)
	for started := time.Now(); time.Since(started) < saturatedWindow; time.Sleep(20 * time.Millisecond) {
		look()
	}
	return p.Count(p.t, topic) - before
}

// failed tells whether a connector's task has failed; one that is not started yet has not.
func (p *process) failed(name string) bool {
	p.t.Helper()
	var s status
	code, answer := p.call("GET", "/connectors/"+name+"/status", nil)
	return code == http.StatusOK && json.Unmarshal(answer, &s) == nil && len(s.Tasks) == 1 && s.Tasks[0].State == "FAILED"
}

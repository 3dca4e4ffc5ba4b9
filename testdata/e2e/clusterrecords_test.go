package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// made is what arrived in the topic of a cluster: Datagen's lines begin with their number, and no two tasks make the
// same line.
type made struct {
	numbers map[string]map[string]int // connector → line → its number
	repeats int                       // lines that came again, from the given offsets on
}

// made reads the topic. Lines at or behind the offsets of a partition must be new; without offsets none has to be.
func (c *cluster) made(from map[int32]int64) made {
	c.t.Helper()
	m := made{numbers: map[string]map[string]int{}}
	for _, r := range c.workers[0].Read(c.t, c.topic) {
		connector := header(r, "connector")
		number, err := strconv.Atoi(string(bytes.SplitN(r.Value, []byte(" "), 2)[0]))
		if err != nil || connector == "" {
			c.t.Fatalf("record %+v is none of the connectors'", r)
		}
		if m.numbers[connector] == nil {
			m.numbers[connector] = map[string]int{}
		}
		start, given := from[r.Partition]
		if _, again := m.numbers[connector][string(r.Value)]; again && given && r.Offset >= start {
			m.repeats++
		}
		m.numbers[connector][string(r.Value)] = number
	}
	return m
}

func header(r kafkatest.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// nothingAgain awaits that whoever took work over has got behind what was written before, then lets a worker go on that
// had lost its work, and checks that it writes nothing of it.
func (c *cluster) nothingAgain(goOn func()) {
	c.t.Helper()
	c.workers[0].await("no record to come again", func() bool {
		since := c.workers[0].Ends(c.t, c.topic)
		time.Sleep(time.Second)
		return c.made(since).repeats == 0
	})
	since := c.workers[0].Ends(c.t, c.topic)
	goOn()
	if m := c.made(since); m.repeats > 0 {
		c.t.Errorf("%d records were written again", m.repeats)
	}
}

// nothingLost awaits that whoever took work over has got behind what was written before, and stops all connectors. What
// their tasks commit last is then exactly what is in the topic.
func (c *cluster) nothingLost() {
	c.t.Helper()
	before := c.made(nil)
	c.awaitCommitted("all to be made again", func() made { return before },
		func(committed, arrived int) bool { return committed >= arrived })
	for i := range clusterConnectors {
		c.workers[0].ask(http.MethodPut, fmt.Sprintf("/connectors/made-%02d/stop", i), nil, nil)
	}
	c.awaitCommitted("all to be stopped, and nothing lost", func() made { return c.made(nil) },
		func(committed, arrived int) bool { return committed == arrived })
}

// awaitCommitted awaits that each connector has committed enough of what arrived, or tells which has not.
func (c *cluster) awaitCommitted(what string, arrived func() made, enough func(committed, arrived int) bool) {
	c.t.Helper()
	different := ""
	defer func() {
		if different != "" {
			c.t.Log(different)
		}
	}()
	c.workers[0].await(what, func() bool {
		different = ""
		all := arrived().numbers
		for i := range clusterConnectors {
			name := fmt.Sprintf("made-%02d", i)
			if got, want := c.committed(name), len(all[name]); !enough(got, want) {
				different = fmt.Sprintf("%s: %d records arrived, %d were committed", name, want, got)
			}
		}
		return different == ""
	})
}

// committed is the number of records that all tasks of a connector have made, by its offsets. A task that has committed
// none yet has no offset.
func (c *cluster) committed(name string) (n int) {
	c.t.Helper()
	_, answer := c.workers[0].call("GET", "/connectors/"+name+"/offsets", nil)
	var offsets struct {
		Offsets []struct {
			Offset struct{ Index int }
		}
	}
	if err := json.Unmarshal(answer, &offsets); err != nil || len(offsets.Offsets) > clusterTasks {
		c.t.Fatalf("offsets of %s: %v: %s", name, err, answer)
	}
	for _, o := range offsets.Offsets {
		n += o.Offset.Index
	}
	return n
}

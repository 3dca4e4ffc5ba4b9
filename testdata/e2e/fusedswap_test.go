package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// startsEvery is how many swaps a connector gets before it is stopped and resumed: then its stages are in one instance
// with it again, and the next swap takes them out of it under load.
const startsEvery = 5

// fusedSource is a source whose record n, from 0, has a value that begins with text(n) and the offset position(n).
type fusedSource struct {
	config   keys
	place    func(partition, offset map[string]any) (string, int64)
	text     func(n int) string
	position func(n int) int64
	swaps    int
	made     func() int // ends the source, which has to make so many records; nil: it never ends
}

// Settings of a transformation that is in one instance with its connector, as are the converters, take turns under
// load, before and behind Kafka. What comes out tells that each record was processed once, in order, with the setting
// that the log of swaps names for its offset, and no swap has started a task anew.
func TestE2ESwapsOutOfTheConnectorsInstanceAreExact(t *testing.T) {
	t.Run("steady", func(t *testing.T) {
		p := startProcess(t)
		swapFused(t, p, fusedSource{
			config: keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16", "rate": swapRate("3000"),
				"topic": p.name("hoisted"), "key.converter": asText, "value.converter": asText},
			place: datagenPlace, position: func(n int) int64 { return int64(n) },
			text: func(n int) string { return fmt.Sprint(n, " ") }, swaps: swapCount(t)})
	})
	t.Run("lines", func(t *testing.T) {
		p := startProcess(t)
		swapFused(t, p, fusedSource{
			config: p.source(p.file("in.txt"), p.name("hoisted")), place: filePlace, made: appendLines(t, p.file("in.txt")),
			position: func(n int) int64 { return int64(n+1) * lineBytes },
			text:     func(n int) string { return fmt.Sprintf("%0*d}", lineBytes-1, n) }, swaps: 2 * startsEvery})
	})
}

func swapFused(t *testing.T, p *process, source fusedSource) {
	t.Helper()
	topic := p.name("hoisted")
	p.CreateTopic(t, topic, 1)
	hoisted := func(connector keys, field string, i int) keys {
		return connector.with(keys{"transforms": "mark", "transforms.mark.type": transformsOf + "HoistField$Value",
			"transforms.mark.field": fmt.Sprint(field, i)})
	}
	sink := p.sink(p.file("out.txt"), topic)
	p.put("in", hoisted(source.config, "in", 0))
	p.put("out", hoisted(sink, "out", 0))
	p.awaitState("in", "RUNNING", 1)
	p.awaitState("out", "RUNNING", 1)
	flows := func() {
		t.Helper()
		made, written := p.Count(t, topic), fileSize(t, p.file("out.txt"))
		p.await("records", func() bool {
			return p.Count(t, topic) > made && fileSize(t, p.file("out.txt")) > written
		})
	}
	sources, sinks := swapLog{}, swapLog{}
	var pauses []int64
	for i := 1; i <= source.swaps; i++ {
		flows()
		from, into := p.reconfigure("in", hoisted(source.config, "in", i)), p.reconfigure("out", hoisted(sink, "out", i))
		sources.add(from, fmt.Sprint("in", i), source.place)
		sinks.add(into, fmt.Sprint("out", i), kafkaPlace)
		pauses = append(pauses, append(from.pauses(), into.pauses()...)...)
		if i%startsEvery == 0 {
			flows()
			p.startAnew("in", "out")
		}
	}
	flows()
	logPauses(t, pauses)
	if source.made != nil {
		made := int64(source.made())
		p.await("all records", func() bool { return p.Count(t, topic) >= made })
	}
	p.ask("PUT", "/connectors/in/stop", nil, nil)
	p.await("the end of the source", func() bool { return p.status("in").Connector.State == "STOPPED" })
	checkHoisted(t, p, topic, source, sources, sinks)
}

// appendLines writes numbered lines until end is called, which tells how many there are.
func appendLines(t *testing.T, file string) (end func() int) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		defer f.Close()
		for n := 0; ; n += 20 {
			for i := range 20 {
				if _, err := fmt.Fprintf(f, "%0*d\n", lineBytes-1, n+i); err != nil {
					t.Errorf("write line %d: %v", n+i, err)
				}
			}
			select {
			case <-stop:
				ended <- n + 20
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int { close(stop); return <-ended }
}

// lineBytes is the length of a line of appendLines.
const lineBytes = 10

func filePlace(_, offset map[string]any) (string, int64) {
	return "file", int64(offset["position"].(float64))
}

// startAnew stops connectors and resumes them.
func (p *process) startAnew(connectors ...string) {
	p.t.Helper()
	for _, name := range connectors {
		p.ask("PUT", "/connectors/"+name+"/stop", nil, nil)
		p.await("the end of "+name, func() bool { return len(p.status(name).Tasks) == 0 })
		p.ask("PUT", "/connectors/"+name+"/resume", nil, nil)
		p.awaitState(name, "RUNNING", 1)
	}
}

// reconfigure gives a connector another configuration and returns the swap when its task has it, which was not started
// anew for it.
func (p *process) reconfigure(name string, config keys) swapAnswer {
	p.t.Helper()
	var before int64
	if log := p.swaps(name); len(log) > 0 {
		before = log[0].Revision
	}
	p.put(name, config)
	var s swapAnswer
	p.await("another setting of "+name, func() bool {
		log := p.swaps(name)
		if len(log) == 0 || log[0].Revision == before || log[0].State == "pending" {
			return false
		}
		s = log[0]
		return true
	})
	if s.State != "done" || len(s.Tasks) != 1 || s.Tasks[0].Restarted || len(s.Tasks[0].After) != 1 {
		p.t.Fatalf("another setting of %s: %+v", name, s)
	}
	return s
}

// checkHoisted reads what the source has written and compares the sink's file with it.
func checkHoisted(t *testing.T, p *process, topic string, source fusedSource, sources, sinks swapLog) {
	t.Helper()
	var want []string
	p.Each(t, topic, func(r kafkatest.Record) {
		n := len(want)
		for partition := range sources { // there is one
			due := "Struct{" + sources.version("in0", partition, source.position(n)) + "=" + source.text(n)
			if !strings.HasPrefix(string(r.Value), due) {
				t.Fatalf("record %d is %q, not %q: %v", n, r.Value, due, sources)
			}
		}
		want = append(want, fmt.Sprintf("Struct{%s=%s}", sinks.version("out0", "0", r.Offset), r.Value))
	})
	var got []string
	p.await("all lines", func() bool {
		got = readLines(t, p.file("out.txt"))
		return len(got) >= len(want)
	})
	for i := range got {
		if i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d of %d is %q, not as record %q: %v", i, len(want), got[i], want[min(i, len(want)-1)], sinks)
		}
	}
	if len(sources) != 1 || len(sinks["0"]) != source.swaps {
		t.Fatalf("logs %v and %v of %d swaps", sources, sinks, source.swaps)
	}
	t.Logf("%d records in %d turns of the source and of the sink", len(want), source.swaps)
}

package main

import (
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

const exactlyOnceOn = "CONNECT_EXACTLY_ONCE_SOURCE_SUPPORT=enabled"

// TestE2EExactlyOnceSource: however the worker ends, in the middle of transactions too, consumers of committed records
// see each line once.
func TestE2EExactlyOnceSource(t *testing.T) {
	boundaries := map[string]keys{
		"poll":     {"transaction.boundary": "poll"},
		"interval": {"transaction.boundary": "interval", "transaction.boundary.interval.ms": "200"},
		"own offsets topic": {"transaction.boundary": "interval", "transaction.boundary.interval.ms": "200",
			"offsets.storage.topic": "own"},
	}
	for _, e := range endings {
		for name, boundary := range boundaries {
			t.Run(e.name+" "+name, func(t *testing.T) { interruptExactlyOnce(t, e, boundary) })
		}
	}
}

func interruptExactlyOnce(t *testing.T, e ending, boundary keys) {
	p := startProcess(t, exactlyOnceOn)
	n, input, topic, name := lineCount(t), p.file("in.txt"), p.name("lines"), p.name("in")
	size := writeNumbered(t, input, n)
	config := p.source(input, topic)
	config["exactly.once.support"] = "required"
	for key, value := range boundary {
		config[key] = value
	}
	if config["offsets.storage.topic"] != "" {
		config["offsets.storage.topic"] = p.name("own")
	}
	p.put(name, config)
	done := func() int64 { return p.Count(t, topic) }
	for i := range interruptions {
		// Offsets count what was aborted, and markers, so that the topic may be as long as the file before all is there.
		p.interrupt(ending{name: e.name, end: e.end, twice: true}, i, done, int64(n))
	}
	p.awaitPosition(name, size)
	check := sequence{t: t}
	p.EachCommitted(t, topic, func(r kafkatest.Record) { check.add(r.Value) })
	check.finish(ending{name: e.name}, n)
}

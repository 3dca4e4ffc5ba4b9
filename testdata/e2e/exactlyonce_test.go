package e2e

import (
	"strings"
	"syscall"
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

// TestE2EZombieSourceWritesNothing: a worker that was frozen in the middle of a transaction wakes up when its successor
// runs the task. Nothing that it writes is seen, and once the successor writes Kafka takes nothing of it.
func TestE2EZombieSourceWritesNothing(t *testing.T) {
	c := startCluster(t, 2, exactlyOnceOn)
	n, p := lineCount(t), c.workers[0]
	input, topic, name := p.file("in.txt"), p.name("lines"), p.name("in")
	size := writeNumbered(t, input, n)
	config := p.source(input, topic)
	config["transaction.boundary"], config["transaction.boundary.interval.ms"] = "interval", "500"
	p.put(name, config)
	zombie := c.runsTask(p.awaitState(name, "RUNNING", 1))
	successor := c.without(zombie)[0]
	p.await("the middle of the work", func() bool { return p.Count(t, topic) >= int64(n/20) })
	zombie.signal(syscall.SIGSTOP)
	successor.await("a successor of the task", func() bool {
		var s status
		successor.ask("GET", "/connectors/"+name+"/status", nil, &s)
		return len(s.Tasks) == 1 && s.Tasks[0].State == "RUNNING" && c.runsTask(s) == successor
	})
	zombie.signal(syscall.SIGCONT)
	successor.awaitPosition(name, size)
	zombie.await("the end of the zombie's task", func() bool {
		return zombie.gauge("kafka_connect_worker_task_count") == 0
	})
	check := sequence{t: t}
	p.EachCommitted(t, topic, func(r kafkatest.Record) { check.add(r.Value) })
	check.finish(ending{name: "SIGSTOP"}, n)
	newest := int16(0)
	p.Each(t, topic, func(r kafkatest.Record) {
		if r.ProducerEpoch < newest {
			t.Fatalf("offset %d was written by epoch %d after one of epoch %d", r.Offset, r.ProducerEpoch, newest)
		}
		newest = r.ProducerEpoch
	})
	if newest == 0 {
		t.Error("there was one producer only")
	}
}

// runsTask is the worker that runs the one task.
func (c *cluster) runsTask(s status) *process {
	c.t.Helper()
	for _, p := range c.workers {
		if len(s.Tasks) == 1 && s.Tasks[0].WorkerID == strings.TrimPrefix(p.url, "http://") {
			return p
		}
	}
	c.t.Fatalf("none of the workers runs the task: %+v", s)
	return nil
}

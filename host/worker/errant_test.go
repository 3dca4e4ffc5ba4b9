package worker

import (
	"errors"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

// returns is a sink that gives records up after put has returned.
func returns(name string, more ...string) host.Config {
	return config(append([]string{"name", name, "connector.class", "test.Returns", "topics", name,
		"errors.deadletterqueue.topic.name", "dlq-" + name, "errors.deadletterqueue.context.headers.enable", "true"},
		more...)...)
}

func TestRecordsGivenUpLateAreDeadLettersBeforeTheirOffsetIsCommitted(t *testing.T) {
	for _, when := range []string{"flush", "soon"} {
		b := newBench(t)
		b.addGuest(t, "courier")
		b.kafka.produce("s", "good", when+" 1", "good", when+" 2")
		release := b.kafka.hold("dlq-s")
		b.start(t, returns("s", "errors.tolerance", "all"))
		eventually(t, when+": two letters", func() bool { return b.values("dlq-s") == when+" 1 "+when+" 2" })
		eventually(t, when+": what came before is committed", func() bool { return b.kafka.committed("s") == 1 })
		release()
		eventually(t, when+": all is committed", func() bool { return b.kafka.committed("s") == 4 })
		letter := b.kafka.records("dlq-s")[0]
		for key, want := range map[string]string{"__connect.errors.offset": "1", "__connect.errors.stage": "TASK_PUT",
			"__connect.errors.exception.message": "returned to sender", "__berth.errors.field": "address",
			"__connect.errors.exception.class.name": "test.Returned", "__berth.errors.plugin.class": "test.Returns"} {
			if got := letterOf(letter, key); got != want {
				t.Errorf("%s: header %s = %q, want %q", when, key, got, want)
			}
		}
	}
}

func TestARecordGivenUpLateEndsATaskWithoutTolerance(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "courier")
	b.kafka.produce("s", "good", "soon 1", "good")
	b.start(t, returns("s"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	trace := b.status.task(id).trace
	for _, want := range []string{"Tolerance exceeded in error handler", "test.Returned: returned to sender", "s-0@1"} {
		if !strings.Contains(trace, want) {
			t.Errorf("trace lacks %q:\n%s", want, trace)
		}
	}
	if got := b.values("dlq-s"); got != "soon 1" {
		t.Errorf("letters: %s", got)
	}
	if at := b.kafka.committed("s"); at > 1 {
		t.Errorf("offset %d is committed, want 1 at most", at)
	}
}

func TestALateLetterThatKafkaRefusesEndsTheTask(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "courier")
	b.kafka.refuses = func(r host.ProducerRecord) error {
		if r.Topic == "dlq-s" {
			return errors.New("TOO_LARGE: raise the limit")
		}
		return nil
	}
	b.kafka.produce("s", "good", "flush 1", "good")
	b.start(t, returns("s", "errors.tolerance", "all"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	if at := b.kafka.committed("s"); at != 1 {
		t.Errorf("offset %d is committed, want 1", at)
	}
}

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host"
)

// TestE2ETrapsAndTheirPrice: a stage that ends with its instance on some records. The others go on, once and in order;
// each bad one is in the dead-letter topic; what happened can be read, and what it cost stands in usage, metrics and
// table. Where there is too much of it, the task fails, and again after a restart.
func TestE2ETrapsAndTheirPrice(t *testing.T) {
	p := startProcess(t)
	p.upload("flaky", buildModule(t, "flaky", "./testdata/guests/flaky"))
	topic, dlq, name, output := p.name("trapped"), p.name("dlq"), p.name("s"), p.file("out.txt")
	p.CreateTopic(t, topic, 1)
	const n, every = 2000, 400 // so five of them end instances
	bad := func(k int) bool { return k%every == every/2 }
	p.ProduceEach(t, func(yield func(kafkatest.Record) bool) {
		for k := range n {
			text := fmt.Sprintf("%09d", k)
			if bad(k) {
				text = "panic " + text
			}
			if !yield(kafkatest.Record{Topic: topic, Value: []byte(text)}) {
				return
			}
		}
	})
	chain := keys{"transforms": "l", "transforms.l.type": "flaky.Later"}
	p.put(name, p.sink(output, topic).with(chain).with(deadLettersTo(dlq)))
	p.awaitCommitted(name, topic, n)
	var want []string
	for k := range n {
		if !bad(k) {
			want = append(want, fmt.Sprintf("%09d\n", k))
		}
	}
	if got, _ := os.ReadFile(output); string(got) != strings.Join(want, "") {
		t.Errorf("%d bytes are written, want %d good records, once and in order", len(got), len(want))
	}
	var letters []string
	p.Each(t, dlq, func(r kafkatest.Record) {
		letters = append(letters, string(r.Value))
		contains(t, headerOf(r, "__berth.errors.trap"), "panic: on "+string(r.Value), "main.(*later).Transform")
	})
	if len(letters) != n/every || letters[0] != "panic 000000200" {
		t.Errorf("letters %q", letters)
	}
	p.checkFailures(name, 2*len(letters), host.FailureDeadLetter, host.FailureRetried)
	p.checkUsage(name, n, int64(2*len(letters)))

	strict := p.name("strict")
	none := keys{host.TrapMaxKey: "0"}
	p.put(strict, p.sink(p.file("strict.txt"), topic).with(chain).with(deadLettersTo(dlq)).with(none))
	contains(t, p.awaitFailure(strict), "1 instances of the task ended within a minute, at most 0 may", "flaky.Later",
		topic+"-0@200")
	p.ask("POST", "/connectors/"+strict+"/tasks/0/restart", nil, nil)
	p.await("the same failure after a restart", func() bool { return len(p.failures(strict)) == 2 })
	p.checkFailures(strict, 2, host.FailureFatal, host.FailureFatal)
}

func (p *process) failures(name string) (told []host.TaskFailure) {
	p.t.Helper()
	p.ask("GET", "/connectors/"+name+"/tasks/0/failures", nil, &told)
	return told
}

// checkFailures reads a task's failures and checks how many there are, and what was done about the last two.
func (p *process) checkFailures(name string, n int, last, before string) {
	p.t.Helper()
	told := p.failures(name)
	if len(told) != n || told[0].Action != last || told[1].Action != before {
		p.t.Fatalf("%d failures, want %d, the last two of them %s and %s: %+v", len(told), n, last, before, told)
	}
	for _, f := range told[:2] {
		contains(p.t, f.Trace, "panic: on ", "main.(*later).Transform")
		if f.Class != "flaky.Later" || len(f.Module) != 64 || !strings.Contains(f.Record, "-0@") {
			p.t.Errorf("failure %+v", f)
		}
	}
}

// checkUsage looks at what a connector of the default tenant used, in all three forms.
func (p *process) checkUsage(name string, records, traps int64) {
	p.t.Helper()
	var usage host.Usage
	p.ask("GET", "/usage?tenant=", nil, &usage)
	if len(usage.Tenants) != 1 || usage.Since.IsZero() || usage.Worker == "" {
		p.t.Fatalf("usage %+v", usage)
	}
	for _, c := range usage.Tenants[0].Connectors {
		if c.Connector != name {
			continue
		}
		u := c.Used
		if u.RecordsIn != records || u.RecordsOut != records || u.Traps != traps || u.CPUMillis == 0 || u.Fuel == 0 ||
			u.MemoryPeakBytes == 0 {
			p.t.Errorf("used %+v", u)
		}
	}
	_, metrics := p.call("GET", "/metrics", nil)
	contains(p.t, string(metrics), `berth_usage_cpu_seconds_total{class="flaky.Later",connector="`+name+`",module="`,
		`tenant=""} `, fmt.Sprintf("\nberth_tenant_traps_total{tenant=\"\"} %d\n", traps))
	contains(p.t, p.berth("usage", "-url", p.url), "TRAPS", "tenant (default)", "  "+name+"\n", "    flaky.Later ")
}

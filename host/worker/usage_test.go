package worker

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/usage"
)

// quotas are fixed, by tenant.
type quotas map[string]host.Quota

func (q quotas) Quota(tenant string) host.Quota { return q[tenant] }

// byName takes every name with a tenant's form for the tenant's.
func byName(connector string) string {
	tenant, _ := host.SplitTenant(connector)
	return tenant
}

// holdTo makes tenants of the names in front of connectors', and gives them quotas, before anything runs.
func (b *bench) holdTo(q quotas) {
	b.book = usage.New("test:8083", q, byName, b.Registry.Engine().Share)
}

// used is what a tenant whose task was started used so far.
func (b *bench) used(t *testing.T, tenant string) host.TenantUsage {
	t.Helper()
	var all []host.TenantUsage
	eventually(t, "the tenant's account is opened", func() bool {
		all = b.Usage(&tenant).Tenants
		return len(all) == 1
	})
	return all[0]
}

func (b *bench) sinkTo(t *testing.T, name, topic string, more ...string) host.Config {
	t.Helper()
	c := config(append([]string{"name", name, "connector.class", "FileStreamSink", "topics", topic},
		more...)...)
	return c
}

func TestUsageIsOfTenantConnectorAndPlugin(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.holdTo(quotas{})
	const n = 2000
	for i := range n {
		b.kafka.produce("s", fmt.Sprintf(`{"id":%d}`, i))
	}
	out := filepath.Join(dir, "out.txt")
	b.start(t, b.sinkTo(t, "team-a::s", "s", "file", out,
		"value.converter", "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable", "false"))
	eventually(t, "all records are put", func() bool { return b.used(t, "team-a").Used.RecordsOut == n })
	running := b.used(t, "team-a")
	if u := running.Used; u.CPUMillis == 0 || u.Fuel == 0 || u.RecordsIn != n || u.BytesIn == 0 ||
		u.BytesOut != u.BytesIn || u.MemoryBytes == 0 || u.MemoryPeakBytes < u.MemoryBytes || u.Traps != 0 {
		t.Errorf("used %+v", u)
	}
	if len(running.Connectors) != 1 || running.Connectors[0].Connector != "team-a::s" {
		t.Fatalf("connectors %+v", running.Connectors)
	}
	classes := map[string]host.Used{}
	for _, p := range running.Connectors[0].Plugins {
		classes[p.Class] = p.Used
	}
	sink := classes["org.apache.kafka.connect.file.FileStreamSinkConnector"]
	if sink.RecordsIn != n || sink.MemoryBytes == 0 || sink.BytesIn == 0 {
		t.Errorf("plugins %+v", classes)
	}
	if json := classes["org.apache.kafka.connect.json.JsonConverter"]; json.Fuel == 0 || json.RecordsIn != 0 {
		t.Errorf("the converter, which is at work in the connector's instance, used %+v", json)
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "team-a::s"})
	b.StopConnector(t.Context(), "team-a::s", "")
	eventually(t, "the memory is given back", func() bool { return b.used(t, "team-a").Used.MemoryBytes == 0 })
	if after := b.used(t, "team-a").Used; after.CPUMillis < running.Used.CPUMillis || after.MemoryPeakBytes == 0 {
		t.Errorf("after the end %+v", after)
	}
}

// A growth over the tenant's quota ends that instance, and its trace says so; another tenant has its own.
func TestAGrowthOverTheTenantsQuotaEndsTheInstance(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	b.holdTo(quotas{"a": {MemoryBytes: 40 << 20}})
	for _, name := range []string{"a::greedy", "b::modest"} {
		misbehave := "poll:memory"
		if name == "b::modest" {
			misbehave = "stop:trap"
		}
		b.start(t, config("name", name, "connector.class", "hostile.Source", "topic", "t-"+name, "misbehave", misbehave))
	}
	greedy, modest := host.TaskID{Connector: "a::greedy"}, host.TaskID{Connector: "b::modest"}
	eventually(t, "task FAILED", func() bool { return b.status.task(greedy).state == host.Failed })
	const want = "limit memory-per-tenant (40.0 MiB): the module asked for more memory than is left of tenant a's quota"
	if trace := b.status.task(greedy).trace; !strings.Contains(trace, want) {
		t.Errorf("trace: %s", trace)
	}
	eventually(t, "the other tenant's records", func() bool { return len(b.kafka.records("t-b::modest")) == 10 })
	if s := b.status.task(modest); s.state != host.Running {
		t.Errorf("the other tenant's task: %+v", s)
	}
	a := b.used(t, "a")
	if a.Slowed.MemoryRefusals == 0 || a.Used.MemoryPeakBytes > 40<<20 || a.Used.MemoryPeakBytes < 20<<20 {
		t.Errorf("tenant a: %+v, %+v", a.Used, a.Slowed)
	}
	eventually(t, "the end is counted", func() bool { return b.used(t, "a").Used.Traps == 1 })
	b.start(t, config("name", "a::greedy", "connector.class", "hostile.Source", "topic", "x"))
	eventually(t, "a task that fits runs", func() bool { return b.status.task(greedy).state == host.Running })
}

func TestATaskThatIsOneTooManyIsNotStarted(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.holdTo(quotas{"a": {Tasks: 1}})
	out := filepath.Join(dir, "out.txt")
	for i := range 2 {
		name := fmt.Sprint("a::", i)
		b.start(t, config("name", name, "connector.class", "FileStreamSink", "topics", name, "file", out))
		if i == 0 {
			eventually(t, "the first runs", func() bool { return b.used(t, "a").Used.MemoryBytes > 0 })
		}
	}
	id := host.TaskID{Connector: "a::1"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	const want = "limit tasks-per-tenant (1): the module was not started: tenant a has that many on this worker"
	if trace := b.status.task(id).trace; !strings.Contains(trace, want) {
		t.Errorf("trace: %s", trace)
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "a::0"})
	b.start(t, b.sinkTo(t, "a::1", "a::1", "file", out))
	eventually(t, "its place is free", func() bool { return b.used(t, "a").Used.MemoryBytes > 0 })
}

// A tenant over its rate waits; it does not fail, and the others do not wait.
func TestATenantOverItsRateIsSlowedDown(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	const n = 300
	b.holdTo(quotas{"slow": {RecordsPerSecond: 100}})
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprint(i))
	}
	b.kafka.produce("in", lines...)
	in := filepath.Join(dir, "in.txt")
	writeLines(t, in, lines...)
	for _, tenant := range []string{"slow", "fast"} {
		b.start(t, b.sinkTo(t, tenant+"::s", "in", "file", filepath.Join(dir, tenant)))
		b.start(t, config("name", tenant+"::f", "connector.class", "FileStreamSource", "file", in, "topic", tenant,
			"batch.size", "50"))
	}
	for _, tenant := range []string{"fast", "slow"} {
		eventually(t, "all records of both", func() bool { return b.used(t, tenant).Used.RecordsOut == 2*n })
	}
	if s := b.used(t, "slow").Slowed; s.Waits == 0 || s.Millis == 0 {
		t.Errorf("who is over its rate: %+v", s)
	}
	if s := b.used(t, "fast").Slowed; s != (host.Slowed{}) {
		t.Errorf("who has none: %+v", s)
	}
	for _, name := range []string{"slow::s", "slow::f"} {
		if s := b.status.task(host.TaskID{Connector: name}); s.state != host.Running {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if got := b.values("slow"); got != strings.Join(lines, " ") {
		t.Errorf("sent: %s", got)
	}
}

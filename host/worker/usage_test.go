package worker

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/usage"
)

// quotas are fixed, by tenant.
type quotas map[string]host.Quota

func (q quotas) Quota(tenant string) host.Quota { return q[tenant] }

// holdTo gives the worker's tenants quotas, before anything runs.
func (b *bench) holdTo(q quotas) { b.book = usage.New("test:8083", q, b.Registry.Engine().Share) }

// used is what a tenant used so far.
func (b *bench) used(t *testing.T, tenant string) host.TenantUsage {
	t.Helper()
	all := b.Usage(&tenant).Tenants
	if len(all) != 1 {
		t.Fatalf("usage of %d tenants, want of one", len(all))
	}
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

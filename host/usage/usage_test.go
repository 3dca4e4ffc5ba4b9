package usage

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
)

const mib = 1 << 20

// quotas are fixed, by tenant.
type quotas map[string]host.Quota

func (q quotas) Quota(tenant string) host.Quota { return q[tenant] }

func owner(connector string) string {
	tenant, _ := host.SplitTenant(connector)
	return tenant
}

func newBook(q quotas) *Book {
	var shares fair.Shares
	return New("w:1", q, owner, func(string) *fair.Tenant { return shares.Join() })
}

var stages = []Stage{{Digest: "d", Class: "transform"}, {Digest: "d", Class: "sink", Connector: true}}

func TestWhatIsUsedStandsWhereItBelongs(t *testing.T) {
	b := newBook(nil)
	i := b.Instance("a::c", stages)
	account := i.Account()
	account.Computed(0, 5*time.Millisecond, 100)
	account.Computed(1, 7*time.Millisecond, 0)
	account.Computed(77, 900*time.Microsecond, 1) // a stage that is none
	for _, m := range account.Memory {
		m.Take(3 * mib)
		m.Take(-mib)
	}
	i.Handed(10)
	i.Took(20)
	i.Records(3, 2)
	i.Connected()
	i.Network(5, 6)
	i.Line(true)
	i.Line(false)
	i.Trapped(0)
	i.Trapped(-1)
	flow := b.Open("a::c")
	flow.In(30, 300)
	flow.Out(20, 200)
	u := b.Usage(nil).Tenants[0]
	want := host.Used{CPUMillis: 12, Fuel: 101, RecordsIn: 30, RecordsOut: 20, BytesIn: 300, BytesOut: 200,
		MemoryBytes: 2 * mib, MemoryPeakBytes: 3 * mib, NetworkReadBytes: 5, NetworkWrittenBytes: 6, Connections: 1,
		LogLines: 1, LogLinesDropped: 1, Traps: 2}
	if u.Tenant != "a" || u.Used != want || len(u.Connectors) != 1 || u.Connectors[0].Used != want {
		t.Errorf("got %+v\nwant %+v", u, want)
	}
	plugins := u.Connectors[0].Plugins
	want.RecordsIn, want.RecordsOut, want.BytesIn, want.BytesOut = 3, 2, 10, 20
	want.CPUMillis, want.Fuel, want.Traps = 7, 1, 1
	if len(plugins) != 2 || plugins[0].Class != "sink" || plugins[0].Used != want ||
		plugins[1].Used != (host.Used{CPUMillis: 5, Fuel: 100, Traps: 1}) {
		t.Errorf("plugins %+v", plugins)
	}
	none := "b"
	if others := b.Usage(&none).Tenants; others == nil || len(others) != 0 {
		t.Errorf("usage of a tenant that is not there: %+v", others)
	}
}

// What a tenant used never gets less, whatever becomes of its connectors, and what is told apart is bounded.
func TestUsageOutlivesConnectors(t *testing.T) {
	b := newBook(nil)
	runs := b.Open("a::0000")
	const n = connectorsMax + 10
	for k := range n {
		i := b.Instance(fmt.Sprintf("a::%04d", k), []Stage{{Digest: "d", Class: "c"}})
		i.Account().Computed(0, time.Millisecond, 1)
		i.Close()
	}
	u := b.Usage(nil).Tenants[0]
	if u.Used.CPUMillis != n || u.Used.Fuel != n || len(u.Connectors) != connectorsMax {
		t.Errorf("%d ms, %d units of %d; %d connectors", u.Used.CPUMillis, u.Used.Fuel, n, len(u.Connectors))
	}
	if u.Connectors[0].Connector != "a::0000" {
		t.Errorf("a connector that runs is forgotten; the first is %s", u.Connectors[0].Connector)
	}
	runs.Close()
	for k := range pluginsMax + 7 {
		i := b.Instance("b::c", []Stage{{Digest: fmt.Sprint(k), Class: "c"}})
		i.Account().Computed(0, time.Millisecond, 1)
		i.Close()
	}
	u = b.Usage(nil).Tenants[1]
	if c := u.Connectors[0]; c.Used.Fuel != pluginsMax+7 || len(c.Plugins) != pluginsMax {
		t.Errorf("%d units of %d; %d plugins", c.Used.Fuel, pluginsMax+7, len(c.Plugins))
	}
}

func TestMemoryOfATenantIsBounded(t *testing.T) {
	b := newBook(quotas{"a": {MemoryBytes: 10 * mib}})
	one, other := b.Instance("a::x", stages).Account(), b.Instance("a::y", stages).Account()
	free := b.Instance("b::x", stages).Account()
	if !one.Memory[0].Take(6*mib) || !free.Memory[0].Take(100*mib) || other.Memory[0].Take(5*mib) {
		t.Fatal("6 of 10 MiB fit, 5 more do not; who has no quota has no limit")
	}
	if !other.Memory[0].Take(4 * mib) {
		t.Error("what was refused has been kept")
	}
	refusal := other.Memory[0].Refusal().Error()
	if want := "limit memory-per-tenant (10.0 MiB): the module asked for more memory than is left of tenant a's quota; " +
		"run fewer of the tenant's tasks here or raise memory_bytes of its quota"; refusal != want {
		t.Errorf("%s, want %s", refusal, want)
	}
	if s := b.Usage(nil).Tenants[0].Slowed; s.MemoryRefusals != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTasksAreAdmittedWhileThereIsRoom(t *testing.T) {
	b := newBook(quotas{"a": {MemoryBytes: 100 * mib, Tasks: 3}})
	c, other := b.Open("a::x"), b.Open("b::x")
	admit := func(c *Connector, needs, used int64) (*Admission, string) {
		t.Helper()
		a, err := b.Admit(c, needs, used, 1000*mib)
		if err == nil {
			return a, ""
		}
		var limit *host.LimitError
		if !errors.As(err, &limit) {
			t.Fatalf("%v is no limit", err)
		}
		return nil, limit.Name
	}
	first, _ := admit(c, 50*mib, 0)
	if _, name := admit(c, 41*mib, 0); name != host.LimitTenantMemory {
		t.Errorf("50 and 41 of 100 MiB: %q", name)
	}
	if _, name := admit(other, 41*mib, 810*mib); name != host.LimitWorkerMemory {
		t.Errorf("810, 50 that are starting, and 41 of 1000 MiB: %q", name)
	}
	first.Started() // now its instances hold what they have
	second, name := admit(c, 41*mib, 0)
	if name != "" {
		t.Fatalf("what has started is counted twice: %q", name)
	}
	second.Started()
	if _, name := admit(c, 1, 0); name != "" {
		t.Errorf("a third task: %q", name)
	}
	if _, name := admit(c, 1, 0); name != host.LimitTenantTasks {
		t.Errorf("a fourth of three tasks: %q", name)
	}
	first.Ended()
	first.Started() // comes too late, and changes nothing
	if _, name := admit(c, 1, 0); name != "" {
		t.Errorf("a task in the place of one that has ended: %q", name)
	}
	if s := b.Usage(nil).Tenants; s[0].Slowed.TaskRefusals != 2 || s[1].Slowed.TaskRefusals != 1 {
		t.Errorf("%+v and %+v", s[0].Slowed, s[1].Slowed)
	}
	_, err := b.Admit(other, 10*mib, 2000*mib, 1000*mib)
	if err == nil || !strings.Contains(err.Error(), "it needs 10.0 MiB") {
		t.Errorf("%v", err)
	}
}

// A thousand tasks that start at once have no more room than one after the other.
func TestAdmissionHoldsForAllThatStartAtOnce(t *testing.T) {
	b := newBook(quotas{"a": {Tasks: 7}})
	c := b.Open("a::x")
	var admitted sync.Map
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			if a, err := b.Admit(c, mib, 0, 1000*mib); err == nil {
				admitted.Store(i, a)
			}
		})
	}
	all.Wait()
	n := 0
	admitted.Range(func(_, _ any) bool { n++; return true })
	if n != 7 {
		t.Errorf("%d tasks of 7 were admitted", n)
	}
}

func TestPaceSpreadsWhatWasSpent(t *testing.T) {
	const s = time.Second
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		name      string
		perSecond float64
		spend     map[time.Duration]float64 // when, how much
		at, want  time.Duration
	}{
		{"no limit", 0, map[time.Duration]float64{0: 1e12}, 0, 0},
		{"a second's worth ahead", 100, map[time.Duration]float64{0: 100}, 0, 0},
		{"three seconds' worth", 100, map[time.Duration]float64{0: 300}, 0, 2 * s},
		{"is paid for in time", 100, map[time.Duration]float64{0: 300}, 2 * s, 0},
		{"idle time is not saved", 100, map[time.Duration]float64{0: 100, 60 * s: 200}, 60 * s, s},
		{"much less than one a second", 0.01, map[time.Duration]float64{0: 1}, 0, 99 * s},
		{"at most an hour", 0.001, map[time.Duration]float64{0: 1e9}, 0, time.Hour - s},
	} {
		var p pace
		for _, at := range []time.Duration{0, 60 * s} {
			p.spend(start.Add(at), c.spend[at], c.perSecond)
		}
		if got := p.wait(start.Add(c.at), c.perSecond); got != c.want {
			t.Errorf("%s: waits %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRatesAreTheTenants(t *testing.T) {
	b := newBook(quotas{"a": {RecordsPerSecond: 10, LogLinesPerSecond: 2}, "b": {BytesPerSecond: 1000}})
	one, other, free, bytes := b.Open("a::x"), b.Open("a::y"), b.Open("c::x"), b.Open("b::x")
	for _, c := range []*Connector{one, free, bytes} {
		c.In(100, 5000)
	}
	if one.Wait() == 0 || other.Wait() == 0 {
		t.Error("what one task took in does not hold up the others of its tenant")
	}
	if free.Wait() != 0 || bytes.Wait() == 0 {
		t.Errorf("without a quota: %v; 5000 of 1000 bytes: %v", free.Wait(), bytes.Wait())
	}
	if one.RecordsMax(4096) != 10 || free.RecordsMax(4096) != 4096 {
		t.Errorf("at a time %d and %d", one.RecordsMax(4096), free.RecordsMax(4096))
	}
	one.Waited(time.Second)
	i, let := b.Instance("a::x", stages), 0
	for range 50 {
		if i.Line(true) {
			let++
		}
	}
	s := b.Usage(nil).Tenants[0].Slowed
	if let == 0 || let > 25 || s.LogLinesDropped != int64(50-let) || s.Waits != 1 || s.Millis != 1000 {
		t.Errorf("%d lines; %+v", let, s)
	}
}

func TestWeightsFollowTheQuota(t *testing.T) {
	q := quotas{"a": {CPUShare: 3}}
	b := newBook(q)
	c := b.Open("a::x")
	if got := c.Tenant.Share.Weight(); got != 3 {
		t.Errorf("weight %v", got)
	}
	q["a"] = host.Quota{CPUShare: 0.5}
	if c.In(1, 1); c.Tenant.Share.Weight() != 0.5 {
		t.Errorf("weight %v after the quota was changed", c.Tenant.Share.Weight())
	}
}

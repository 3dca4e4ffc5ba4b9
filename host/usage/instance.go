package usage

import (
	"context"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
)

// Stage names the plugin of one stage of an instance.
type Stage struct {
	Digest, Class string
	Connector     bool // it is the connector itself
}

// Instance is who pays for one instance. Its methods are called while it lives, by several goroutines.
type Instance struct {
	connector *Connector
	stages    []*Plugin
	lead      *Plugin // the one that memory, network, records and bytes stand at
}

// Instance opens the accounts for an instance with these stages; Close ends their use.
func (b *Book) Instance(connector string, stages []Stage) *Instance {
	c := b.Open(connector)
	i := &Instance{connector: c}
	for _, s := range stages {
		p := c.plugin(pluginKey{s.Digest, s.Class})
		i.stages = append(i.stages, p)
		if i.lead == nil || s.Connector {
			i.lead = p
		}
	}
	return i
}

// Close ends the use of the accounts.
func (i *Instance) Close() {
	for _, p := range i.stages {
		i.connector.closePlugin(p)
	}
	i.connector.Close()
}

// Account is what the engine is told.
func (i *Instance) Account() engine.Account {
	return engine.Account{
		Share:    i.connector.Tenant.Share,
		Memory:   []engine.MemoryBudget{(*tenantMemory)(i.connector.Tenant), &i.connector.memory, &i.lead.memory},
		Computed: i.computed,
	}
}

func (i *Instance) computed(stage uint32, d time.Duration, units uint32) {
	p := i.at(int(stage))
	p.cpu.Add(int64(d))
	if units > 0 {
		p.fuel.Add(int64(units))
	}
}

// at is the plugin of a stage; a guest that names none that exists is its lead.
func (i *Instance) at(stage int) *Plugin {
	if stage >= 0 && stage < len(i.stages) {
		return i.stages[stage]
	}
	return i.lead
}

// Handed counts bytes that the guest took from the host, Took those that it gave.
func (i *Instance) Handed(bytes int) { i.lead.bytesIn.Add(int64(bytes)) }

// Took counts bytes that the host took from the guest.
func (i *Instance) Took(bytes int) { i.lead.bytesOut.Add(int64(bytes)) }

// Records counts records of a batch that went in and of its answer.
func (i *Instance) Records(in, out int) {
	i.lead.recordsIn.Add(int64(in))
	i.lead.recordsOut.Add(int64(out))
}

// Line counts a line for the log, and tells whether the tenant's quota has room for it; kept: the instance's limit has.
func (i *Instance) Line(kept bool) bool {
	if kept && !i.connector.Tenant.line(time.Now()) {
		i.connector.Tenant.slowed.lines.Add(1)
		kept = false
	}
	if kept {
		i.lead.lines.Add(1)
	} else {
		i.lead.linesDropped.Add(1)
	}
	return kept
}

// Trapped counts an end of the instance that was its own fault; stage is -1 when it is not known.
func (i *Instance) Trapped(stage int) { i.at(stage).traps.Add(1) }

// Connected counts a connection.
func (i *Instance) Connected() { i.lead.connections.Add(1) }

// Network counts bytes of connections.
func (i *Instance) Network(read, written int) {
	i.lead.networkRead.Add(int64(read))
	i.lead.networkWritten.Add(int64(written))
}

// Pace waits until the tenant may pass n more bytes over the network, or ctx ends.
func (i *Instance) Pace(ctx context.Context, n int) {
	t := i.connector.Tenant
	perSecond := t.quota().NetworkBytesPerSecond
	if perSecond <= 0 {
		return
	}
	t.rates.network.spend(time.Now(), float64(n), perSecond)
	wait := t.rates.network.wait(time.Now(), perSecond)
	if wait == 0 {
		return
	}
	i.connector.Waited(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tenantMemory holds a tenant to its quota.
type tenantMemory Tenant

// Take implements engine.MemoryBudget.
func (m *tenantMemory) Take(n int64) bool {
	taken := m.memory.takeUpTo(n, m.quota().MemoryBytes)
	if !taken {
		m.slowed.memory.Add(1)
	}
	return taken
}

// Refusal implements engine.MemoryBudget.
func (m *tenantMemory) Refusal() *host.LimitError {
	return &host.LimitError{Name: host.LimitTenantMemory, Limit: mebibytes(m.quota().MemoryBytes),
		What: "asked for more memory than is left of tenant " + displayName(m.name) + "'s quota"}
}

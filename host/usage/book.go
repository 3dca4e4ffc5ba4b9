// Package usage counts what guests use, by tenant, connector and plugin, and holds tenants to their quotas.
package usage

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
)

const (
	// connectorsMax is how many connectors of a tenant, and pluginsMax how many plugins of a connector, are told apart.
	// Beyond, those that were used least recently and run no more are counted together. It bounds the labels of metrics.
	connectorsMax = 1000
	pluginsMax    = 100
)

// Book holds the accounts of a worker. Safe for concurrent use.
type Book struct {
	worker string
	since  time.Time
	quotas host.Quotas // nil: nobody has one
	owner  func(connector string) string
	share  func(tenant string) *fair.Tenant

	admitting sync.Mutex // one task is admitted at a time

	needed atomic.Int64 // bytes that tasks of all tenants which are starting will have

	mu      sync.Mutex
	tenants map[string]*Tenant // guarded by mu
}

// New begins a book. owner tells whose a connector is, share makes a tenant's share of the cores.
func New(worker string, quotas host.Quotas, owner func(connector string) (tenant string),
	share func(tenant string) *fair.Tenant) *Book {
	return &Book{worker: worker, since: time.Now(), quotas: quotas, owner: owner, share: share,
		tenants: map[string]*Tenant{}}
}

// Tenant is the account of a tenant: what its connectors used, and its quota.
type Tenant struct {
	Share *fair.Tenant

	name   string
	quota  func() host.Quota
	memory level
	slowed slowed
	rates  rates
	tasks  atomic.Int64 // that run on this worker
	needed atomic.Int64 // bytes that tasks which are starting will have

	mu         sync.Mutex
	connectors map[string]*Connector // guarded by mu
	gone       total                 // of connectors that are counted together; guarded by mu
}

// Connector is the account of a connector: what its tasks took in and gave out, and what its plugins used.
type Connector struct {
	Tenant *Tenant

	name   string
	flow   counts // records and bytes of its tasks
	memory level

	mu      sync.Mutex
	plugins map[pluginKey]*Plugin // guarded by mu
	gone    total                 // of plugins that are counted together; guarded by mu
	open    int                   // instances and tasks that use the account; guarded by Tenant.mu
	used    time.Time             // when somebody last began or ceased to; guarded by Tenant.mu
}

type pluginKey struct{ digest, class string }

// Plugin is the account of one plugin in one connector.
type Plugin struct {
	counts
	memory level
	open   int       // guarded by Connector.mu
	used   time.Time // guarded by Connector.mu
}

// Tenant finds or opens the account of a tenant.
func (b *Book) Tenant(name string) *Tenant {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[name]
	if t == nil {
		t = &Tenant{name: name, quota: func() host.Quota { return b.quotaOf(name) }, Share: b.share(name),
			connectors: map[string]*Connector{}}
		b.tenants[name] = t
	}
	return t
}

func (b *Book) quotaOf(tenant string) host.Quota {
	if b.quotas == nil {
		return host.Quota{}
	}
	return b.quotas.Quota(tenant)
}

// Open finds or opens the account of a connector by its full name; Close says that it is not needed any more.
func (b *Book) Open(connector string) *Connector {
	t := b.Tenant(b.owner(connector))
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.connectors[connector]
	if c == nil {
		c = &Connector{Tenant: t, name: connector, plugins: map[pluginKey]*Plugin{}}
		t.connectors[connector] = c
	}
	c.open++
	c.used = time.Now()
	t.Share.SetWeight(t.quota().CPUShare)
	t.forget()
	return c
}

// MemoryBytes is what the connector's instances have now.
func (c *Connector) MemoryBytes() int64 { return c.memory.now.Load() }

// Close ends one use of the account.
func (c *Connector) Close() {
	c.Tenant.mu.Lock()
	defer c.Tenant.mu.Unlock()
	c.open--
	c.used = time.Now()
	c.Tenant.forget()
}

// forget counts together what there is too much of.
func (t *Tenant) forget() {
	if len(t.connectors) <= connectorsMax {
		return
	}
	oldest := ""
	for name, c := range t.connectors {
		if c.open == 0 && (oldest == "" || c.used.Before(t.connectors[oldest].used)) {
			oldest = name
		}
	}
	if oldest != "" {
		t.gone.add(t.connectors[oldest].total())
		delete(t.connectors, oldest)
	}
}

// Forget drops the account of a tenant that is deleted. What still runs of it counts on where nobody looks.
func (b *Book) Forget(tenant string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tenants[tenant]; t != nil {
		t.Share.Leave()
		delete(b.tenants, tenant)
	}
}

// Plugin finds or opens the account of a plugin; closePlugin ends its use.
func (c *Connector) plugin(key pluginKey) *Plugin {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.plugins[key]
	if p == nil {
		p = &Plugin{}
		c.plugins[key] = p
	}
	p.open++
	p.used = time.Now()
	c.forget()
	return p
}

func (c *Connector) closePlugin(p *Plugin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.open--
	p.used = time.Now()
	c.forget()
}

func (c *Connector) forget() {
	if len(c.plugins) <= pluginsMax {
		return
	}
	var oldest pluginKey
	for key, p := range c.plugins {
		if p.open == 0 && (oldest == pluginKey{} || p.used.Before(c.plugins[oldest].used)) {
			oldest = key
		}
	}
	if p := c.plugins[oldest]; p != nil {
		p.addTo(&c.gone)
		delete(c.plugins, oldest)
	}
}

// total is what the connector's plugins used, with the records and bytes of its tasks: a record passes several plugins.
func (c *Connector) total() *total {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum total
	sum.add(&c.gone)
	for _, p := range c.plugins {
		p.addTo(&sum)
	}
	sum.RecordsIn, sum.RecordsOut, sum.BytesIn, sum.BytesOut = 0, 0, 0, 0
	c.flow.addTo(&sum)
	return &sum
}

// Usage is what was used so far, by all tenants or, if only is not nil, by that one.
func (b *Book) Usage(only *string) host.Usage {
	b.mu.Lock()
	var tenants []*Tenant
	for name, t := range b.tenants {
		if only == nil || *only == name {
			tenants = append(tenants, t)
		}
	}
	b.mu.Unlock()
	slices.SortFunc(tenants, func(x, y *Tenant) int { return strings.Compare(x.name, y.name) })
	u := host.Usage{Worker: b.worker, Since: b.since, Tenants: []host.TenantUsage{}}
	for _, t := range tenants {
		u.Tenants = append(u.Tenants, t.usage())
	}
	return u
}

func (t *Tenant) usage() host.TenantUsage {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := host.TenantUsage{Tenant: t.name, Quota: t.quota(), Slowed: t.slowed.snapshot(),
		Connectors: []host.ConnectorUsage{}}
	var sum total
	sum.add(&t.gone)
	for _, c := range t.connectors {
		of := c.total()
		sum.add(of)
		u.Connectors = append(u.Connectors, host.ConnectorUsage{Connector: c.name, Used: of.used(&c.memory),
			Plugins: c.pluginUsage()})
	}
	u.Used = sum.used(&t.memory)
	slices.SortFunc(u.Connectors, func(x, y host.ConnectorUsage) int { return strings.Compare(x.Connector, y.Connector) })
	return u
}

func (c *Connector) pluginUsage() []host.PluginUsage {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []host.PluginUsage{}
	for key, p := range c.plugins {
		var sum total
		p.addTo(&sum)
		all = append(all, host.PluginUsage{Class: key.class, Digest: key.digest, Used: sum.used(&p.memory)})
	}
	slices.SortFunc(all, func(x, y host.PluginUsage) int {
		return cmp.Or(strings.Compare(x.Digest, y.Digest), strings.Compare(x.Class, y.Class))
	})
	return all
}

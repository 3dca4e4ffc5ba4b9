package worker

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/host"
)

// usageMeter shows one figure of host.Used.
type usageMeter struct {
	name, description string
	gauge             bool
	of                func(*host.Used) float64
}

// usageMeters are the figures of GET /usage, so that a platform team can bill: counters since the worker's start.
var usageMeters = []usageMeter{
	{"berth_usage_cpu_seconds", "Computing in guests.", false,
		func(u *host.Used) float64 { return float64(u.CPUMillis) / 1000 }},
	{"berth_usage_fuel", "Units of metering that guests spent.", false,
		func(u *host.Used) float64 { return float64(u.Fuel) }},
	{"berth_usage_records_in", "Records that came in.", false,
		func(u *host.Used) float64 { return float64(u.RecordsIn) }},
	{"berth_usage_records_out", "Records that went out.", false,
		func(u *host.Used) float64 { return float64(u.RecordsOut) }},
	{"berth_usage_bytes_in", "Bytes of what came in.", false,
		func(u *host.Used) float64 { return float64(u.BytesIn) }},
	{"berth_usage_bytes_out", "Bytes of what went out.", false,
		func(u *host.Used) float64 { return float64(u.BytesOut) }},
	{"berth_usage_network_read_bytes", "Bytes that came in on connections of guests.", false,
		func(u *host.Used) float64 { return float64(u.NetworkReadBytes) }},
	{"berth_usage_network_written_bytes", "Bytes that went out on connections of guests.", false,
		func(u *host.Used) float64 { return float64(u.NetworkWrittenBytes) }},
	{"berth_usage_connections", "Connections that guests have opened.", false,
		func(u *host.Used) float64 { return float64(u.Connections) }},
	{"berth_usage_log_lines", "Lines that guests wrote to the log.", false,
		func(u *host.Used) float64 { return float64(u.LogLines) }},
	{"berth_usage_log_lines_dropped", "Lines of guests that were over a limit.", false,
		func(u *host.Used) float64 { return float64(u.LogLinesDropped) }},
	{"berth_usage_traps", "Instances that ended through their own fault.", false,
		func(u *host.Used) float64 { return float64(u.Traps) }},
	{"berth_usage_memory_bytes", "Memory of guests.", true,
		func(u *host.Used) float64 { return float64(u.MemoryBytes) }},
	{"berth_usage_memory_peak_bytes", "The most memory that guests had at one time.", true,
		func(u *host.Used) float64 { return float64(u.MemoryPeakBytes) }},
}

// slowedMeters show what quotas did.
var slowedMeters = []struct {
	name, description string
	of                func(*host.Slowed) float64
}{
	{"berth_quota_waits", "Waits of tasks whose tenant was over a rate of its quota.",
		func(s *host.Slowed) float64 { return float64(s.Waits) }},
	{"berth_quota_wait_seconds", "How long these tasks waited.",
		func(s *host.Slowed) float64 { return float64(s.Millis) / 1000 }},
	{"berth_quota_memory_refusals", "Growths of memory that a tenant's quota refused.",
		func(s *host.Slowed) float64 { return float64(s.MemoryRefusals) }},
	{"berth_quota_task_refusals", "Tasks that were not started for want of memory or quota.",
		func(s *host.Slowed) float64 { return float64(s.TaskRefusals) }},
}

// observeUsage registers the figures of all tenants, connectors and plugins. What they are told apart by is bounded by
// package usage. Tenants have figures of their own, berth_tenant_…, since a tenant's go on when a connector's end.
func (m *meters) observeUsage(w *Worker) {
	var all []metric.Observable
	var show []func(metric.Observer, *host.Usage)
	for _, u := range usageMeters {
		tenant := m.observable(u, "berth_tenant_"+u.name[len("berth_usage_"):])
		plugin := m.observable(u, u.name)
		all = append(all, tenant, plugin)
		show = append(show, func(o metric.Observer, usage *host.Usage) {
			for i := range usage.Tenants {
				t := &usage.Tenants[i]
				o.ObserveFloat64(tenant, u.of(&t.Used), tenantLabel(t.Tenant))
				for k := range t.Connectors {
					u.observePlugins(o, plugin, t.Tenant, &t.Connectors[k])
				}
			}
		})
	}
	for _, s := range slowedMeters {
		counter, _ := m.meter.Float64ObservableCounter(s.name, metric.WithDescription(s.description))
		all = append(all, counter)
		show = append(show, func(o metric.Observer, usage *host.Usage) {
			for i := range usage.Tenants {
				o.ObserveFloat64(counter, s.of(&usage.Tenants[i].Slowed), tenantLabel(usage.Tenants[i].Tenant))
			}
		})
	}
	_, _ = m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		usage := w.Usage(nil)
		for _, s := range show {
			s(o, &usage)
		}
		return nil
	}, all...)
}

func (m *meters) observable(u usageMeter, name string) metric.Float64Observable {
	if u.gauge {
		g, _ := m.meter.Float64ObservableGauge(name, metric.WithDescription(u.description))
		return g
	}
	c, _ := m.meter.Float64ObservableCounter(name, metric.WithDescription(u.description))
	return c
}

func (u *usageMeter) observePlugins(o metric.Observer, to metric.Float64Observable, tenant string,
	c *host.ConnectorUsage) {
	for i := range c.Plugins {
		p := &c.Plugins[i]
		o.ObserveFloat64(to, u.of(&p.Used), metric.WithAttributes(attribute.String("tenant", tenant),
			attribute.String("connector", c.Connector), attribute.String("class", p.Class),
			attribute.String("module", p.Digest[:min(len(p.Digest), 12)])))
	}
}

func tenantLabel(tenant string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("tenant", tenant))
}

package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web"
)

// newLogger writes text for a person at a terminal, JSON for a collector, of what the levels let through.
func newLogger(out io.Writer, terminal bool, loggers *web.Loggers) *slog.Logger {
	options := &slog.HandlerOptions{Level: web.LowestLevel}
	if terminal {
		return slog.New(leveled{next: slog.NewTextHandler(out, options), loggers: loggers})
	}
	return slog.New(leveled{next: slog.NewJSONHandler(out, options), loggers: loggers, shows: true})
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// newMetrics returns what the layers record with and what answers GET /metrics: their instruments in Prometheus' text
// form, beside those of the Go runtime and of the process.
func newMetrics(tenants host.Tenants, gone *sync.Map) (metric.MeterProvider, http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		return nil, nil, fmt.Errorf("set up metrics: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return provider, promhttp.HandlerFor(living{registry, tenants, gone}, promhttp.HandlerOpts{}), nil
}

// living leaves out the series of tenants that were deleted: their instruments can't be, and count until the worker
// ends.
type living struct {
	prometheus.Gatherer
	tenants host.Tenants
	gone    *sync.Map // by name, of all that were deleted since the start
}

// Gather implements prometheus.Gatherer.
func (l living) Gather() ([]*dto.MetricFamily, error) {
	families, err := l.Gatherer.Gather()
	for _, family := range families {
		family.Metric = slices.DeleteFunc(family.Metric, l.isGone)
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 }), err
}

func (l living) isGone(m *dto.Metric) bool {
	for _, label := range m.Label {
		tenant := label.GetValue()
		switch label.GetName() {
		case "tenant":
		case "connector":
			tenant, _ = host.SplitTenant(tenant)
		default:
			continue
		}
		if _, gone := l.gone.Load(tenant); !gone {
			continue
		}
		if _, known := l.tenants.Tenant(tenant); !known { // nobody has made it anew
			return true
		}
	}
	return false
}

package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

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
func newMetrics() (metric.MeterProvider, http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		return nil, nil, fmt.Errorf("set up metrics: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return provider, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web"
)

func TestMetricsAnswerInPrometheusForm(t *testing.T) {
	var gone sync.Map
	gone.Store("old", true)
	gone.Store("anew", true)
	provider, handler, err := newMetrics(tenantsOf{}, &gone)
	if err != nil {
		t.Fatal(err)
	}
	counter, err := provider.Meter("berth").Int64Counter("berth.task.records")
	if err != nil {
		t.Fatal(err)
	}
	for _, connector := range []string{"c", "old::c", "anew::c", "never::c"} {
		counter.Add(context.Background(), 3, metric.WithAttributes(attribute.String("connector", connector)))
		tenant, _ := host.SplitTenant(connector)
		counter.Add(context.Background(), 3, metric.WithAttributes(attribute.String("tenant", tenant)))
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if strings.Contains(answer.Body.String(), "old") {
		t.Errorf("series of a tenant that was deleted show in\n%s", answer.Body)
	}
	for _, line := range []string{`berth_task_records_total{connector="c"} 3`,
		`berth_task_records_total{connector="anew::c"} 3`, `berth_task_records_total{connector="never::c"} 3`,
		"go_goroutines ", "process_open_fds "} {
		if !strings.Contains(answer.Body.String(), line) {
			t.Errorf("no %q in\n%s", line, answer.Body)
		}
	}
}

// tenantsOf has one tenant, anew.
type tenantsOf struct{}

func (tenantsOf) AnyTenant() bool { return true }

func (tenantsOf) Tenant(name string) (host.Tenant, bool) { return host.Tenant{}, name == "anew" }

func TestLogForm(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{true, "level=INFO msg=hello task=c-0\n"}, {false, `"level":"INFO","msg":"hello","task":"c-0","logger":"a.B"}`},
	} {
		var out bytes.Buffer
		logger := newLogger(&out, c.terminal, web.NewLoggers()).With(host.LoggerKey, "other").With(host.LoggerKey, "a.B")
		logger.Debug("silent")
		logger.Info("hello", "task", "c-0")
		if !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "silent") {
			t.Errorf("terminal %v: %s", c.terminal, out.String())
		}
	}
}

// TestLogLevels: a line is governed by its connector's logger, else by that of the class that writes, else by root.
func TestLogLevels(t *testing.T) {
	for _, c := range []struct {
		levels string // in the order in which they are set
		want   string // of the lines at DEBUG
	}{
		{"", ""},
		{"root=DEBUG", "x herder y z"},
		{"berth.connector.x=DEBUG", "x"},
		{"berth.connector=DEBUG", "x y"},
		{"org.apache.kafka.connect.runtime=DEBUG", "x herder y"},
		{logHerder + "=TRACE", "herder y"},
		{"root=DEBUG berth.connector.x=OFF", "herder y z"},
		{"org.apache.kafka.connect=DEBUG berth.connector.y=WARN", "x herder"},
	} {
		var out bytes.Buffer
		loggers := web.NewLoggers(loggerNames...)
		for set := range strings.FieldsSeq(c.levels) {
			name, level, _ := strings.Cut(set, "=")
			loggers.Set(name, level)
		}
		log := newLogger(&out, true, loggers)
		named(log, "org.apache.kafka.connect.runtime.WorkerSinkTask").With("connector", "x").Debug("x")
		named(log, logHerder).Debug("herder", "of", "x")
		named(log, logHerder).Debug("y", "connector", "y")
		log.WithGroup("g").Debug("z", "connector", "x")
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, regexp.MustCompile(`msg=(\S+)`).FindStringSubmatch(line)[1])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.levels, got, c.want)
		}
	}
}

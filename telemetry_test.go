package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

func TestMetricsAnswerInPrometheusForm(t *testing.T) {
	provider, handler, err := newMetrics()
	if err != nil {
		t.Fatal(err)
	}
	counter, err := provider.Meter("berth").Int64Counter("berth.task.records")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3, metric.WithAttributes(attribute.String("connector", "c")))
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`berth_task_records_total{connector="c"} 3`, "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(answer.Body.String(), line) {
			t.Errorf("no %q in\n%s", line, answer.Body)
		}
	}
}

func TestLogForm(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{{true, "level=INFO msg=hello task=c-0"}, {false, `"level":"INFO","msg":"hello","task":"c-0"}`}} {
		var out bytes.Buffer
		logger := newLogger(&out, c.terminal, slog.LevelInfo)
		logger.Debug("silent")
		logger.Info("hello", "task", "c-0")
		if !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "silent") {
			t.Errorf("terminal %v: %s", c.terminal, out.String())
		}
	}
}

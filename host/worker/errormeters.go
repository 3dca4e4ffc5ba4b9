package worker

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// errorMeters are Connect's task-error-metrics.
type errorMeters struct {
	failures, errors, skipped, retries, logged metric.Int64Counter
	letters, failedLetters                     metric.Int64Counter
	last                                       metric.Int64Gauge
}

func newErrorMeters(m *meters) errorMeters {
	e := errorMeters{
		failures: m.counter("kafka_connect_task_error_total_record_failures",
			"Operations on records that failed, each attempt counted."),
		errors:  m.counter("kafka_connect_task_error_total_record_errors", "Records that failed for good."),
		skipped: m.counter("kafka_connect_task_error_total_records_skipped", "Records skipped because of an error."),
		retries: m.counter("kafka_connect_task_error_total_retries", "Operations that were tried again."),
		logged:  m.counter("kafka_connect_task_error_total_errors_logged", "Errors that were logged."),
		letters: m.counter("kafka_connect_task_error_deadletterqueue_produce_requests",
			"Records handed to the producer of the dead-letter topic."),
		failedLetters: m.counter("kafka_connect_task_error_deadletterqueue_produce_failures",
			"Records that could not be written to the dead-letter topic."),
	}
	e.last, _ = m.meter.Int64Gauge("kafka_connect_task_error_last_error_timestamp",
		metric.WithDescription("When the task last met an error, in ms since the epoch."))
	return e
}

// Failed implements task.Meters.
func (t *taskMeters) Failed(n int64) {
	if n > 0 {
		t.meters.errors.failures.Add(context.Background(), n, t.attributes)
	}
}

// Outlived implements task.Meters.
func (t *taskMeters) Outlived(err error) { t.overLimit(err) }

// Retried implements task.Meters.
func (t *taskMeters) Retried() { t.meters.errors.retries.Add(context.Background(), 1, t.attributes) }

// Errors implements task.Meters.
func (t *taskMeters) Errors(n int64) {
	t.meters.errors.errors.Add(context.Background(), n, t.attributes)
	t.meters.errors.last.Record(context.Background(), time.Now().UnixMilli(), t.attributes)
}

// Skipped implements task.Meters.
func (t *taskMeters) Skipped(n int64) {
	if n > 0 {
		t.meters.errors.skipped.Add(context.Background(), n, t.attributes)
	}
}

// ErrorLogged implements task.Meters.
func (t *taskMeters) ErrorLogged() { t.meters.errors.logged.Add(context.Background(), 1, t.attributes) }

// DeadLetter implements task.Meters.
func (t *taskMeters) DeadLetter() { t.meters.errors.letters.Add(context.Background(), 1, t.attributes) }

// DeadLetterFailed implements task.Meters.
func (t *taskMeters) DeadLetterFailed() {
	t.meters.errors.failedLetters.Add(context.Background(), 1, t.attributes)
}

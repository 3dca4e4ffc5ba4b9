package worker

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/task"
)

// meters are the instruments of all tasks. Names follow the Prometheus names that dashboards for Connect look for, with
// connector and task as attributes.
type meters struct {
	meter         metric.Meter
	polled        [2]metric.Int64Counter // source, sink
	written       [2]metric.Int64Counter
	errors        errorMeters
	network       networkMeters
	commits       metric.Int64Counter
	failedCommits metric.Int64Counter
	overLimits    metric.Int64Counter
	lacking       metric.Int64Counter
	topicsRefused metric.Int64Counter
	transactions  metric.Int64Histogram

	mu      sync.Mutex
	plugins map[string]any // instruments that guests asked for, by kind and name; guarded by mu
}

// pluginMetricsMax bounds the instruments that guests can create.
const pluginMetricsMax = 1000

func newMeters(meter metric.Meter, w *Worker) *meters {
	m := &meters{meter: meter, plugins: map[string]any{}}
	m.polled[0] = m.counter("kafka_connect_source_task_source_record_poll", "Records polled from the source.")
	m.polled[1] = m.counter("kafka_connect_sink_task_sink_record_read", "Records read from Kafka.")
	m.written[0] = m.counter("kafka_connect_source_task_source_record_write", "Records handed to the producer.")
	m.written[1] = m.counter("kafka_connect_sink_task_sink_record_send", "Records put to the sink.")
	m.errors = newErrorMeters(m)
	m.network = newNetworkMeters(m)
	m.commits = m.counter("kafka_connect_connector_task_offset_commit_success", "Commits of offsets that succeeded.")
	m.failedCommits = m.counter("kafka_connect_connector_task_offset_commit_failure", "Commits of offsets that failed.")
	m.overLimits = m.counter("berth_guest_limit_exceeded", "Instances that were ended for going over a limit.")
	m.lacking = m.counter("berth_guest_grants_missing",
		"Capabilities that plugins asked for as their instances started, and did not get.")
	m.topicsRefused = m.counter("berth_topics_refused",
		"Tasks that ended for a topic that their tenant's record or their plugin's manifest does not have.")
	m.transactions, _ = m.meter.Int64Histogram("kafka_connect_source_task_transaction_size",
		metric.WithDescription("Records of committed transactions."))
	m.gauge("kafka_connect_worker_connector_count", "Connectors on this worker.",
		func() int { return len(w.connectors) }, w)
	m.gauge("kafka_connect_worker_task_count", "Tasks on this worker.", func() int { return len(w.tasks) }, w)
	m.observeUsage(w)
	return m
}

// counter and gauge: the API returns an error only for a name that breaks its rules, and then an instrument that does
// nothing; the names above are tested.
func (m *meters) counter(name, description string) metric.Int64Counter {
	c, _ := m.meter.Int64Counter(name, metric.WithDescription(description))
	return c
}

func (m *meters) gauge(name, description string, read func() int, w *Worker) {
	_, _ = m.meter.Int64ObservableGauge(name, metric.WithDescription(description),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			o.Observe(int64(read()))
			return nil
		}))
}

// overLimit counts an error that is, or comes from, a limit.
func (m *meters) overLimit(err error) {
	var limit *host.LimitError
	if errors.As(err, &limit) {
		m.overLimits.Add(context.Background(), 1, metric.WithAttributes(attribute.String("limit", limit.Name)))
	}
}

// taskMeters counts for one task.
type taskMeters struct {
	*meters
	kind       int // index into polled and written
	attributes metric.MeasurementOption
}

var _ task.Meters = (*taskMeters)(nil)

func (m *meters) task(id host.TaskID, kind string) *taskMeters {
	t := &taskMeters{meters: m, attributes: metric.WithAttributeSet(attribute.NewSet(
		attribute.String("connector", id.Connector), attribute.String("task", strconv.Itoa(id.Task))))}
	if kind == abi.KindSink {
		t.kind = 1
	}
	return t
}

// Polled implements task.Meters.
func (t *taskMeters) Polled(n int64) { t.polled[t.kind].Add(context.Background(), n, t.attributes) }

// Written implements task.Meters.
func (t *taskMeters) Written(n int64) { t.written[t.kind].Add(context.Background(), n, t.attributes) }

// Committed implements task.Meters.
func (t *taskMeters) Committed(ok bool) {
	if ok {
		t.commits.Add(context.Background(), 1, t.attributes)
		return
	}
	t.failedCommits.Add(context.Background(), 1, t.attributes)
}

// Transaction implements task.Meters.
func (t *taskMeters) Transaction(n int64) {
	t.transactions.Record(context.Background(), n, t.attributes)
}

// plugin records what a guest measures, under berth_plugin_NAME.
func (t *taskMeters) plugin(name string, counter bool, value float64) {
	if counter {
		if c, ok := instrument(t.meters, "c:"+name, func() (metric.Float64Counter, error) {
			return t.meter.Float64Counter("berth_plugin_" + name)
		}); ok {
			c.Add(context.Background(), value, t.attributes)
		}
		return
	}
	if g, ok := instrument(t.meters, "g:"+name, func() (metric.Float64Gauge, error) {
		return t.meter.Float64Gauge("berth_plugin_" + name)
	}); ok {
		g.Record(context.Background(), value, t.attributes)
	}
}

// instrument returns an instrument made before, or makes it.
func instrument[T any](m *meters, key string, create func() (T, error)) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have, ok := m.plugins[key]; ok {
		t, ok := have.(T)
		return t, ok
	}
	t, err := create()
	if err != nil || len(m.plugins) >= pluginMetricsMax {
		var none T
		return none, false
	}
	m.plugins[key] = t
	return t, true
}

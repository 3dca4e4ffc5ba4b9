package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"

	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/web"
)

// auditTopicKey is the property that names the topic of the audit log; empty: there is none.
const auditTopicKey = "berth.audit.topic"

// auditor writes what the REST API records to a topic.
type auditor struct{ *kafka.AuditLog }

// Record implements web.Auditor.
func (a auditor) Record(record web.AuditRecord) {
	text, err := json.Marshal(record)
	if err != nil {
		slog.Error("a record of the audit log can't be encoded", "error", err)
		return
	}
	a.Write(text)
}

// openAudit gives the REST API its audit log; it does no I/O.
func (n *node) openAudit(c config, rest *web.Config, meter metric.Meter, log *slog.Logger) (err error) {
	topic := c.text(auditTopicKey)
	if topic == "" {
		return nil
	}
	replication, err := strconv.ParseInt(c.text("berth.audit.replication.factor"), 10, 16)
	if err != nil {
		replication = -1 // the broker's default
	}
	if n.audit, err = kafka.NewAuditLog(c.all(), topic, int16(replication), log); err != nil {
		return err
	}
	rest.Auditor = auditor{n.audit}
	return showAudit(n.audit, meter)
}

// showAudit shows at /metrics what the audit log has not got.
func showAudit(log *kafka.AuditLog, meter metric.Meter) error {
	show := func(read func() int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(read())
			return nil
		}
	}
	_, failed := meter.Int64ObservableGauge("berth_audit_records_waiting",
		metric.WithDescription("Records of the audit log that Kafka has not taken yet."),
		metric.WithInt64Callback(show(log.Waiting)))
	_, err := meter.Int64ObservableCounter("berth_audit_records_lost",
		metric.WithDescription("Records that the audit log had no room for."), metric.WithInt64Callback(show(log.Lost)))
	return errors.Join(failed, err)
}

func (n *node) runAudit(ctx context.Context) error {
	if n.audit == nil {
		<-ctx.Done()
		return nil
	}
	return n.audit.Run(ctx)
}

package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"

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
func (n *node) openAudit(c config, rest *web.Config, log *slog.Logger) (err error) {
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
	return nil
}

func (n *node) runAudit(ctx context.Context) error {
	if n.audit == nil {
		<-ctx.Done()
		return nil
	}
	return n.audit.Run(ctx)
}

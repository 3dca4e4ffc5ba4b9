package main

import (
	"context"
	"log/slog"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web"
)

// The loggers of the worker's parts: who turns a level up in Kafka Connect finds the same here under the same name.
const (
	logConnect  = "org.apache.kafka.connect.cli.AbstractConnectCli"
	logHerder   = "org.apache.kafka.connect.runtime.distributed.DistributedHerder"
	logGroup    = "org.apache.kafka.connect.runtime.distributed.WorkerCoordinator"
	logWorker   = "org.apache.kafka.connect.runtime.Worker"
	logPlugins  = "org.apache.kafka.connect.runtime.isolation.Plugins"
	logREST     = "org.apache.kafka.connect.runtime.rest.RestServer"
	logConfigs  = "org.apache.kafka.connect.storage.KafkaConfigBackingStore"
	logOffsets  = "org.apache.kafka.connect.storage.KafkaOffsetBackingStore"
	logStatuses = "org.apache.kafka.connect.storage.KafkaStatusBackingStore"
	logModules  = "berth.modules"
)

// loggerNames are those that GET /admin/loggers lists from the start; host/worker and cluster/kafka name the last ones.
var loggerNames = []string{logConnect, logHerder, logGroup, logWorker, logPlugins, logREST, logConfigs, logOffsets,
	logStatuses, logModules,
	"org.apache.kafka.connect.runtime.WorkerConnector", "org.apache.kafka.connect.runtime.WorkerSourceTask",
	"org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask", "org.apache.kafka.connect.runtime.WorkerSinkTask",
	"org.apache.kafka.clients.admin.KafkaAdminClient", "org.apache.kafka.clients.consumer.KafkaConsumer",
	"org.apache.kafka.clients.producer.KafkaProducer"}

// named is a log whose lines are of a logger.
func named(log *slog.Logger, logger string) *slog.Logger { return log.With(host.LoggerKey, logger) }

// leveled passes on the lines that the level of their logger lets through. The level of a connector is stronger than
// that of the class that writes; root's counts where neither has one.
type leveled struct {
	next      slog.Handler // it lets everything through
	loggers   *web.Loggers
	shows     bool   // the logger's name in lines
	logger    string // of all lines; "": none
	connector string // that all lines are about; "": none
	grouped   bool   // attributes are members of something from here on
}

// Enabled implements slog.Handler. A line's own attributes may name its connector; then it is decided by Handle.
func (h leveled) Enabled(_ context.Context, level slog.Level) bool {
	if h.connector != "" {
		return h.allow(level)
	}
	return level >= h.loggers.Lowest()
}

func (h leveled) allow(level slog.Level) bool {
	if h.connector != "" {
		return h.loggers.Allow(level, host.ConnectorLogger(h.connector), h.logger)
	}
	return h.loggers.Allow(level, h.logger)
}

// Handle implements slog.Handler.
func (h leveled) Handle(ctx context.Context, line slog.Record) error {
	if !h.grouped {
		line.Attrs(func(a slog.Attr) bool {
			if a.Key == "connector" {
				h.connector = a.Value.String()
			}
			return true
		})
	}
	if !h.allow(line.Level) {
		return nil
	}
	if h.shows && h.logger != "" && !h.grouped {
		line = line.Clone()
		line.AddAttrs(slog.String(host.LoggerKey, h.logger))
	}
	return h.next.Handle(ctx, line)
}

// WithAttrs implements slog.Handler. The logger named last is the one.
func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	var rest []slog.Attr
	for _, a := range attrs {
		switch {
		case a.Key == host.LoggerKey && !h.grouped:
			h.logger = a.Value.String()
			continue
		case a.Key == "connector" && !h.grouped:
			h.connector = a.Value.String()
		}
		rest = append(rest, a)
	}
	h.next = h.next.WithAttrs(rest)
	return h
}

// WithGroup implements slog.Handler.
func (h leveled) WithGroup(name string) slog.Handler {
	if name != "" {
		h.next, h.grouped = h.next.WithGroup(name), true
	}
	return h
}

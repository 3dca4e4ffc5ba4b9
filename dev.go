package main

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/cluster/embedded"
)

// runDev is "berth dev": a broker, a worker and the REST API in one process, to try things out. All state lies in one
// folder and survives a restart.
func runDev(args []string, out io.Writer) error {
	flags := newFlags("dev", "[options]", out)
	data := flags.String("data", "berth-data", "the folder for all state")
	listeners := flags.String("listeners", "http://127.0.0.1:8083", "where the REST API listens")
	port := flags.Int("kafka-port", 0, "the embedded broker's port; 0: the last one used, or any")
	bootstrap := flags.String("bootstrap", "", "HOST:PORT of a Kafka to use instead of the embedded broker")
	var dirs textList
	flags.Var(&dirs, "allow-dir", "a folder that plugins may read and write; may be repeated")
	if _, err := parseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	base := devDefaults(*data)
	base["listeners"] = *listeners
	base["berth.allow.dirs"] = strings.Join(dirs, ",")
	loggers, log := startLog()
	serveWith := func(ctx context.Context, more map[string]string, hurry <-chan os.Signal) error {
		maps.Copy(base, more)
		c, err := loadConfig(base, os.Environ(), nil)
		if err != nil {
			return err
		}
		log.Info("berth dev", "kafka", c.text("bootstrap.servers"), "rest", c.text("listeners"), "data", *data)
		return serve(ctx, c, loggers, log, hurry)
	}
	return untilSignal(func(ctx context.Context, hurry <-chan os.Signal) error {
		if *bootstrap != "" {
			return serveWith(ctx, map[string]string{"bootstrap.servers": *bootstrap}, hurry)
		}
		broker := embedded.New(embedded.Config{Dir: filepath.Join(*data, "broker"), Port: *port, Log: log})
		work := func(ctx context.Context) error { return serveWith(ctx, broker.WorkerDefaults(), hurry) }
		return runActors(ctx, []actor{
			{"embedded broker", broker.Run, broker.Ready()}, // its address is part of the worker's configuration
			{"worker", work, nil},
		}, 2*stopDurationMax, hurry)
	})
}

// devDefaults are those of Kafka's own connect-distributed.properties, with one replica and quick commits. Environment
// variables are stronger.
func devDefaults(data string) map[string]string {
	return map[string]string{
		"group.id":             "connect-cluster",
		"config.storage.topic": "connect-configs", "config.storage.replication.factor": "1",
		"offset.storage.topic": "connect-offsets", "offset.storage.replication.factor": "1",
		"status.storage.topic": "connect-status", "status.storage.replication.factor": "1",
		"key.converter":            "org.apache.kafka.connect.json.JsonConverter",
		"value.converter":          "org.apache.kafka.connect.json.JsonConverter",
		"offset.flush.interval.ms": "1000", "berth.data.dir": data,
	}
}

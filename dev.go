package main

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"

	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/cli"
)

// dev is a broker, a worker and the REST API in one process, to try things out. All state lies in one folder and
// survives a restart.
type dev struct {
	data      string
	listeners string
	kafkaPort int    // 0: the last one used, or any
	bootstrap string // a Kafka to use instead of the embedded broker
	dirs      cli.TextList
}

func runDev(args []string, out io.Writer) error {
	var d dev
	flags := cli.NewFlags("dev", "[options]", out)
	flags.StringVar(&d.data, "data", "berth-data", "the folder for all state")
	flags.StringVar(&d.listeners, "listeners", "http://127.0.0.1:8083", "where the REST API listens")
	flags.IntVar(&d.kafkaPort, "kafka-port", 0, "the embedded broker's port; 0: the last one used, or any")
	flags.StringVar(&d.bootstrap, "bootstrap", "", "HOST:PORT of a Kafka to use instead of the embedded broker")
	flags.Var(&d.dirs, "allow-dir", "a folder that plugins may read and write; may be repeated")
	if _, err := cli.ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	loggers, log := startLog()
	return cli.UntilSignal(func(ctx context.Context, hurry <-chan os.Signal) error {
		return d.run(ctx, loggers, log, hurry)
	})
}

// runQuietDev is runDev for a scene, which shows what is to be seen.
func runQuietDev(ctx context.Context, o cli.DevOptions, out io.Writer) error {
	loggers := web.NewLoggers(loggerNames...)
	d := dev{data: o.Data, listeners: o.Listeners, kafkaPort: o.KafkaPort}
	return d.run(ctx, loggers, newLogger(out, false, loggers), nil)
}

func (d dev) run(ctx context.Context, loggers *web.Loggers, log *slog.Logger, hurry <-chan os.Signal) error {
	if d.bootstrap != "" {
		return d.work(ctx, map[string]string{"bootstrap.servers": d.bootstrap}, loggers, log, hurry)
	}
	broker := embedded.New(embedded.Config{Dir: filepath.Join(d.data, "broker"), Port: d.kafkaPort, Log: log})
	work := func(ctx context.Context) error { return d.work(ctx, broker.WorkerDefaults(), loggers, log, hurry) }
	return runActors(ctx, []actor{
		{"embedded broker", broker.Run, broker.Ready()}, // its address is part of the worker's configuration
		{"worker", work, nil},
	}, 2*stopDurationMax, hurry)
}

// work runs the worker on a Kafka that is described by properties.
func (d dev) work(ctx context.Context, kafka map[string]string, loggers *web.Loggers, log *slog.Logger,
	hurry <-chan os.Signal) error {
	base := devDefaults(d.data)
	maps.Copy(base, kafka)
	base["listeners"] = d.listeners
	c, err := loadConfig(base, os.Environ(), nil)
	if err != nil {
		return err
	}
	c.allow(d.dirs)
	log.Info("berth dev", "kafka", c.text("bootstrap.servers"), "rest", c.text("listeners"), "data", d.data)
	return serve(ctx, c, loggers, log, hurry)
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

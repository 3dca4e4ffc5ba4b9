package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/cli"
)

// runStandalone is "berth standalone": one worker that keeps source offsets in a file and everything else in memory,
// and runs the connectors of files.
func runStandalone(args []string, out io.Writer) error {
	flags := cli.NewFlags("standalone", "WORKER.properties [CONNECTOR.properties|.json …]", out)
	options := addOptions(flags)
	embeddedKafka := flags.Bool("embedded-kafka", false,
		"run a broker in this process, with its data in berth.data.dir, instead of using bootstrap.servers")
	kafkaPort := flags.Int("kafka-port", 0, "that broker's port; 0: the last one used, or any")
	files, err := cli.ParseFlags(flags, args, 1, len(args))
	if err != nil {
		return err
	}
	c, err := options.load(standalone, files[0])
	if err != nil {
		return err
	}
	connectors, err := readConnectorFiles(files[1:])
	if err != nil {
		return err
	}
	loggers, log := startLog()
	return cli.UntilSignal(func(ctx context.Context, hurry <-chan os.Signal) error {
		work := func(ctx context.Context) error { return serve(ctx, c, loggers, log, hurry, connectors...) }
		if !*embeddedKafka {
			return work(ctx)
		}
		broker := embedded.New(embedded.Config{
			Dir: filepath.Join(c.text("berth.data.dir"), "broker"), Port: *kafkaPort, Log: log})
		return runActors(ctx, []actor{
			{"embedded broker", broker.Run, broker.Ready()},
			{"worker", func(ctx context.Context) error { c.useKafka(broker.Addr()); return work(ctx) }, nil},
		}, 2*stopDurationMax, hurry)
	})
}

// connectorFile is a connector that a file describes.
type connectorFile struct {
	path string
	web.CreateRequest
}

// readConnectorFiles reads all files before anything starts, so that a mistake in the last one shows at once.
func readConnectorFiles(paths []string) ([]connectorFile, error) {
	var files []connectorFile
	for _, path := range paths {
		request, err := readConnectorFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the connector file %s: %w", path, err)
		}
		files = append(files, connectorFile{path, request})
	}
	return files, nil
}

// readConnectorFile goes by the content, as Connect does: a JSON object is a flat configuration with a name in it, or
// a request as for POST /connectors; all else is properties.
func readConnectorFile(path string) (web.CreateRequest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return web.CreateRequest{}, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || strings.EqualFold(filepath.Ext(path), ".json") {
		return web.ParseConnectorJSON(text)
	}
	properties, err := cli.ReadProperties(path)
	if err != nil {
		return web.CreateRequest{}, err
	}
	return web.NewCreateRequest(host.ConfigOf(properties))
}

// createConnectors creates the connectors of files one after the other; the first that can't be ends the worker, as in
// Connect.
func createConnectors(ctx context.Context, herder web.Herder, files []connectorFile, log *slog.Logger) error {
	for _, file := range files {
		if _, err := herder.Create(ctx, file.Name, file.Config, file.Target); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("create connector %s of %s: %w", file.Name, file.path, err)
		}
		log.Info("Created connector", "connector", file.Name, "file", file.path)
	}
	<-ctx.Done()
	return nil
}

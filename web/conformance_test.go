package web

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
)

// conformanceScenarios are the recorded scenarios that must pass wholly on a herder with stores in memory and a runtime
// without guests. What the others need on top is real plugins and records that flow.
var conformanceScenarios = []string{"config-patch", "config-put", "cors-off", "create-delete", "create-errors",
	"create-scalars", "failures", "hanging-start", "initial-state", "list-expand", "loggers", "names", "negotiation",
	"offsets-source", "options-head", "pause-resume-stop", "restart", "root", "tasks", "unknown-paths", "wrong-methods"}

// TestConformance replays Apache Kafka Connect's recorded REST exchanges. BERTH_CONFORMANCE is the folder of the
// recordings; without it they are looked for beside the repository.
func TestConformance(t *testing.T) {
	folder := os.Getenv("BERTH_CONFORMANCE")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "conformance")
	}
	folder = filepath.Join(folder, "rest")
	base := startWorker(t)
	arguments := []string{filepath.Join(folder, "replay"), "--base", base, "--diff-lines", "8"}
	for _, scenario := range conformanceScenarios {
		arguments = append(arguments, filepath.Join(folder, scenario+".json"))
	}
	output, err := exec.CommandContext(t.Context(), "python3", arguments...).CombinedOutput()
	if err != nil || !strings.Contains(string(output), " 0 failed") {
		t.Fatalf("%v\n%s", err, output)
	}
}

// startWorker runs a herder and a server until the test ends and returns the server's URL.
func startWorker(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	log := slog.New(slog.DiscardHandler)
	loggers := NewLoggers()
	h := herder.New(herder.Config{WorkerID: address, TopicTracking: true, TopicTrackingReset: true,
		SetLoggerLevel: func(namespace, level string) { loggers.Set(namespace, level) },
	}, herder.Ports{Configs: herdertest.NewConfigs(), Statuses: herdertest.NewStatuses(),
		Offsets: herdertest.NewOffsets(), Admin: &herdertest.Admin{}}, log)
	s, err := New(Config{Version: "4.1.1", Commit: "0123456789abcdef", Loggers: loggers}, h, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- h.Run(ctx, herdertest.NewRuntime(h)) }()
	go func() { ended <- s.serve(ctx, []opened{{Listener: listener}}) }()
	t.Cleanup(func() {
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return "http://" + address
}

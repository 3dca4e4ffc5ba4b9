package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/cli"
)

// patience is how long a test waits for what must happen; it says nothing about how fast it is.
const patience = time.Minute

// startDev runs "berth dev" on free ports until the test ends and returns its URL. Its Kafka is the embedded one, or
// that of BERTH_TEST_BOOTSTRAP.
func startDev(t *testing.T, dir string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	d := dev{data: filepath.Join(dir, "data"), listeners: "http://" + address, dirs: cli.TextList{dir},
		bootstrap: os.Getenv("BERTH_TEST_BOOTSTRAP")}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx, web.NewLoggers(), slog.New(slog.NewTextHandler(t.Output(), nil)), nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("berth dev ended with %v", err)
		}
	})
	url := "http://" + address
	await(t, "a healthy worker", func() bool {
		response, err := http.Get(url + "/health")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return url
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func putConnector(t *testing.T, url, name string, config map[string]string) {
	t.Helper()
	const text = "org.apache.kafka.connect.storage.StringConverter"
	for _, key := range []string{"key.converter", "value.converter", "header.converter"} {
		config[key] = text
	}
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("PUT", url+"/connectors/"+name+"/config", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode >= 300 {
		t.Fatalf("PUT %s: %s %s %v", name, response.Status, answer, err)
	}
}

func metrics(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeLines(t *testing.T, file string, from, to int) string {
	t.Helper()
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text.String()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// The whole program: lines go from a file through Kafka into a file, in order, once; after a clean restart both
// connectors go on where they were.
func TestDevMovesLinesAcrossARestart(t *testing.T) {
	dir := t.TempDir()
	run := brokertest.Name(t, "dev") // a real Kafka may have seen other runs
	for _, key := range []string{"GROUP_ID", "CONFIG_STORAGE_TOPIC", "OFFSET_STORAGE_TOPIC", "STATUS_STORAGE_TOPIC"} {
		t.Setenv("BERTH_"+key, run+"-"+strings.ToLower(key[:6]))
	}
	source, sink, topic := run+"-in", run+"-out", run+"-lines"
	input, output := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	arrived := func(want string) func() bool {
		return func() bool {
			got, err := os.ReadFile(output)
			return err == nil && string(got) == want
		}
	}
	first := writeLines(t, input, 0, 5000)
	t.Run("first run", func(t *testing.T) {
		url := startDev(t, dir)
		putConnector(t, url, source, map[string]string{
			"connector.class": "FileStreamSource", "file": input, "topic": topic})
		putConnector(t, url, sink, map[string]string{
			"connector.class": "FileStreamSink", "file": output, "topics": topic})
		await(t, "all lines", arrived(first))
		text := metrics(t, url)
		for _, line := range []string{
			`kafka_connect_source_task_source_record_write_total{connector="` + source + `",task="0"} 5000`,
			`kafka_connect_sink_task_sink_record_send_total{connector="` + sink + `",task="0"} 5000`,
		} {
			if !strings.Contains(text, line) {
				t.Errorf("no %q in the metrics", line)
			}
		}
	})
	second := writeLines(t, input, 5000, 6000)
	t.Run("second run", func(t *testing.T) {
		startDev(t, dir)
		await(t, "the new lines, once", arrived(first+second))
	})
}

func TestDevSaysWhatIsWrong(t *testing.T) {
	t.Setenv("BERTH_OFFSET_FLUSH_INTERVAL_MS", "soon")
	d := dev{data: t.TempDir(), listeners: "http://127.0.0.1:0", bootstrap: "127.0.0.1:1"}
	err := d.run(context.Background(), web.NewLoggers(), slog.New(slog.DiscardHandler), nil)
	want := "Invalid value soon for configuration offset.flush.interval.ms: Not a"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

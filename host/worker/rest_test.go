package worker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that tests look into.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// Stages of the bundled module that are apart from the connector end when no batch comes, and the next one finds them
// again; a plugin author's stays.
func TestIdleStagesRestAndWakeUp(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	writeLines(t, in, "one")
	b := newBench(t, dir)
	b.addKit(t)
	log := &lines{}
	b.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.config.StagesRestAfter = time.Millisecond
	b.start(t, config("name", "source", "connector.class", "FileStreamSource", "file", in, "topic", "in",
		"transforms", "up,route", "transforms.up.type", "kit.Upper", "transforms.route.type", regexRouter,
		"transforms.route.regex", "in", "transforms.route.replacement", "mid"))
	b.start(t, config("name", "sink", "connector.class", "FileStreamSink", "file", out, "topics", "mid",
		"transforms", "up", "transforms.up.type", "kit.Upper"))
	for i, want := range []string{"ONE\n", "ONE\nTWO\n", "ONE\nTWO\nTHREE\n"} {
		eventually(t, want, func() bool {
			written, err := os.ReadFile(out)
			return err == nil && string(written) == want
		})
		for _, connector := range []string{"source", "sink"} {
			eventually(t, connector+" rests", func() bool {
				return log.count("its stages rest\" connector="+connector) >= i+1
			})
		}
		writeLines(t, in, strings.Split("one two three four", " ")[:i+2]...)
	}
	if n := log.count("plugin kit.Upper"); n != 0 {
		t.Errorf("a stage that may keep something rested %d times", n)
	}
}

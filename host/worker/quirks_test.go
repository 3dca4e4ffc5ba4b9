package worker

import (
	"path/filepath"
	"testing"

	"github.com/berth-connect/berth/host"
)

// TestSourcesAreToldOfQuirks: a position in a file counts characters if the worker says so, whatever the connector
// says, and the configuration of a task, which is stored, does not tell.
func TestSourcesAreToldOfQuirks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "four", "первый") // 12 characters with their ends, 18 bytes
	for name, c := range map[string]struct {
		worker bool
		own    []string // of the connector's configuration
		want   string
	}{
		"off":     {false, nil, `{"position":18}`},
		"on":      {true, nil, `{"position":12}`},
		"wants":   {false, []string{host.KafkaQuirksKey, "true"}, `{"position":18}`},
		"refuses": {true, []string{host.KafkaQuirksKey, "false"}, `{"position":12}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, dir)
			b.config.KafkaQuirks = c.worker
			source := fileSource(append([]string{"file", file, "topic", "lines"}, c.own...)...)
			made, err := b.StartConnector(t.Context(), "c", source, host.TargetStarted, func() {})
			if err != nil || len(made) != 1 {
				t.Fatalf("task configurations: %v, %v", made, err)
			}
			if _, has := made[0][host.KafkaQuirksKey]; has != (c.own != nil) {
				t.Errorf("the configuration of a task is %v", made[0])
			}
			b.StartTask(host.TaskID{Connector: "c"}, 1, source, made[0], host.TargetStarted)
			eventually(t, "the position is "+c.want, func() bool {
				stored, err := b.kafka.Load(t.Context(), "c")
				return err == nil && len(stored) == 1 && string(stored[0].Offset) == c.want
			})
		})
	}
}

package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
)

// aging is a provider whose values get old.
type aging struct{ ttl time.Duration }

func (a aging) Get(string, []string) (configprovider.Data, error) {
	return configprovider.Data{Values: map[string]string{"topic": "t", "size": "zero"}, TTL: a.ttl}, nil
}

func benchWithValues(t *testing.T, p configprovider.Provider) *bench {
	t.Helper()
	b := newBench(t)
	b.Values = configprovider.NewTransformer(map[string]configprovider.Provider{"p": p})
	return b
}

func fileSource(pairs ...string) host.Config {
	return config(append([]string{"name", "c", "connector.class", "FileStreamSource", "file", "/none"}, pairs...)...)
}

func TestTaskConfigurationsAreStoredWithReferences(t *testing.T) {
	b := benchWithValues(t, aging{-1})
	made, err := b.StartConnector(t.Context(), "c", fileSource("topic", "${p:topic}"), host.TargetStarted, func() {})
	if err != nil || len(made) != 1 || made[0].Get("topic") != "${p:topic}" {
		t.Errorf("%v, %v", made, err)
	}
	if got := b.connectors["c"].config.Get("topic"); got != "t" {
		t.Errorf("the connector runs with topic %q", got)
	}
}

func TestTasksRunWithValues(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lines")
	if err := os.WriteFile(file, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, dir)
	b.Values = configprovider.NewTransformer(map[string]configprovider.Provider{"p": aging{-1}})
	b.start(t, fileSource("topic", "${p:topic}", "file", file))
	eventually(t, "the line is in topic t", func() bool { return b.values("t") == "one" })
}

func TestValuesAreValidated(t *testing.T) {
	b := benchWithValues(t, aging{-1})
	infos, err := b.Validate(t.Context(), "", fileSource("topic", "${p:topic}", "batch.size", "${p:size}"))
	if err != nil || infos.ErrorCount != 1 {
		t.Errorf("%d errors, %v", infos.ErrorCount, err)
	}
	file, err := configprovider.NewFile(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Values = configprovider.NewTransformer(map[string]configprovider.Provider{"p": file})
	config := fileSource("topic", "${p:/none:topic}")
	const want = "org.apache.kafka.common.config.ConfigException: Could not read properties from file /none"
	if _, err = b.Validate(t.Context(), "", config); !errors.Is(err, host.ErrInternal) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := b.StartConnector(t.Context(), "c", config, host.TargetStarted, nil); err == nil {
		t.Error("a connector started without its values")
	}
	if trace := b.status.connector("c").trace; !strings.HasPrefix(trace, want) {
		t.Errorf("trace %q", trace)
	}
}

func TestOldValuesRestartTheConnector(t *testing.T) {
	restarted := make(chan string, 1)
	start := func(ttl time.Duration, pairs ...string) *bench {
		b := benchWithValues(t, aging{ttl})
		b.Restart = func(_ context.Context, name string) error { restarted <- name; return nil }
		config := fileSource(append(pairs, "topic", "${p:topic}")...)
		if _, err := b.StartConnector(t.Context(), "c", config, host.TargetStarted, func() {}); err != nil {
			t.Fatal(err)
		}
		return b
	}
	start(0)
	if name := <-restarted; name != "c" {
		t.Errorf("%s was restarted", name)
	}
	if b := start(time.Hour, "config.action.reload", "none"); b.connectors["c"].reload != nil {
		t.Error("config.action.reload=none schedules a restart")
	}
	b := start(time.Hour)
	reload := b.connectors["c"].reload
	b.StopConnector(t.Context(), "c", "")
	if reload.Stop() {
		t.Error("a stopped connector is going to be restarted")
	}
}

package worker

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func wish(connector, alias, version string, pairs ...string) host.ShadowWish {
	return host.ShadowWish{ID: connector + alias + version + fmt.Sprint(pairs), Connector: connector, Alias: alias,
		Version: version, Config: config(pairs...)}
}

// shadowOf waits until the shadow beside a task has compared so many records.
func (b *bench) shadowOf(t *testing.T, w host.ShadowWish, records int64) host.ShadowReport {
	t.Helper()
	var r host.ShadowReport
	eventually(t, fmt.Sprintf("%d records compared for %s", records, w.Connector), func() bool {
		reports := b.ShadowReports(w.Connector, w.Alias)
		if len(reports) == 1 {
			r = reports[0]
		}
		if r.State == host.ShadowFailed {
			t.Fatalf("failed: %s", r.Problem)
		}
		return r.ID == w.ID && r.Compared >= records
	})
	return r
}

func (b *bench) runsShadow(t *testing.T, w host.ShadowWish) {
	t.Helper()
	eventually(t, "the shadow runs", func() bool {
		r := b.ShadowReports(w.Connector, w.Alias)
		return len(r) == 1 && r[0].ID == w.ID && r[0].State == host.ShadowRunning
	})
}

func TestShadowBesideASinkReportsWhatDiffers(t *testing.T) {
	b := newBench(t)
	c := config("name", "s", "connector.class", "blackhole", "topics", "in", "value.converter", jsonConverter,
		"value.converter.schemas.enable", "false", "errors.tolerance", "all", "transforms", "mask",
		"transforms.mask.type", "MaskField$Value", "transforms.mask.fields", "card")
	b.start(t, c)
	w := wish("s", "mask", "", "fields", "card,cvc")
	if err := b.CheckShadow(t.Context(), c, w); err != nil {
		t.Fatal(err)
	}
	b.SetShadows("s", []host.ShadowWish{w})
	b.runsShadow(t, w)
	b.kafka.produce("in", `{"card":"1","cvc":""}`, `{"card":"1","cvc":"2"}`, `no JSON`,
		`{"card":"3","cvc":""}`)
	r := b.shadowOf(t, w, 4)
	if r.Equal != 3 || r.Different != 1 || r.BothFailed != 1 || r.Dropped != 0 || len(r.Differences) != 1 {
		t.Fatalf("%+v", r)
	}
	d := r.Differences[0]
	if d.Record.Topic != "in" || *d.Record.Offset != 1 ||
		!strings.Contains(string(d.Live.Records[0].Value), `"cvc":"2"`) ||
		!strings.Contains(string(d.Candidate.Records[0].Value), `"cvc":""`) {
		t.Errorf("%+v", d)
	}
	if r.LiveCPU <= 0 || r.Candidate <= 0 || r.CPURatio() <= 0 {
		t.Errorf("CPU: %d and %d µs", r.LiveCPU, r.Candidate)
	}
	b.SetShadows("s", nil)
	eventually(t, "the shadow is gone", func() bool { return len(b.ShadowReports("s", "mask")) == 0 })
	b.kafka.produce("in", `{"card":"1"}`)
	eventually(t, "the sink goes on", func() bool { return b.kafka.committed("in") == 5 })
}

// A source whose transformations run in its connector's instance is started anew for a shadow, and loses nothing.
func TestShadowBesideASource(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.addKit(t)
	for _, kind := range []string{"fused", "crossed"} {
		file := filepath.Join(dir, kind)
		writeLines(t, file, "a", "b")
		chain := []string{"transforms", "route,up", "transforms.up.type", "kit.Upper"}
		alias := "up"
		if kind == "fused" {
			chain, alias = []string{"transforms", "route"}, "route"
		}
		c := config(append(chain, "name", kind, "connector.class", "FileStreamSource", "file", file, "topic", kind,
			"transforms.route.type", regexRouter, "transforms.route.regex", "(.*)", "transforms.route.replacement", "$1")...)
		b.start(t, c)
		eventually(t, "the first lines", func() bool { return len(strings.Fields(b.values(kind))) == 2 })
		w := wish(kind, alias, "", "type", regexRouter, "regex", "(.*)", "replacement", "to-$1")
		b.SetShadows(kind, []host.ShadowWish{w})
		b.runsShadow(t, w)
		writeLines(t, file, "a", "b", "c", "d", "e")
		r := b.shadowOf(t, w, 3)
		if r.Different != 3 || len(r.Differences) != 3 || r.Differences[0].Live.Records[0].Topic != kind ||
			r.Differences[0].Candidate.Records[0].Topic != "to-"+kind {
			t.Fatalf("%s: %+v", kind, r)
		}
		if got := string(r.Differences[0].Record.SourceOffset); got != `{"position":6}` {
			t.Errorf("%s: source offset %s", kind, got)
		}
		eventually(t, "each line once", func() bool { return strings.EqualFold(b.values(kind), "a b c d e") })
		if got := b.values("to-" + kind); got != "" {
			t.Errorf("%s: the candidate produced %s", kind, got)
		}
	}
}

// A candidate that traps, loops or eats memory costs the task nothing.
func TestShadowOfAHostileCandidate(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	b.addKit(t)
	for _, misbehave := range []string{"batch:trap", "batch:loop", "batch:memory", "batch:garbage"} {
		name := strings.ReplaceAll(misbehave, ":", "-")
		c := config("name", name, "connector.class", "blackhole", "topics", name, "transforms", "up",
			"transforms.up.type", "kit.Upper")
		b.start(t, c)
		w := wish(name, "up", "", "type", "hostile.Transform", "misbehave", misbehave)
		b.SetShadows(name, []host.ShadowWish{w})
		b.runsShadow(t, w)
		b.kafka.produce(name, "a", "b", "c")
		eventually(t, "the sink goes on", func() bool { return b.kafka.committed(name) == 3 })
		eventually(t, "a trap is told for "+misbehave, func() bool {
			r := b.ShadowReports(name, "up")[0]
			return r.Traps > 0 && r.LastTrap != "" && r.Equal == 0
		})
	}
	c := config("name", "start", "connector.class", "blackhole", "topics", "start", "transforms", "up",
		"transforms.up.type", "kit.Upper")
	b.start(t, c)
	w := wish("start", "up", "", "type", "hostile.Transform", "misbehave", "start:trap")
	b.SetShadows("start", []host.ShadowWish{w})
	eventually(t, "the shadow fails", func() bool {
		r := b.ShadowReports("start", "up")
		return len(r) == 1 && r[0].State == host.ShadowFailed && strings.Contains(r[0].Problem, "out of bounds")
	})
}

func TestShadowsThatAreRefused(t *testing.T) {
	b := newBench(t)
	c := config("name", "s", "connector.class", "blackhole", "topics", "in", "transforms", "mask", "transforms.mask.type",
		"MaskField$Value", "transforms.mask.fields", "card")
	for _, test := range []struct {
		wish host.ShadowWish
		kind error
		says string
	}{
		{wish("s", "gone", "1.0"), host.ErrNotFound, `has no transformation "gone": its transforms are "mask"`},
		{wish("s", "mask", ""), host.ErrBadRequest, "give version, config or both"},
		{wish("s", "mask", "9.9.9"), host.ErrBadRequest, "transforms.mask.plugin.version: "},
		{wish("s", "mask", "", "type", "Gone"), host.ErrBadRequest, "transforms.mask.type: "},
		{wish("s", "mask", "", "fields", ""), host.ErrBadRequest, "transforms.mask.fields: "},
		{wish("s", "mask", "", "fields", "${file:a:b}"), host.ErrBadRequest, "config.fields refers to a configuration"},
	} {
		if err := b.CheckShadow(t.Context(), c, test.wish); !errors.Is(err, test.kind) ||
			!strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.wish, err)
		}
	}
}

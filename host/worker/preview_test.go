package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

const jsonConverter = "org.apache.kafka.connect.json.JsonConverter"

// previewed is a record with a value in JSON.
func previewed(value string) host.PreviewRecord {
	return host.PreviewRecord{Topic: "orders", Value: json.RawMessage(value)}
}

func (b *bench) previewOf(t *testing.T, chain string, c host.Config, values ...string) host.Preview {
	t.Helper()
	request := host.PreviewRequest{Chain: chain, Config: c}
	for _, v := range values {
		request.Records = append(request.Records, previewed(v))
	}
	p, err := b.Preview(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told is what an outcome says in short: each step by its stage's alias or kind.
func told(p host.Preview, i int) string {
	r := p.Records[i]
	text := r.Outcome
	for _, s := range r.Steps {
		text += " " + p.Stages[s.Stage].Short()
		switch {
		case s.Dropped:
			text += ":dropped"
		case s.Error != nil:
			text += ":" + s.Error.Message
		case s.Predicate != nil:
			text += fmt.Sprintf(":%v", *s.Predicate)
		case s.Unchanged:
			text += ":="
		}
	}
	for _, o := range r.Output {
		text += " > " + o.Topic + " " + string(o.Value)
	}
	return text
}

func TestPreviewOfASinkShowsEachStage(t *testing.T) {
	b := newBench(t)
	p := b.previewOf(t, "", config("connector.class", "blackhole", "topics", "ignored", "value.converter", jsonConverter,
		"value.converter.schemas.enable", "false", "transforms", "drop,mask,route",
		"transforms.drop.type", "Filter", "transforms.drop.predicate", "tomb", "predicates", "tomb",
		"predicates.tomb.type", "RecordIsTombstone",
		"transforms.mask.type", "MaskField$Value", "transforms.mask.fields", "card",
		"transforms.route.type", "RegexRouter", "transforms.route.regex", "orders", "transforms.route.replacement", "paid"),
		`{"json": {"card": "4711", "n": 1}}`, `null`, `"no JSON"`)
	want := []string{
		`passed key_converter value_converter header_converter:= tomb:false drop:= mask route > paid ` +
			`{"json":{"card":"","n":1}}`,
		`dropped key_converter value_converter:= header_converter:= tomb:true drop:dropped`,
	}
	for i, w := range want {
		if got := told(p, i); got != w {
			t.Errorf("record %d:\n %s, want\n %s", i, got, w)
		}
	}
	failed := p.Records[2]
	e := failed.Steps[len(failed.Steps)-1].Error
	if failed.Outcome != host.PreviewFailed || e == nil || !strings.Contains(e.Class, "DataException") ||
		!strings.Contains(e.Remedy, "set value.converter to the converter that fits") {
		t.Errorf("%s: %+v", told(p, 2), e)
	}
}

func TestPreviewOfASourceTakesValuesWithSchemas(t *testing.T) {
	b := newBench(t)
	p := b.previewOf(t, host.PreviewSource, config("value.converter", jsonConverter, "value.converter.schemas.enable",
		"false", "transforms", "cast", "transforms.cast.type", "Cast$Value", "transforms.cast.spec", "n:string"),
		`{"schema": {"type": "struct", "fields": [{"field": "n", "type": "int32"}, `+
			`{"field": "price", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", `+
			`"parameters": {"scale": "2"}, "optional": true}]}, "payload": {"n": 7, "price": 12.5}}`)
	if got := p.Records[0].Output; len(got) != 1 || !strings.Contains(string(got[0].Value), `\"n\":\"7\"`) {
		t.Errorf("%s", told(p, 0))
	}
	if step := string(p.Records[0].Steps[0].Records[0].Value); !strings.Contains(step,
		`"payload":{"n":"7","price":12.50}`) {
		t.Errorf("after cast: %s", step)
	}
}

func TestPreviewAnswersTrapsAsResults(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	b.addKit(t)
	for _, c := range []struct{ misbehave, says string }{
		{"batch:trap", "out of bounds memory access"},
		{"batch:loop", "limit cpu-per-batch"},
		{"batch:memory", "out of memory"},
		{"batch:exit", "exited early"},
		{"batch:garbage", "read batch"},
		{"start:trap", "out of bounds memory access"},
		{"start:loop", "limit cpu-per-batch"},
	} {
		p := b.previewOf(t, host.PreviewTransforms, config("transforms", "bad", "transforms.bad.type", "hostile.Transform",
			"transforms.bad.misbehave", c.misbehave), `"a"`)
		r := p.Records[0]
		e := r.Steps[len(r.Steps)-1].Error
		if r.Outcome != host.PreviewFailed || e == nil || !strings.Contains(e.Message+e.Trap, c.says) {
			t.Errorf("%s: %s: %+v", c.misbehave, told(p, 0), e)
		}
	}
	// one record's end is not the others'
	p := b.previewOf(t, host.PreviewTransforms, config("transforms", "f,up", "transforms.f.type", "kit.Fail",
		"transforms.up.type", "kit.Upper"), `"a"`, `"panic"`, `"data"`, `"b"`)
	for i, want := range []string{`passed f:= up > orders`, `failed f:`, `failed f:bad data`, `passed f:= up > orders`} {
		if got := told(p, i); !strings.HasPrefix(got, want) {
			t.Errorf("record %d: %s, want %s", i, got, want)
		}
	}
}

func TestPreviewStopsTryingAStageThatEndsAgainAndAgain(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	values := make([]string, host.PreviewEndsMax+2)
	for i := range values {
		values[i] = `"panic"`
	}
	p := b.previewOf(t, host.PreviewTransforms, config("transforms", "f", "transforms.f.type", "kit.Fail"), values...)
	for i, r := range p.Records {
		want := host.PreviewFailed
		if i >= host.PreviewEndsMax {
			want = host.PreviewNotRun
		}
		if r.Outcome != want {
			t.Errorf("record %d: %s", i, told(p, i))
		}
	}
}

func TestPreviewRefusesBadRequests(t *testing.T) {
	b := newBench(t)
	mask := config("transforms", "m", "transforms.m.type", "MaskField$Value", "transforms.m.fields", "a")
	one := []host.PreviewRecord{previewed(`"x"`)}
	for _, c := range []struct {
		request host.PreviewRequest
		says    string
	}{
		{host.PreviewRequest{Config: mask, Records: one}, "chain is missing"},
		{host.PreviewRequest{Chain: "both", Config: mask, Records: one}, `chain is "both": it must be source, sink or`},
		{host.PreviewRequest{Chain: "sink", Config: mask}, "has no records"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: one, Topic: "t"}, "has records and topic"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: one, Last: 5}, "last is 5"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Topic: "t"}, "no Kafka"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Topic: "t", Last: 1001}, "limit preview-records (1000)"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: make([]host.PreviewRecord, 1001)},
			"limit preview-records (1000)"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: []host.PreviewRecord{{}}}, "records[0].topic is missing"},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: []host.PreviewRecord{previewed(`5`)}},
			`records[0].value is 5: write {"json": 5}`},
		{host.PreviewRequest{Chain: "sink", Config: mask, Records: []host.PreviewRecord{previewed(`{"a": 1}`)}},
			"it takes one of text, bytes (Base64), json, or schema with payload"},
		{host.PreviewRequest{Chain: "source", Config: mask, Records: []host.PreviewRecord{previewed(
			`{"schema": {"type": "int8"}, "payload": 300}`)}}, "records[0].value.payload is 300, which is no int8"},
		{host.PreviewRequest{Chain: "source", Config: mask, Records: []host.PreviewRecord{previewed(
			`{"json": "` + strings.Repeat("x", host.PreviewInputBytesMax) + `"}`)}}, "limit preview-input-bytes (4 MiB)"},
		{host.PreviewRequest{Chain: "transforms", Config: config(), Records: one}, "the chain has no stage"},
		{host.PreviewRequest{Chain: "sink", Config: config("transforms", "m", "transforms.m.type", "Nope"), Records: one},
			"transforms.m.type: "},
		{host.PreviewRequest{Chain: "sink", Config: config("transforms", "m", "transforms.m.type", "MaskField$Value"),
			Records: one}, `transforms.m.fields: Missing required configuration "transforms.m.fields"`},
		{host.PreviewRequest{Chain: "sink", Config: config("value.converter", jsonConverter,
			"value.converter.schemas.enable", "perhaps"), Records: one}, "value.converter.schemas.enable: "},
		{host.PreviewRequest{Chain: "sink", Config: config("transforms", "m", "transforms.m.type", "Filter",
			"transforms.m.predicate", "gone"), Records: one}, "gone"},
	} {
		_, err := b.Preview(t.Context(), c.request)
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

package abi

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestControlBodiesRoundTrip(t *testing.T) {
	plan, err := ParsePlan(goldenPlan().Encode())
	if want := goldenPlan(); err != nil || !reflect.DeepEqual(plan, want) {
		t.Errorf("plan %+v, %v", plan, err)
	}
	m, err := ParseManifest(goldenManifest().Encode())
	if want := goldenManifest(); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("manifest %+v, %v", m, err)
	}
	configs := []map[string]*string{{"a": ptr("b"), "n": nil}, {}}
	if got, err := ParseTaskConfigs(EncodeTaskConfigs(configs)); err != nil || !reflect.DeepEqual(got, configs) {
		t.Errorf("task configs %v, %v", got, err)
	}
	request := ValidateRequest{"p", KindSink, map[string]*string{"k": nil}}
	if got, err := ParseValidateRequest(request.Encode()); err != nil || !reflect.DeepEqual(got, request) {
		t.Errorf("validate %v, %v", got, err)
	}
	if got, err := ParseConfigsRequest(ConfigsRequest{4}.Encode()); err != nil || got.MaxTasks != 4 {
		t.Errorf("configs %v, %v", got, err)
	}
	if got, err := ParseCommitted(EncodeCommitted(7)); err != nil || got != 7 {
		t.Errorf("committed %v, %v", got, err)
	}
}

func TestRequestsToAlterOffsets(t *testing.T) {
	partition, offset := mustValue(t, map[string]any{"f": "a"}), mustValue(t, map[string]any{"n": int64(1)})
	want := AlterRequest{"p", KindSource, map[string]*string{"k": nil},
		[]AlteredOffset{{partition, offset}, {Value{}, Value{}}}}
	got, err := ParseAlterRequest(want.Encode())
	if err != nil || len(got.Offsets) != 2 || !bytes.Equal(got.Encode(), want.Encode()) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, offsets := range []any{[]any{[]any{}}, []any{[]any{int32(1), nil}}, []any{[]any{map[string]any{}, "x"}}} {
		body := AppendValueBody(nil, mustValue(t, map[string]any{"offsets": offsets}))
		if got, err := ParseAlterRequest(body); err == nil {
			t.Errorf("%v: read as %+v", offsets, got)
		}
	}
	for _, want := range []Altered{{}, {Supported: true}, {Supported: true, Managed: true}} {
		if got, err := ParseAltered(want.Encode()); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
}

func TestStoredOffsetsOfAPlan(t *testing.T) {
	offsets := []SourceOffset{{mustValue(t, map[string]any{"f": "a"}), mustValue(t, map[string]any{"n": int64(1)})}}
	p, err := ParsePlan(Plan{Role: RoleTask, Offsets: offsets}.Encode())
	if err != nil || !reflect.DeepEqual(p.Offsets, offsets) {
		t.Fatalf("%v, %v", p.Offsets, err)
	}
}

func TestControlBodiesAreRefused(t *testing.T) {
	encode := func(x any) []byte { return AppendValueBody(nil, mustValue(t, x)) }
	plugin := func(kind string) []byte {
		return Manifest{ABI: 1, Plugins: []Plugin{{Class: "c", Kind: kind}}}.Encode()
	}
	parseConfigs := func(b []byte) error { _, err := ParseTaskConfigs(b); return err }
	parsePlan := func(b []byte) error { _, err := ParsePlan(b); return err }
	parseManifest := func(b []byte) error { _, err := ParseManifest(b); return err }
	for name, c := range map[string]struct {
		body  []byte
		parse func([]byte) error
		want  string
	}{
		"plan is text":       {encode("x"), parsePlan, "it is STRING"},
		"plan is empty":      {nil, parsePlan, "empty"},
		"role is a number":   {encode(map[string]any{"role": int32(1)}), parsePlan, "role is INT32"},
		"too many stages":    {Plan{Stages: make([]Stage, PlanStagesMax+1)}.Encode(), parsePlan, "65 items"},
		"long string":        {Plan{Role: strings.Repeat("x", ControlStringBytes+1)}.Encode(), parsePlan, "role has"},
		"offsets no pair":    {encode(map[string]any{"offsets": []any{[]any{}}}), parsePlan, "pair"},
		"unknown kind":       {plugin("stage"), parseManifest, "unknown kind"},
		"no class":           {Manifest{Plugins: []Plugin{{}}}.Encode(), parseManifest, "without a class"},
		"config is an array": {encode([]any{[]any{}}), parseConfigs, "configuration is ARRAY"},
		"config of numbers":  {encode([]any{map[string]any{"a": int32(1)}}), parseConfigs, "INT32 for STRING"},
		"raw":                {[]byte{byte(TagRaw), 1}, parsePlan, "RAW"},
	} {
		if err := c.parse(c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	for name, b := range map[string][]byte{
		"short":        make([]byte, 15),
		"unknown kind": AppendEvent(nil, EventAlone+1, 1, nil), "kind 0": AppendEvent(nil, 0, 1, nil),
		"body too short": AppendEventHeader(nil, EventPlan, 1, 5), "trailing": append(AppendEvent(nil, EventStop, 1, nil), 0),
	} {
		if _, err := ParseEvent(b); err == nil {
			t.Errorf("event %s: accepted", name)
		}
	}
}

func TestMessagesAreCutAtCharacters(t *testing.T) {
	f, err := ParseFailure(Failure{Code: CodeData, Message: "a\xFFb"}.Encode())
	if err != nil || f.Message != "a\uFFFDb" {
		t.Fatalf("%q, %v", f.Message, err)
	}
	f, err = ParseFailure(Failure{Code: CodeData, Message: "x" + strings.Repeat("é", ErrorMessageBytes)}.Encode())
	if err != nil || len(f.Message) != ErrorMessageBytes-1 {
		t.Fatalf("%d bytes, %v", len(f.Message), err)
	}
}

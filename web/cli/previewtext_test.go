package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestPreviewAsText(t *testing.T) {
	offset, yes := int64(7), true
	record := func(value string) host.PreviewRecord {
		return host.PreviewRecord{Topic: "t", Offset: &offset, Key: json.RawMessage("null"), Value: json.RawMessage(value),
			Headers: []host.PreviewHeader{{Key: "h", Value: json.RawMessage(`{"bytes":"AA=="}`)}}}
	}
	structs := `{"schema":{"type":"struct","fields":[{"field":"n","type":"int32","optional":true},{"field":"d",` +
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal"},{"field":"l","type":"array","items":{"type":` +
		`"string"}},{"field":"m","type":"map","keys":{"type":"string"},"values":{"type":"int8"}}]},"payload":{"n":1}}`
	p := host.Preview{
		Stages: []host.PreviewStage{{Kind: "value_converter", Class: "V", Version: "1"},
			{Kind: "predicate", Alias: "p", Class: "P", Version: "2"}, {Kind: "transform", Alias: "drop", Class: "T"}},
		Records: []host.PreviewOutcome{
			{Input: record(`{"text":"{}"}`), Outcome: host.PreviewDropped, Steps: []host.PreviewStep{
				{Records: []host.PreviewRecord{record(structs)}}, {Stage: 1, Predicate: &yes, Unchanged: true},
				{Stage: 2, Dropped: true}}},
			{Input: record(`{"json":5}`), Outcome: host.PreviewFailed, Steps: []host.PreviewStep{{Error: &host.PreviewError{
				Class: "x.DataException", Message: "bad", Trap: "one\ntwo", Remedy: "mend it"}}}},
		},
		Log: []string{"INFO said"},
	}
	var out strings.Builder
	if err := printPreview(&out, p); err != nil {
		t.Fatal(err)
	}
	want := `stage 0  value_converter (V 1)
stage 1  predicate p (P 2)
stage 2  transform drop (T )

record 0: dropped
  in               t@7  key null  value {}  header h Base64 AA==
  value_converter  t@7  key null  value {"n":1} : struct{n optional int32, d Decimal (bytes), l array of string, ` +
		`m map of string to int8}  header h Base64 AA==
  p                true
  drop             dropped

record 1: failed
  in               t@7  key null  value 5 : no schema  header h Base64 AA==
  value_converter  x.DataException: bad
    trap: one
    two
    remedy: mend it
log  INFO said
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

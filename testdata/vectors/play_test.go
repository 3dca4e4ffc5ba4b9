package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
)

// lines are vectors of every family that plugins play, by file.
var lines = map[string][]string{
	"transforms-ReplaceField": {
		`{"id":"map","note":"n","class":"org.apache.kafka.connect.transforms.ReplaceField$Value","config":{"exclude":"b"},
		"input":{"kind":"sink","topic":"t","partition":3,"value":{"t":"map","v":[[{"t":"string","v":"a"},{"t":"float32",
		"v":"1.5","bits":"3fc00000"}],[{"t":"string","v":"b"},null],[{"t":"string","v":"c"},{"t":"decimal","unscaled":
		"-7","scale":2}]]},"timestamp":"7","timestampType":"CREATE_TIME","offset":"42","originalTopic":"o",
		"originalPartition":1,"originalOffset":"2","headers":[{"key":"h","schema":{"type":"INT8"},"value":{"t":"int8",
		"v":"1"}}]},"result":{"record":{"kind":"sink","topic":"t","partition":3,"value":{"t":"map","v":[[{"t":"string",
		"v":"c"},{"t":"decimal","unscaled":"-7","scale":2}],[{"t":"string","v":"a"},{"t":"float32","v":"1.5","bits":
		"3fc00000"}]],"hash":true},"timestamp":"7","timestampType":"CREATE_TIME","offset":"42","originalTopic":"o",
		"originalPartition":1,"originalOffset":"2","headers":[{"key":"h","schema":{"type":"INT8"},"value":{"t":"int8",
		"v":"1"}}]}}}`,
		`{"id":"struct","note":"","class":"org.apache.kafka.connect.transforms.ReplaceField$Key","config":{"renames":"a:z"},
		"input":{"kind":"source","topic":"t","keySchema":{"type":"STRUCT","name":"N","version":2,"doc":"d","parameters":
		[["k","v"]],"fields":[{"name":"a","schema":{"type":"INT64","optional":true,"default":{"t":"int64","v":"5"}}}]},
		"key":{"t":"struct","v":{"a":{"t":"int64","v":"9"}}},"sourcePartition":{"t":"map","v":[]}},"result":{"record":{
		"kind":"source","topic":"t","keySchema":{"type":"STRUCT","name":"N","version":2,"doc":"d","parameters":
		[["k","v"]],"fields":[{"name":"z","schema":{"type":"INT64","optional":true,"default":{"t":"int64","v":"5"}}}]},
		"key":{"t":"struct","v":{"z":{"t":"int64","v":"9"}}},"sourcePartition":{"t":"map","v":[]}}}}`,
		`{"id":"refused","note":"","class":"org.apache.kafka.connect.transforms.ReplaceField$Key","config":{"renames":"a"},
		"result":{"error":{"phase":"configure","class":"org.apache.kafka.common.config.ConfigException","message":
		"Invalid value [a] for configuration renames: Invalid rename mapping: a"}}}`},
	"transforms-Filter": {
		`{"id":"dropped","note":"","class":"org.apache.kafka.connect.transforms.Filter","config":{},"input":{"kind":
		"source","topic":"t"},"result":{"dropped":true}}`},
	"transforms-InsertField": {
		`{"id":"failed","note":"","class":"org.apache.kafka.connect.transforms.InsertField$Value","config":{"static.field":
		"f","static.value":"v"},"input":{"kind":"source","topic":"t","value":{"t":"string","v":"no map"}},"result":{
		"error":{"phase":"apply","class":"org.apache.kafka.connect.errors.DataException","message":
		"Only Map objects supported in absence of schema for [field insertion], found: java.lang.String"}}}`},
	"transforms-Cast": {
		`{"id":"zone","note":"","class":"org.apache.kafka.connect.transforms.Cast$Value","config":{"spec":"string"},"tz":
		"Asia/Kolkata","input":{"kind":"source","topic":"t","valueSchema":{"type":"INT64","name":
		"org.apache.kafka.connect.data.Timestamp","version":1},"value":{"t":"date","ms":"1566570894346"}},"result":{
		"record":{"kind":"source","topic":"t","valueSchema":{"type":"STRING","name":
		"org.apache.kafka.connect.data.Timestamp","version":1},"value":{"t":"string","v":"2019-08-23T20:04:54.346Z"}}}}`},
	"predicates": {
		`{"id":"true","note":"","class":"org.apache.kafka.connect.transforms.predicates.TopicNameMatches","config":{"pattern":
		"a.*"},"input":{"kind":"source","topic":"abc"},"result":{"test":true}}`,
		`{"id":"false","note":"","class":"org.apache.kafka.connect.transforms.predicates.TopicNameMatches","config":{
		"pattern":"b.*"},"input":{"kind":"source","topic":"abc"},"result":{"test":false}}`},
	"json-converter": {
		`{"id":"write","note":"","class":"org.apache.kafka.connect.json.JsonConverter","op":"fromConnect","config":{
		"schemas.enable":"false"},"isKey":true,"schema":{"type":"STRING"},"value":{"t":"string","v":"a"},
		"result":{"bytes":"ImEi"}}`,
		`{"id":"read","note":"","class":"org.apache.kafka.connect.json.JsonConverter","op":"toConnect","config":{
		"schemas.enable":"false"},"isKey":false,"bytes":"WzFd","result":{"schema":null,"value":{"t":"list","v":
		[{"t":"int64","v":"1"}]}}}`,
		`{"id":"null","note":"","class":"org.apache.kafka.connect.json.JsonConverter","op":"fromConnect","config":{
		"schemas.enable":"false"},"isKey":false,"result":{"bytes":null}}`},
	"configdef": {
		`{"id":"parse type","op":"parseType","type":"LONG","name":"k","value":{"t":"string","v":" 7 "},"result":{"text":"7",
		"value":{"t":"int64","v":"7"}}}`,
		`{"id":"no type","op":"parseType","type":"INT","name":"k","value":{"t":"bool","v":true},"result":{"error":{"class":
		"org.apache.kafka.common.config.ConfigException","message":"Invalid value true for configuration k: Expected value ` +
			`to be a 32-bit integer, but it was a java.lang.Boolean"}}}`,
		`{"id":"range","op":"validator","validator":"Range.atLeast","name":"k","min":{"t":"int32","v":"1"},"value":{"t":
		"int32","v":"1"},"result":{"ok":true,"toString":"[1,...]"}}`,
		`{"id":"key","op":"key","def":"DistributedConfig","name":"group.id","result":{"key":{"name":"group.id","type":
		"STRING","required":true,"importance":"HIGH","orderInGroup":-1,"width":"NONE","displayName":"group.id"}}}`,
		`{"id":"validate","op":"validate","def":"StandaloneConfig","props":{"metrics.num.samples":"0"},"result":{"values":[
		{"name":"key.converter","errors":["Missing required configuration \"key.converter\" which has no default value."]},
		{"name":"value.converter","errors":["Missing required configuration \"value.converter\" which has no default ` +
			`value."]},
		{"name":"metrics.num.samples","value":"0","errors":["Invalid value 0 for configuration metrics.num.samples: Value ` +
			`must be at least 1"]},{"name":"offset.storage.file.filename","errors":["Missing required configuration ` +
			`\"offset.storage.file.filename\" which has no default value."]}],"partial":true}}`,
		`{"id":"connector","op":"connectorConfig","base":"source","props":{"name":"n","connector.class":"c","tasks.max":"2",
		"topic.creation.default.partitions":"1","topic.creation.default.replication.factor":"2"},"result":{"config":{
		"errorRetryTimeout":"0","errorMaxDelayInMillis":"60000","tolerance":"NONE","tasksMax":2,"transactionBoundary":"poll",
		"usesTopicCreation":true,"groups":{"default":{"include":[".*"],"exclude":[],"replicationFactor":2,"partitions":1,
		"other":{}}}}}}`},
	"config-transformer": {
		`{"id":"transform","op":"transform","providers":{"env":{"kind":"env","env":{"A":"1"},"config":{}}},"config":{"k":
		"<${env:A}>"},"result":{"data":{"k":"<1>"},"ttls":{}}}`},
	"values": {
		`{"id":"header","note":"","op":"headerToConnect","bytes":"MQ==","result":{"schema":{"type":"INT8"},
		"value":{"t":"int8","v":"1"}}}`},
}

func parsed(t *testing.T) []*vector {
	t.Helper()
	var all []*vector
	for file, texts := range lines {
		for _, text := range texts {
			v, err := parseVector(file, text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
	}
	return all
}

var stock = modules{stock: filepath.Join("..", "..", "modules", "stock.wasm")}

func startWorkers(t *testing.T) *workers {
	t.Helper()
	w, err := newWorkers(t.Context(), stock, []string{utc, "Asia/Kolkata"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close(t.Context()) })
	return w
}

func TestVectorsPass(t *testing.T) {
	for v, outcome := range play(t.Context(), parsed(t), startWorkers(t).families()) {
		if outcome != "" {
			t.Errorf("%s: %s", v.text("id"), outcome)
		}
	}
}

// Every part of every expectation counts: with any one changed, the vector fails.
func TestChangedExpectationsFail(t *testing.T) {
	var changed []*vector
	what := map[*vector]string{}
	for _, v := range parsed(t) {
		for _, c := range changes(v.members["result"], "result") {
			w := &vector{file: v.file, line: v.line, members: object{}}
			for name, member := range v.members {
				w.members[name] = member
			}
			w.members["result"] = c.value
			what[w] = v.text("id") + " " + c.at
			changed = append(changed, w)
		}
	}
	if len(changed) < 60 {
		t.Fatalf("only %d changes", len(changed))
	}
	for v, outcome := range play(t.Context(), changed, startWorkers(t).families()) {
		if outcome == "" {
			t.Errorf("%s: nobody saw the change", what[v])
		}
	}
}

type change struct {
	at    string
	value any
}

// changes lists what a result becomes when one of its leaves is changed, and when one of its lists is one longer.
func changes(x any, at string) []change {
	var all []change
	switch x := x.(type) {
	case string:
		return []change{{at, x + "1"}}
	case json.Number:
		return []change{{at, json.Number(x.String() + "1")}}
	case bool:
		return []change{{at, !x}}
	case nil:
		return []change{{at, object{"t": "bytes", "v": "AA=="}}}
	case list:
		all = append(all, change{at + " longer", append(x[:len(x):len(x)], list{object{"t": "int8", "v": "9"}, nil})})
		for i, member := range x {
			for _, c := range changes(member, fmt.Sprintf("%s[%d]", at, i)) {
				copied := append(list{}, x...)
				copied[i] = c.value
				all = append(all, change{c.at, copied})
			}
		}
	case object:
		for name, member := range x {
			if name == "hash" || name == "v" && x["bits"] != nil { // they say nothing of their own
				continue
			}
			for _, c := range changes(member, at+"."+name) {
				copied := object{}
				for n, m := range x {
					copied[n] = m
				}
				copied[name] = c.value
				all = append(all, change{c.at, copied})
			}
		}
	}
	return all
}

func TestWhatCannotBePlayedHasFailed(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"transforms-Filter": `{"id":"foreign","note":"n","class":"org.apache.kafka.connect.transforms.Filter","config":{},` +
			`"input":{"kind":"source","topic":"t","value":{"t":"java","class":"java.util.HashSet","v":[]}},` +
			`"result":{"dropped":true}}
{"id":"unknown","class":"no.such.Plugin","config":{},"input":{"kind":"source","topic":"t"},"result":{"dropped":true}}
{"id":"good","class":"org.apache.kafka.connect.transforms.Filter","config":{},"input":{"kind":"source","topic":"t"},` +
			`"result":{"dropped":true}}`,
		"java-format": `{"id":"unasked","op":"Float.toString","bits":"00000000","result":{"text":"0.0"}}`,
		"new-family":  `{"id":"new","result":{"text":"0.0"}}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	asExpected, err := run(t.Context(), options{dir: dir, modules: stock, verbose: true}, &out)
	if err != nil || asExpected {
		t.Errorf("as expected: %v, %v", asExpected, err)
	}
	for _, want := range []string{
		"foreign (n): not played: the ABI can't hold the input: value: it holds a java.util.HashSet without a text",
		"unknown (): not played: ", "no.such.Plugin", "unasked (): not played: no probe",
		"new (): not played: nobody plays"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if !strings.HasSuffix(out.String(), "\n1 passed, 4 failed\n") {
		t.Errorf("the end is not the sum:\n%s", out.String())
	}
}

// Disputed vectors may fail and nothing else; one that passes is disputed no more.
func TestDisputedVectorsAreExpectedToFail(t *testing.T) {
	dir := t.TempDir()
	line := `{"id":"Filter-%s","class":"org.apache.kafka.connect.transforms.Filter","config":{},` +
		`"input":{"kind":"source","topic":"t"},"result":{"dropped":%s}}` + "\n"
	text := fmt.Sprintf(line, "0000000001", "true") + fmt.Sprintf(line, "0000000002", "false")
	if err := os.WriteFile(filepath.Join(dir, "transforms-Filter.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for disputed, want := range map[string]bool{"nothing": false, "`Filter-0000000002`": true,
		"`Filter-0000000001`": false, "`Filter-0000000001`, `Filter-0000000002`": false} {
		file := filepath.Join(dir, "disputed.md")
		if err := os.WriteFile(file, []byte(disputed), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		asExpected, err := run(t.Context(), options{dir: dir, modules: stock, disputed: file}, &out)
		if err != nil || asExpected != want || !strings.HasSuffix(out.String(), "\n1 passed, 1 failed\n") {
			t.Errorf("%s: %v, %v\n%s", disputed, asExpected, err, out.String())
		}
	}
}

func TestBadInputIsNamed(t *testing.T) {
	dir := t.TempDir()
	if _, err := readVectors(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty folder: %v", err)
	}
	for name, text := range map[string]string{"no JSON": "{", "no result": `{"id":"x"}`} {
		if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte("\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readVectors(dir); err == nil || !strings.Contains(err.Error(), "a.jsonl:2: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the ABI lets nest must not end an instance, whatever recurses over it.
func TestDeepestValuesEndNoInstance(t *testing.T) {
	const deep = abi.DepthMax
	nested := func(open, middle, end string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	list := nested(`{"t":"list","v":[`, `{"t":"int8","v":"1"}`, `]}`, deep)
	tree := nested(`{"t":"map","v":[[{"t":"string","v":"k"},`, `{"t":"int8","v":"1"}`, `]]}`, deep)
	schema := nested(`{"type":"ARRAY","value":`, `{"type":"INT8"}`, `}`, deep-1)
	base64Of := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	json := `"class":"org.apache.kafka.connect.json.JsonConverter","config":{"schemas.enable":"false"},"isKey":false`
	record := `"input":{"kind":"source","topic":"t","value":` + tree + `}`
	var all []*vector
	for file, inputs := range map[string][]string{
		"json-converter": {
			json + `,"op":"toConnect","bytes":"` + base64Of(nested("[", "", "]", deep)) + `"`,
			json + `,"op":"toConnect","bytes":"` + base64Of(nested(`{"k":`, "1", "}", deep)) + `"`,
			json + `,"op":"fromConnect","value":` + list, json + `,"op":"fromConnect","value":` + tree,
			strings.Replace(json, "false", "true", 1) + `,"op":"fromConnect","schema":` + schema + `,"value":` +
				nested(`{"t":"list","v":[`, `{"t":"int8","v":"1"}`, `]}`, deep-1),
		},
		"simple-converters": {`"class":"org.apache.kafka.connect.storage.StringConverter","config":{},"isKey":false,` +
			`"op":"fromConnect","value":` + list},
		"values": {`"op":"headerFromConnect","value":` + list, `"op":"headerFromConnect","value":` + tree,
			`"op":"headerToConnect","bytes":"` + base64Of(nested("[", "1", "]", deep)) + `"`},
		"transforms-Flatten": {`"class":"org.apache.kafka.connect.transforms.Flatten$Value","config":{},` + record},
		"transforms-Cast": {`"class":"org.apache.kafka.connect.transforms.Cast$Value","config":{"spec":"k:string"},` +
			record},
		"transforms-MaskField": {
			`"class":"org.apache.kafka.connect.transforms.MaskField$Value","config":{"fields":"k"},` + record},
	} {
		for i, input := range inputs {
			v, err := parseVector(file, fmt.Sprintf(`{"id":"%s %d",%s,"result":{}}`, file, i, input))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
	}
	for v, outcome := range play(t.Context(), all, startWorkers(t).families()) {
		if strings.HasPrefix(outcome, "not played") {
			t.Errorf("%s: %s", v.text("id"), outcome)
		}
	}
}

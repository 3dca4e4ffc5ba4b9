package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedCache lets all tests compile the bundled module once.
func sharedCache(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(os.TempDir(), "berth-test-cache"))
}

const maskGolden = `{
  "about": "the card number is masked",
  "chain": "sink",
  "config": {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": false,
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "transforms": "mask",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.fields": "card"
  },
  "records": [
    {"topic": "t", "key": null, "value": {"json": {"card": "4711", "a": "<&>"}}},
    {"topic": "t", "key": null, "value": "no JSON"}
  ],
  "expect": EXPECT
}`

func playText(t *testing.T, text string, more ...string) (said string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mask.golden.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = dispatch(append([]string{"transform", "test", file}, more...), &out)
	return out.String(), err
}

func TestGoldenFileThatIsUpdatedHolds(t *testing.T) {
	sharedCache(t)
	file := filepath.Join(t.TempDir(), "mask.golden.json")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(maskGolden, "EXPECT", "[]")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) error {
		return dispatch(append([]string{"transform", "test"}, args...), io.Discard)
	}
	if err := run(file); err == nil || !strings.Contains(err.Error(), "1 of 1 files failed") {
		t.Errorf("a file that expects nothing: %v", err)
	}
	if err := run("-update", file); err != nil {
		t.Fatal(err)
	}
	contains(t, readFile(t, file), `"about": "the card number is masked"`, `"a": "<&>"`, `"by": "value_converter"`,
		`"outcome": "failed"`, `DataException"`)
	if err := run(filepath.Dir(file)); err != nil {
		t.Errorf("the updated file: %v", err)
	}
	before := readFile(t, file)
	if err := run("-update", file); err != nil || readFile(t, file) != before {
		t.Errorf("updated again it is another: %v", err)
	}
}

func TestGoldenFileShowsWhatDiffers(t *testing.T) {
	sharedCache(t)
	key := `"key": {"schema": {"type": "string", "optional": true}, "payload": null}`
	failed := `{"outcome": "failed", "by": "value_converter"`
	said, err := playText(t, strings.ReplaceAll(maskGolden, "EXPECT", `[{"outcome": "passed", "output": [{"topic": "t", `+
		`"partition": 0, "offset": 0, `+key+`, "value": {"json": {"a": "<&>", "card": "4711"}}}]}, `+failed+
		`, "error": {"class": "X"}}]`))
	if err == nil {
		t.Fatalf("no failure: %s", said)
	}
	contains(t, said, "FAIL", `- `, `"card": "4711"`, `"card": ""`, "record 0", "record 1", `"class": "X"`,
		"DataException")
	if strings.Contains(said, `"message"`) {
		t.Errorf("a message is compared that is not expected:\n%s", said)
	}
	said, err = playText(t, strings.ReplaceAll(maskGolden, "EXPECT", `[{"outcome": "passed", "output": [{"topic": "t", `+
		`"partition": 0, "offset": 0, `+key+`, "value": {"json": {"card": "", "a": "<&>"}}}]}, `+failed+
		`, "error": {}}]`))
	if err != nil {
		t.Errorf("order of members and an error of any kind: %v\n%s", err, said)
	}
}

func TestGoldenFilesThatCanNotBePlayed(t *testing.T) {
	sharedCache(t)
	empty := t.TempDir()
	if err := dispatch([]string{"transform", "test", empty}, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "no file that ends in .golden.json") {
		t.Errorf("an empty folder: %v", err)
	}
	notWasm := filepath.Join(empty, "m.wasm")
	if err := os.WriteFile(notWasm, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	fine := strings.ReplaceAll(maskGolden, "EXPECT", "[]")
	for _, c := range []struct {
		text, says string
		more       []string
	}{
		{"{", "must be an object with about", nil},
		{`{"expected": []}`, `unknown field "expected"`, nil},
		{strings.ReplaceAll(fine, "MaskField$Value", "Gone"), "transforms.mask.type: ", nil},
		{strings.ReplaceAll(fine, `"transforms.mask.fields": "card"`, `"a": "b"`), "mask.fields: Missing", nil},
		{strings.ReplaceAll(fine, `"topic": "t", "key": null, "value": "no`, `"tpic": "t", "value": "no`),
			`records[1]: json: unknown field "tpic"`, nil},
		{strings.ReplaceAll(fine, `"chain": "sink"`, `"chain": "both"`), `chain is "both"`, nil},
		{fine, "m.wasm", []string{"-module", notWasm}},
		{fine, "gone.wasm", []string{"-module", filepath.Join(empty, "gone.wasm")}},
	} {
		if said, err := playText(t, c.text, c.more...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v\n%s, want %q", err, said, c.says)
		}
	}
}

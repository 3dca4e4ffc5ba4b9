package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestSwapCommand(t *testing.T) {
	const swap = `{"revision":7,"state":"done","stage":"transforms.a","version":"2.0.0","tasks":[{"id":1,"state":"done",
		"reason":null,"pause_us":250,"changes":[{"stage":"transforms.a","old":{"version":"1.0.0","digest":"0123456789"},
		"new":{"version":"2.0.0","digest":"abcdefghij"}}],"after":[{"partition":{"p":1},"offset":{"o":9}}]}]}`
	const row = "7 1 done transforms.a 1.0.0 (01234567) 2.0.0 (abcdefgh) 250 µs {\"p\":1} {\"o\":9} -"
	answers := map[string]string{
		"PUT /connectors/c%20d/transforms/a/version {\"version\":\"2.0.0\"}": swap,
		"PUT /connectors/c/predicates/p/version {\"version\":\"2.0.0\"}":     swap,
		"PUT /connectors/c/converters/value/version {\"version\":\"2.0.0\"}": swap,
		"POST /connectors/c/transforms/a/rollback ":                          swap,
		"GET /connectors/c/swaps ":                                           "[" + swap + "]",
	}
	worker := answering(t, answers)
	for _, c := range []struct {
		args        []string
		says, fails string
	}{
		{args: []string{"c d", "a", "2.0.0"}, says: row},
		{args: []string{"c", "predicates.p", "2.0.0"}, says: row},
		{args: []string{"c", "value.converter", "2.0.0"}, says: row},
		{args: []string{"-rollback", "c", "a"}, says: row},
		{args: []string{"c"}, says: row},
		{args: []string{"c", "a", "9"}, fails: "the worker refused PUT /connectors/c/transforms/a/version: no such thing"},
		{args: []string{"c", "a"}, fails: "berth swap takes CONNECTOR ALIAS VERSION"},
		{args: []string{"-rollback", "c", "a", "1"}, fails: "berth swap takes CONNECTOR ALIAS VERSION"},
	} {
		var out bytes.Buffer
		err := dispatch(append([]string{"swap", "-url", worker.URL + "/"}, c.args...), &out)
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%v: got error %v, want %q", c.args, err, c.fails)
		}
		if got := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(got, c.says) {
			t.Errorf("%v: %q is not in\n%s", c.args, c.says, got)
		}
	}
}

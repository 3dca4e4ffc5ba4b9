package cli

import (
	"bytes"
	"strings"
	"testing"
)

const shadowDiffers = `{"id":"i","connector":"c","alias":"a","version":"2.0.0","config":{"field":"text","old":null},
	"since_ms":1000,"compared":9,"equal":7,"different":2,"both_failed":1,"dropped":3,"traps":1,"last_trap":"panic: no",
	"live_cpu_us":100,"candidate_cpu_us":150,"cpu_ratio":1.5,"unreached":["http://gone"],
	"tasks":[{"task":4,"worker_id":"w:1","state":"running","compared":9,"equal":7,"different":2,"both_failed":1,
	"dropped":3,"traps":1}],"differences":[{"task":4,"record":{"topic":"t","partition":0,"offset":5},
	"live":{"outcome":"passed","records":[{"topic":"t","key":null,"value":{"text":"is"}}]},
	"candidate":{"outcome":"failed","stage":"transforms.a","error":{"class":"DataException","message":"bad"}}},
	{"task":4,"record":{"topic":"u","source_partition":{"f":"x"},"source_offset":{"position":7}},
	"live":{"outcome":"dropped"},"candidate":{"outcome":"passed","records":[{"topic":"u","key":null,"value":null}]}}]}`

// shadowAnswers are those of a worker, by method, path and body.
func shadowAnswers() map[string]string {
	const promoted = `{"revision":7,"state":"done","stage":"transforms.a","version":"2.0.0",
		"tasks":[{"id":0,"state":"done","changes":[],"after":[]}]}`
	const failed = `{"tasks":[{"task":2,"state":"failed","problem":"no start"}]}`
	const shadow = "/connectors/c/transforms/a/shadow"
	return map[string]string{
		"GET " + shadow + " ":                                                                 shadowDiffers,
		"GET /connectors/same/transforms/a/shadow ":                                           `{"compared":100,"equal":100}`,
		"GET /connectors/behind/transforms/a/shadow ":                                         `{"dropped":100}`,
		"GET /connectors/bad/transforms/a/shadow ":                                            failed,
		"PUT " + shadow + ` {"network":false,"version":"2.0.0"}`:                              "{}",
		"PUT " + shadow + ` {"config":{"field":"a=b","old":null},"network":true}`:             "{}",
		"PUT /connectors/c%20d/transforms/a%2Fb/shadow {\"network\":false,\"version\":\"1\"}": "{}",
		"GET /connectors/c%20d/transforms/a%2Fb/shadow ":                                      shadowDiffers,
		"DELETE " + shadow + " ":                                                              "",
		"POST /connectors/c/transforms/a/promote ":                                            promoted,
	}
}

func TestShadowCommand(t *testing.T) {
	worker := answering(t, shadowAnswers())
	const table = "4 w:1 running 9 7 2 1 3 1 - all 9 7 2 1 3 1 panic: no"
	for _, c := range []struct {
		args  string
		says  []string
		fails string
	}{
		{args: "c a", says: []string{"candidate a of c: version 2.0.0, field=text, without old", "since 1970-01-01T00:00:01Z",
			"CPU 1.50 times", "unreached http://gone", table,
			"difference of task 4: record t-0@5 live t key null value is candidate failed at transforms.a: DataException: bad",
			`record to u from {"f":"x"} {"position":7} live dropped candidate u key null value null`}},
		{args: "c a 2.0.0", says: []string{table}},
		{args: "c a -set field=a=b -unset old -network", says: []string{table}},
		{args: "c+d a/b 1", says: []string{table}},
		{args: "c a -json", says: []string{`"cpu_ratio":1.5`}},
		{args: "c a -await 12", says: []string{table}, fails: "2 of 9 records came out otherwise, 1 ended its instance"},
		{args: "same a -await 100", says: []string{"all 100 100 0 0 0 0 -"}},
		{args: "behind a -await 100", fails: "none of 100 records was compared"},
		{args: "bad a -await 100", fails: "the shadow beside task 2 has failed: no start"},
		{args: "-promote c a", says: []string{"7 0 done transforms.a - 2.0.0"}},
		{args: "-promote -json c a", says: []string{`{"revision":7`}},
		{args: "-end c a"},
		{args: "-end gone a", fails: "the worker refused DELETE /connectors/gone/transforms/a/shadow: no such thing"},
		{args: "c a 9", fails: "the worker refused PUT /connectors/c/transforms/a/shadow: no such thing"},
		{args: "-promote -end c a", fails: "berth shadow takes VERSION, -set and -unset"},
		{args: "-promote c a 2.0.0", fails: "berth shadow takes VERSION, -set and -unset"},
		{args: "-network c a", fails: "-network is for a candidate that starts"},
		{args: "-await -1 c a", fails: "-await -1: it must be 1 or more"},
		{args: "-set field c a", fails: "-set field: it must be KEY=VALUE"},
		{args: "-set f=1 -unset f c a", fails: "-unset f: -set gives it a value"},
		{args: "c", fails: ErrUsage.Error()},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out bytes.Buffer
			args := []string{"shadow", "-url", worker.URL + "/"}
			for arg := range strings.FieldsSeq(c.args) {
				args = append(args, strings.ReplaceAll(arg, "+", " "))
			}
			err := dispatch(args, &out)
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got error %v, want %q", err, c.fails)
			}
			contains(t, strings.Join(strings.Fields(out.String()), " "), c.says...)
		})
	}
}

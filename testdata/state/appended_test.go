package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Generations, times and keys vary; states, workers and tombstones do not.
func TestLastValues(t *testing.T) {
	for _, c := range []struct {
		key, one, other string
		same            bool
	}{
		{"status-connector-c", `{"state":"RUNNING","generation":1}`, `{"generation":2,"state":"RUNNING"}`, true},
		{"status-connector-c", `{"state":"RUNNING","worker_id":"a:1"}`, `{"state":"RUNNING","worker_id":"b:1"}`, false},
		{"status-connector-c", `{"state":"RUNNING"}`, `{"state":"PAUSED"}`, false},
		{"status-topic-t:connector-c", `{"topic":{"name":"t","task":0,"discoverTimestamp":1}}`,
			`{"topic":{"name":"t","task":1,"discoverTimestamp":2}}`, true},
		{"session-key", `{"key":"AAEC"}`, `{"key":"BBEC"}`, true},
		{"commit-c", `{"tasks":1}`, `{"tasks":2}`, false},
		{"commit-c", `{"tasks":1}`, ``, false},
	} {
		of := func(value string) string {
			r := &kgo.Record{Key: []byte(c.key)}
			if value != "" {
				r.Value = []byte(value)
			}
			return lastValue(r)
		}
		if got := of(c.one) == of(c.other); got != c.same {
			t.Errorf("%s: %s and %s: same = %t", c.key, c.one, c.other, got)
		}
	}
}

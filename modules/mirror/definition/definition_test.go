package definition

import (
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
)

// The vectors of Kafka's definitions say what the tables must hold; this says that they hold nothing else.
func TestTablesAreWellFormed(t *testing.T) {
	for name, c := range map[string]struct {
		d    abi.ConfigDef
		last string
		keys int
	}{
		"source":     {Source(), "heartbeats.replication.enabled", 92},
		"checkpoint": {Checkpoint(), "topic.filter.class", 87},
		"heartbeat":  {Heartbeat(), "heartbeats.topic.replication.factor", 77},
	} {
		if n := len(c.d.Keys); n != c.keys || c.d.Keys[n-1].Name != c.last {
			t.Errorf("%s has %d keys, the last is %s, want %d and %s", name, n, c.d.Keys[n-1].Name, c.keys, c.last)
		}
		seen := map[string]bool{}
		for _, k := range c.d.Keys {
			if seen[k.Name] || !strings.HasSuffix(k.Doc, ".") && !strings.HasSuffix(k.Doc, ";") {
				t.Errorf("%s: %s comes twice, or has no documentation: %q", name, k.Name, k.Doc)
			}
			seen[k.Name] = true
			if k.HasDefault && k.Default != nil {
				value, problem := abi.ParseConfigValue(k.Name, k.Type, *k.Default, nil)
				if problem == nil {
					problem = k.Check(value)
				}
				if problem != nil {
					t.Errorf("%s: the default of %s: %v", name, k.Name, problem)
				}
			}
		}
	}
}

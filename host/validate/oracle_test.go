package validate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oraclePath is a file of the recorded answers of Kafka Connect.
func oraclePath(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("BERTH_CONFORMANCE")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Fatalf("the recorded answers of Kafka Connect are not there (%v): set BERTH_CONFORMANCE to their folder", err)
	}
	return filepath.Join(folder, name)
}

type recordedKey struct {
	Name, Type, Importance, Width, DisplayName, DocSha256 string
	Required                                              bool
	Default                                               *string
	Group                                                 *string
	OrderInGroup                                          int32
	Validator                                             string
}

type recordedValue struct {
	Name        string
	Value       *string
	Errors      []string
	Recommended []string
	Visible     *bool
}

type recordedGroup struct {
	Include, Exclude  []string
	ReplicationFactor int16
	Partitions        int32
	Other             map[string]string
}

// vector is a line of configdef.jsonl.
type vector struct {
	ID, Note, Op, Def, Name, Base, Type string
	Props                               map[string]*string
	RequireFullConfig                   bool
	CreateTopics                        *bool
	Value                               struct{ T, V string }
	Result                              struct {
		Key     recordedKey
		Names   []string
		Groups  []string
		Added   []recordedKey
		Values  []recordedValue
		Partial bool
		Text    *string
		Error   *struct{ Message, MessageFrom string }
		Config  *struct {
			ErrorRetryTimeout, ErrorMaxDelayInMillis, Tolerance string
			TasksMax                                            int
			TransactionBoundary                                 string
			UsesTopicCreation                                   bool
			Groups                                              map[string]recordedGroup
		}
	}
}

func vectors(t testing.TB, ops ...string) []vector {
	t.Helper()
	file, err := os.Open(oraclePath(t, filepath.Join("vectors", "configdef.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found []vector
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var kind struct{ Op string }
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			if kind.Op != op {
				continue
			}
			var v vector
			// parseType vectors hold values of any type; only texts are read here
			if err := json.Unmarshal(lines.Bytes(), &v); err == nil {
				found = append(found, v)
			} else if op != "parseType" {
				t.Fatalf("%s: %v", lines.Text(), err)
			}
		}
	}
	if err := lines.Err(); err != nil || len(found) == 0 {
		t.Fatalf("%d vectors of %v, %v", len(found), ops, err)
	}
	return found
}

// scenario is a file of rest/.
type scenario struct {
	Name, Profile string
	Steps         []step
}

type step struct {
	Method, Path, View, Note string
	Body                     any
	Expect                   struct {
		Status   any
		OrStatus []int `json:"or_status"`
		Body     any
	}
}

// readScenario reads a scenario with its variables filled in.
func readScenario(t testing.TB, name string) scenario {
	t.Helper()
	raw, err := os.ReadFile(oraclePath(t, filepath.Join("rest", name+".json")))
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("{{run}}", "abcdef", "{{tmp}}", "/shared/abcdef").Replace(string(raw))
	decoder := json.NewDecoder(bytes.NewBufferString(filled))
	decoder.UseNumber()
	var s scenario
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

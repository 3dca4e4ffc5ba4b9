package group_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/group/grouptest"
)

// recordings opens a file of the recorded conformance material, which lies beside the repository.
func recordings(t testing.TB, name string) [][]byte {
	t.Helper()
	dir := os.Getenv("BERTH_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	f, err := os.Open(filepath.Join(dir, "state", name))
	if err != nil {
		t.Fatalf("the recorded conformance material is needed (set BERTH_CONFORMANCE to its folder): %v", err)
	}
	defer f.Close()
	var lines [][]byte
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		lines = append(lines, slices.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil || len(lines) == 0 {
		t.Fatalf("reading %s: %d lines, %v", name, len(lines), err)
	}
	return lines
}

func idOf(t *testing.T, line []byte) string {
	t.Helper()
	var v struct{ ID int }
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(v.ID)
}

func TestProtocolVectors(t *testing.T) {
	for _, line := range recordings(t, "protocol.jsonl") {
		t.Run(idOf(t, line), func(t *testing.T) {
			if err := grouptest.CheckProtocol(line); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAssignorVectors(t *testing.T) {
	for _, line := range recordings(t, "assignor.jsonl") {
		t.Run(idOf(t, line), func(t *testing.T) {
			if err := grouptest.CheckAssignor(line); err != nil {
				t.Error(err)
			}
		})
	}
}

// What decodes, encodes to bytes that decode to the same.
func FuzzDecode(f *testing.F) {
	for _, line := range recordings(f, "protocol.jsonl") {
		var v struct{ Hex *string }
		if err := json.Unmarshal(line, &v); err == nil && v.Hex != nil {
			bytes, err := hex.DecodeString(*v.Hex)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(bytes)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []group.Protocol{group.Eager, group.Compatible, group.Sessioned} {
			if m, err := group.DecodeMetadata(p, data); err == nil {
				checkMetadataAgain(t, p, m)
			}
			if a, err := group.DecodeAssignment(p, data); err == nil {
				checkAssignmentAgain(t, p, a)
			}
		}
	})
}

func checkMetadataAgain(t *testing.T, p group.Protocol, m group.Metadata) {
	bytes, err := group.EncodeMetadata(p, m)
	if err != nil {
		return // U+FFFD in place of what is no UTF-8 made a name too long
	}
	again, err := group.DecodeMetadata(p, bytes)
	if err != nil || again.URL != m.URL || again.ConfigOffset != m.ConfigOffset ||
		(again.Allocation == nil) != (m.Allocation == nil) {
		t.Errorf("%s metadata %+v becomes %+v, %v", p, m, again, err)
	}
}

// checkAssignmentAgain encodes twice, as the first time puts entries of the same connector together.
func checkAssignmentAgain(t *testing.T, p group.Protocol, a *group.Assignment) {
	bytes, err := group.EncodeAssignment(p, a)
	if err != nil {
		return
	}
	once, err := group.DecodeAssignment(p, bytes)
	if err != nil {
		t.Fatalf("%s assignment %+v: %v", p, a, err)
	}
	if bytes, err = group.EncodeAssignment(p, once); err != nil {
		t.Fatal(err)
	}
	twice, err := group.DecodeAssignment(p, bytes)
	if err != nil || !reflect.DeepEqual(once, twice) {
		t.Errorf("%s assignment\n%+v becomes\n%+v, %v", p, once, twice, err)
	}
}

// TestTracedWorkers: in the place of a recorded worker, with the recorded answers, a member sends the same requests.
func TestTracedWorkers(t *testing.T) {
	played, err := grouptest.PlayTrace(bytes.Join(recordings(t, "trace/group.jsonl"), []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range played {
		if request.Err != nil {
			t.Errorf("%s: %v", request.ID, request.Err)
		}
	}
	if len(played) < 50 {
		t.Errorf("only %d requests were played", len(played))
	}
}

// TestMixedFollowers: led by a JVM worker, a member says what the recorded program had to.
func TestMixedFollowers(t *testing.T) {
	played, err := grouptest.PlayMixed(bytes.Join(recordings(t, "mixed/mixed.jsonl"), []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range played {
		if request.Err != nil {
			t.Errorf("%s: %v", request.ID, request.Err)
		}
	}
	if len(played) < 12 {
		t.Errorf("only %d requests were played", len(played))
	}
}

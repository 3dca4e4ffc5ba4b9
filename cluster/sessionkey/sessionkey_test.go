package sessionkey

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// vector is a line of signatures.jsonl.
type vector struct {
	ID        int
	Kind      string
	Algorithm string
	Key       []byte `json:"key_b64"`
	Body      string
	BodyBytes []byte `json:"body_b64"`
	Headers   map[string]string
	Present   bool
	Valid     bool
	Message   string
	KeyBits   int `json:"inter.worker.key.size"`
	KeyBytes  int `json:"key_bytes"`
}

// TestRecordedSignatures plays what Kafka Connect's own classes answered.
func TestRecordedSignatures(t *testing.T) {
	kinds := map[string]func(*testing.T, vector){"sign": playSign, "verify": playVerify, "key_generation": playGenerate}
	played := map[string]int{}
	for _, v := range vectors(t) {
		play := kinds[v.Kind]
		if play == nil {
			t.Fatalf("line %d is of the unknown kind %q", v.ID, v.Kind)
		}
		t.Run(strconv.Itoa(v.ID), func(t *testing.T) { play(t, v) })
		played[v.Kind]++
	}
	for kind := range kinds {
		if played[kind] == 0 {
			t.Errorf("no line is of the kind %s", kind)
		}
	}
}

func vectors(t *testing.T) []vector {
	t.Helper()
	folder := os.Getenv("BERTH_CONFORMANCE")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	file, err := os.Open(filepath.Join(folder, "state", "signatures.jsonl"))
	if err != nil {
		t.Fatalf("the recordings of Kafka Connect are missing: %v; set BERTH_CONFORMANCE to their folder", err)
	}
	defer func() { _ = file.Close() }()
	var all []vector
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func (v vector) values(header string) []string {
	if value, has := v.Headers[header]; has {
		return []string{value}
	}
	return nil
}

func playSign(t *testing.T, v vector) {
	signature, err := Sign(v.Key, v.Algorithm, v.BodyBytes)
	if err != nil {
		t.Errorf("%d: %v", v.ID, err)
		return
	}
	if got, want := signature.Authorization(), v.Headers[AuthorizationHeader]; got != want {
		t.Errorf("%d: signed %s, want %s", v.ID, got, want)
	}
	received, err := FromHeaders(v.values, v.BodyBytes)
	if err != nil || received == nil || !received.Valid(v.Key) {
		t.Errorf("%d: the signature does not verify (%v)", v.ID, err)
	}
}

func playVerify(t *testing.T, v vector) {
	signature, err := FromHeaders(v.values, []byte(v.Body))
	switch {
	case err != nil:
		if err.Error() != v.Message {
			t.Errorf("%d: error %q, want %q", v.ID, err, v.Message)
		}
	case v.Message != "":
		t.Errorf("%d: no error, want %q", v.ID, v.Message)
	case (signature != nil) != v.Present:
		t.Errorf("%d: present = %v, want %v", v.ID, signature != nil, v.Present)
	case signature != nil && signature.Valid(v.Key) != v.Valid:
		t.Errorf("%d: valid = %v, want %v", v.ID, !v.Valid, v.Valid)
	}
}

func playGenerate(t *testing.T, v vector) {
	key, err := Generate(v.Algorithm, v.KeyBits)
	if err != nil {
		if err.Error() != v.Message {
			t.Errorf("%d: error %q, want %q", v.ID, err, v.Message)
		}
		return
	}
	if v.Message != "" || len(key) != v.KeyBytes {
		t.Errorf("%d: a key of %d bytes, want %d and the error %q", v.ID, len(key), v.KeyBytes, v.Message)
	}
}

func TestKeysDiffer(t *testing.T) {
	first, err := Generate("HmacSHA256", 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Generate("HmacSHA256", 0)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) == string(second) {
		t.Fatalf("two keys are both %x", first)
	}
}

func TestEmptyKeyIsRefused(t *testing.T) {
	if signature, err := Sign(nil, "HmacSHA256", nil); err == nil {
		t.Fatalf("signed without a key: %x", signature.MAC)
	}
	if (Signature{Algorithm: "HmacSHA256"}).Valid(nil) {
		t.Fatal("a signature without a key is valid")
	}
}

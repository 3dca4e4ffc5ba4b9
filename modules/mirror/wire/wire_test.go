package wire

import (
	"encoding/hex"
	"strings"
	"testing"
)

// The bytes follow from the schemas that Apache Kafka publishes for these records.
func TestBytesAreKafkas(t *testing.T) {
	for name, c := range map[string]struct {
		encode     func() (key, value []byte, err error)
		key, value string
	}{
		"offset sync": {OffsetSync{"t-1", 7, 1 << 33, 42}.Encode,
			"0003" + "742d31" + "00000007", "0000000200000000" + "000000000000002a"},
		"checkpoint": {Checkpoint{"g", "us.t", 2, 100, 90, "é"}.Encode,
			"0001" + "67" + "0004" + "75732e74" + "00000002",
			"0000" + "0000000000000064" + "000000000000005a" + "0002" + "c3a9"},
		"heartbeat": {Heartbeat{"a", "bc", 1_700_000_000_000}.Encode,
			"0001" + "61" + "0002" + "6263", "0000" + "0000018bcfe56800"},
	} {
		key, value, err := c.encode()
		if err != nil || hex.EncodeToString(key) != c.key || hex.EncodeToString(value) != c.value {
			t.Errorf("%s: %x %x, %v, want %s %s", name, key, value, err, c.key, c.value)
		}
	}
}

func TestRecordsAreReadBack(t *testing.T) {
	for _, want := range []OffsetSync{{"topic", 3, 1, 2}, {"", -1, -1, 1 << 62}} {
		key, value, _ := want.Encode()
		if got, err := ParseOffsetSync(key, value); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	for _, want := range []Checkpoint{{"g", "t", 1, 2, 3, "meta"}, {}} {
		key, value, _ := want.Encode()
		if got, err := ParseCheckpoint(key, value); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	want := Heartbeat{"a", "b", 5}
	key, value, _ := want.Encode()
	if got, err := ParseHeartbeat(key, value); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestBadBytesAreRefused(t *testing.T) {
	key, value, _ := Checkpoint{"g", "t", 1, 2, 3, ""}.Encode()
	newer := append([]byte{0, 1}, value[2:]...)
	for says, c := range map[string][2][]byte{
		"key of checkpoint: it ends":     {key[:5], value},
		"value of checkpoint: it ends":   {key, value[:9]},
		"version 1, want 0":              {key, newer},
		"read key of checkpoint":         {[]byte{0xff, 0xff}, value},
		"value of checkpoint: it ends t": {key, nil},
	} {
		if _, err := ParseCheckpoint(c[0], c[1]); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
	if _, _, err := (Heartbeat{Source: strings.Repeat("x", 40_000)}).Encode(); err == nil {
		t.Error("a text of 40,000 bytes passed")
	}
}

func FuzzParse(f *testing.F) {
	key, value, _ := Checkpoint{"g", "t", 1, 2, 3, "m"}.Encode()
	f.Add(key, value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		_, _ = ParseHeartbeat(key, value)
		if s, err := ParseOffsetSync(key, value); err == nil {
			k, v, err := s.Encode()
			if err != nil || !strings.HasPrefix(string(key), string(k)) || !strings.HasPrefix(string(value), string(v)) {
				t.Errorf("%x %x is read as %+v", key, value, s)
			}
		}
		if c, err := ParseCheckpoint(key, value); err == nil {
			if k, v, err := c.Encode(); err != nil || !strings.HasPrefix(string(key), string(k)) ||
				!strings.HasPrefix(string(value), string(v)) {
				t.Errorf("%x %x is read as %+v", key, value, c)
			}
		}
	})
}

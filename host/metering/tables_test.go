package metering

import (
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestTablesCountAsGrown(t *testing.T) {
	const funcref = 0x70
	table := func(types ...byte) []byte {
		section := append([]byte{1}, types...)
		return append(append([]byte{}, header...), append([]byte{4, byte(len(section))}, section...)...)
	}
	for _, c := range []struct {
		name string
		wasm []byte
		want int64
	}{
		{"no table", header, 0},
		{"bounded", table(funcref, 1, 3, 10), 80},
		{"fixed", table(funcref, 1, 5, 5), 40},
		{"unbounded", table(funcref, 0, 3), 8 * host.TableElementsMax},
		{"no module", []byte("wasm"), 0},
	} {
		if got := TableBytesMax(c.wasm); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

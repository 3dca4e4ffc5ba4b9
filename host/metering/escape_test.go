package metering_test

import (
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/berth-connect/berth/host/metering"
)

// Whatever a guest calls without end, the host is asked: no function gives back what it did not pay, and none hides
// what it ran. Function 0 calls function 1 in a loop; 2 does nothing.
func TestNoFunctionEscapesItsCharges(t *testing.T) {
	loopOnce := []byte{0x03, 0x40, 0x0b}
	loop1000 := []byte{0x41, 0xe8, 0x07, 0x21, 0, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b}
	callingLoop := []byte{0x03, 0x40, 0x10, 2, 0x0b}
	callsItself := []byte{0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x23, 0, 0x04, 0x40, 0x10, 1, 0x0b}
	byTable := []byte{0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x23, 0, 0x04, 0x40, 0x41, 0, 0x11, 0, 0, 0x0b}
	direct, indirect := []byte{0x10, 1}, []byte{0x41, 0, 0x11, 0, 0}
	for name, c := range map[string]struct {
		call, body   []byte
		turns, units int // at least so many units are charged
	}{
		"straight code":                       {direct, nil, 100_000, 800_000},
		"straight code by table":              {indirect, []byte{0x23, 0, 0x1a}, 100_000, 800_000},
		"a counted loop":                      {direct, loopOnce, 100_000, 800_000},
		"a counted loop by table":             {indirect, loopOnce, 100_000, 800_000},
		"a long counted loop":                 {direct, loop1000, 100, 100_000},
		"a long counted loop by table":        {indirect, loop1000, 100, 100_000},
		"a calling loop before a counted one": {indirect, append(callingLoop, loopOnce...), 100_000, 800_000},
		"recursion":                           {direct, callsItself, 1, 16_000},
		"recursion by table":                  {indirect, byTable, 1, 16_000},
	} {
		t.Run(name, func(t *testing.T) {
			yields := runCounted(t, callerOf(c.call, c.body), c.turns)
			if least := c.units / metering.SliceUnitsMin; yields < least {
				t.Errorf("%d yields, at least %d", yields, least)
			}
		})
	}
}

// callerOf makes a module whose function "f" calls function 1 as often as its argument says. Function 1 has a local,
// and stands in the table; global 0 is 2000.
func callerOf(call, body []byte) []byte {
	main := append([]byte{0, 0x03, 0x40}, call...)
	main = append(main, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b)
	callee := append(append([]byte{1, 1, 0x7f}, body...), 0x0b)
	code := []byte{3}
	for _, b := range [][]byte{main, callee, {0, 0x0b}} {
		code = append(binary.AppendUvarint(code, uint64(len(b))), b...)
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	wasm = genSection(wasm, 1, []byte{2, 0x60, 0, 0, 0x60, 1, 0x7f, 0})
	wasm = genSection(wasm, 3, []byte{3, 1, 0, 0})
	wasm = genSection(wasm, 4, []byte{1, 0x70, 0, 1})
	wasm = genSection(wasm, 6, []byte{1, 0x7f, 1, 0x41, 0xd0, 0x0f, 0x0b})
	wasm = genSection(wasm, 7, []byte{1, 1, 'f', 0, 0})
	if call[0] != 0x10 {
		wasm = genSection(wasm, 9, []byte{1, 0, 0x41, 0, 0x0b, 1, 1})
	}
	return genSection(wasm, 10, code)
}

// runCounted runs a module with the shortest slices and returns how often it yielded.
func runCounted(t *testing.T, wasm []byte, turns int) int {
	t.Helper()
	metered, err := metering.Rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(t.Context())
	yields := 0
	host := r.NewHostModuleBuilder(metering.YieldModule)
	host.NewFunctionBuilder().WithFunc(func() uint32 {
		yields++
		return metering.SliceUnitsMin
	}).Export(metering.YieldName)
	if _, err := host.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(t.Context(), metered)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.ExportedFunction("f").Call(t.Context(), uint64(turns)); err != nil {
		t.Fatal(err)
	}
	return yields
}

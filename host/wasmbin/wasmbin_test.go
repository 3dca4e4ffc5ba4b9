package wasmbin

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/modules"
)

func leb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func name(s string) []byte { return cat(leb(len(s)), []byte(s)) }

func part(id byte, content ...[]byte) []byte {
	all := cat(content...)
	return cat([]byte{id}, leb(len(all)), all)
}

func wasm(parts ...[]byte) []byte { return cat([]byte(header), cat(parts...)) }

// Parts of a module in order.
var (
	types   = part(1, leb(2), []byte{0x60, 0, 0, 0x60, 2, 0x7f, 0x7e, 1, 0x7d})
	imports = part(2, leb(1), name("berth"), name("poll"), []byte{0, 1})
	funcs   = part(3, leb(1), leb(0))
	table   = part(4, leb(1), []byte{0x70, 0, 1})
	memory  = part(5, leb(1), []byte{0, 1})
	exports = part(7, leb(2), name("memory"), []byte{2, 0}, name("_start"), []byte{0, 1})
	code    = part(10, leb(1), body(0))
)

// body of a function with that many local variables.
func body(locals int) []byte {
	content := cat(leb(1), leb(locals), []byte{0x7f, 0x0b})
	return cat(leb(len(content)), content)
}

func good() []byte {
	return wasm(types, imports, funcs, table, memory, exports, code, part(0, name("names")))
}

func TestReadTellsWhatAModuleDeclares(t *testing.T) {
	m, err := Read(good())
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Imports) != 1 || m.Imports[0].Module != "berth" || m.Imports[0].Name != "poll" ||
		m.Imports[0].Type.String() != "[i32 i64] -> [f32]" {
		t.Errorf("imports: %v", m.Imports)
	}
	start := m.Exports["_start"]
	if len(m.Exports) != 2 || m.Exports["memory"].Kind != Memory || start.Kind != Function ||
		!start.Type.Equal(FunctionType{}) {
		t.Errorf("exports: %v", m.Exports)
	}
}

func TestReadTakesTheBundledModule(t *testing.T) {
	if _, err := Read(modules.Stock); err != nil {
		t.Error(err)
	}
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("\x00", host.FunctionBytesMax+1)
	for _, c := range []struct {
		name string
		wasm []byte
		says string
	}{
		{"nothing", nil, "no WebAssembly module"},
		{"other bytes", []byte("# readme"), "build one with `berth plugin build`"},
		{"other version", []byte("\x00asm\x02\x00\x00\x00"), "no WebAssembly module"},
		{"text", []byte("  (module (func))"), "wat2wasm"},
		{"component", []byte(component), "it is a component; build a core module for wasip1"},
		{"too large", append(good(), make([]byte, host.ModuleBytesMax)...), "at most 67108864 are taken: strip it"},
		{"truncated section", good()[:len(good())-10], "truncated: section"},
		{"truncated head", append(good(), 10, 0x80), "truncated in the head"},
		{"entry beyond section", wasm(part(1, leb(1), []byte{0x60, 9})), "ends in the middle of an entry"},
		{"long number", wasm(part(1, []byte{0xff, 0xff, 0xff, 0xff, 0x7f})), "more than 32 bits"},
		{"section twice", wasm(types, types), "section 1 (types) at byte 20 is there twice or out of order"},
		{"section out of order", wasm(types, memory, funcs), "out of order"},
		{"unknown section", wasm(part(14)), "section 14 at byte 8: the engine knows no such section"},
		{"tags", wasm(types, part(13, leb(1), []byte{0, 0})), "exceptions"},
		{"gc type", wasm(part(1, leb(1), []byte{0x5f, 0})), "type 0 has form 0x5f"},
		{"gc value", wasm(part(1, leb(1), []byte{0x60, 1, 0x6e, 0})), "type 0 uses value type 0x6e"},
		{"many parameters", wasm(part(1, leb(1), []byte{0x60}, leb(1001), make([]byte, 1001))),
			"1001 parameters of type 0"},
		{"many types", wasm(part(1, leb(host.TypesMax+1))), "20001 types; at most 20000"},
		{"imported memory", wasm(part(2, leb(1), name("env"), name("memory"), []byte{2, 0, 1})),
			"import env.memory is a memory; a guest may import functions only: let it define its own memory"},
		{"imported table", wasm(part(2, leb(1), name("env"), name("t"), []byte{1, 0x70, 0, 1})), "import env.t is a table"},
		{"imported global", wasm(part(2, leb(1), name("env"), name("g"), []byte{3, 0x7f, 0})), "import env.g is a global"},
		{"import of unknown type", wasm(types, part(2, leb(1), name("a"), name("b"), []byte{0, 7})),
			"a function has type 7 and there are 2"},
		{"name not UTF-8", wasm(types, part(2, leb(1), name("\xff"), name("b"), []byte{0, 0})), "not UTF-8"},
		{"many imports", wasm(part(2, leb(host.ImportsMax+1))), "1001 imports; at most 1000"},
		{"many functions", wasm(types, part(3, leb(host.FunctionsMax+1))), "200001 functions; at most 200000"},
		{"function of unknown type", wasm(types, part(3, leb(1), leb(2))), "a function has type 2"},
		{"many tables", wasm(part(4, leb(host.TablesMax+1))), "17 tables; at most 16"},
		{"large table", wasm(part(4, leb(1), []byte{0x70, 0}, leb(host.TableElementsMax+1))),
			"table 0 begins with 262145 elements; at most 262144"},
		{"table of unknown values", wasm(part(4, leb(1), []byte{0x6e, 0, 1})), "table 0 holds values of type 0x6e"},
		{"two memories", wasm(part(5, leb(2), []byte{0, 1, 0, 1})), "2 memories; the engine runs modules with one"},
		{"large memory", wasm(part(5, leb(1), []byte{0}, leb(8193))),
			"memory 0 begins with 536936448 bytes; at most 536870912"},
		{"memory beyond 32 bits", wasm(part(5, leb(1), []byte{1}, leb(1), leb(65537))), "65536 pages at most"},
		{"memory upside down", wasm(part(5, leb(1), []byte{1, 2, 1})), "begins with 2 and may grow to 1"},
		{"shared memory", wasm(part(5, leb(1), []byte{3, 1, 1})), "shared between threads"},
		{"64-bit memory", wasm(part(5, leb(1), []byte{4, 1})), "64-bit addresses"},
		{"unknown flags", wasm(part(5, leb(1), []byte{8, 1})), "flags 0x8"},
		{"many globals", wasm(part(6, leb(host.GlobalsMax+1))), "100001 globals; at most 100000"},
		{"many exports", wasm(part(7, leb(host.ExportsMax+1))), "10001 exports; at most 10000"},
		{"export twice", wasm(memory, part(7, leb(2), name("m"), []byte{2, 0}, name("m"), []byte{2, 0})), "twice"},
		{"export of nothing", wasm(part(7, leb(1), name("f"), []byte{0, 0})), `export "f" is function 0 and there are 0`},
		{"start function", wasm(types, funcs, part(8, leb(0)), code), "section 8 (start): a start function runs before"},
		{"many element segments", wasm(part(9, leb(host.ElementSegmentsMax+1))), "100001 element segments"},
		{"large element section", wasm(part(9, make([]byte, host.ElementBytesMax+1))), "8388609 bytes; at most 8388608"},
		{"many segments announced", wasm(part(12, leb(host.DataSegmentsMax+1))), "100001 data segments"},
		{"many data segments", wasm(part(11, leb(host.DataSegmentsMax+1))), "100001 data segments; at most 100000"},
		{"missing bodies", wasm(types, funcs), "declares 1 functions and has bodies for 0"},
		{"long function", wasm(types, imports, funcs, part(10, leb(1), leb(len(long)), []byte(long))),
			"function 1 has 1048577 bytes; at most 1048576 are taken: split it"},
		{"many locals", wasm(types, imports, funcs, part(10, leb(1), body(host.FunctionLocalsMax+1))),
			"function 1 has 50001 local variables"},
	} {
		if _, err := Read(c.wasm); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}

// Whatever the bytes, reading ends, and what it keeps is not more than they declare.
func FuzzRead(f *testing.F) {
	f.Add(good())
	f.Add(wasm(types, part(3, leb(100_000)), part(10, leb(100_000))))
	f.Add(modules.Stock[:4096])
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(b)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if m != nil && len(m.types)+len(m.functions)+len(m.Imports)+len(m.Exports) > len(b) {
			t.Errorf("%d bytes declare %+v", len(b), m)
		}
	})
}

// BenchmarkRead reads a module of 19 MB.
func BenchmarkRead(b *testing.B) {
	const functions = 10_000
	var declared, bodies bytes.Buffer
	one := cat(leb(1), leb(3), []byte{0x7e}, make([]byte, 1_900))
	for range functions {
		declared.Write(leb(0))
		bodies.Write(cat(leb(len(one)), one))
	}
	big := wasm(types, imports, part(3, leb(functions), declared.Bytes()), table, memory, exports,
		part(10, leb(functions), bodies.Bytes()))
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		if _, err := Read(big); err != nil {
			b.Fatal(err)
		}
	}
}

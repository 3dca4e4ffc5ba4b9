package guests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Bomb is a module whose size says little about what it costs to read, check, compile or hold.
type Bomb struct {
	Name string
	Wasm []byte
}

// Bombs are modules that cost out of proportion in one way each. All but what their names say is in order: they import
// the ABI, and their _start does nothing.
func Bombs() []Bomb {
	var all []Bomb
	for name, m := range map[string]binaryModule{
		"hundred-thousand-functions":      {bodies: slices.Repeat([][]byte{body(nil, nil)}, 100_000)},
		"functions-over-the-limit":        {bodies: slices.Repeat([][]byte{body(nil, nil)}, 200_001)},
		"function-of-a-megabyte":          {bodies: [][]byte{body(locals(1), repeat("\x20\x00\x21\x00", 262_000))}},
		"function-over-the-limit":         {bodies: [][]byte{body(nil, repeat("\x01", 1<<20))}},
		"jump-table-of-a-million-targets": {bodies: [][]byte{body(nil, jumpTable(1_000_000))}},
		"twenty-thousand-nested-blocks": {bodies: [][]byte{body(nil,
			concat(repeat("\x02\x40", 20_000), repeat("\x0b", 20_000)))}},
		"locals-over-the-limit": {bodies: [][]byte{body(locals(0xffffffff), nil)}},
		"fifty-thousand-locals-in-each-function": {bodies: slices.Repeat([][]byte{
			body(locals(50_000), []byte("\x20\x00\x1a"))}, 2000)},
		"types-of-two-thousand-values": {types: slices.Repeat([][]byte{functionType(1000)}, 5000)},
		"types-over-the-limit":         {types: slices.Repeat([][]byte{functionType(0)}, 20_001)},
		"memory-over-the-limit":        {pages: 65536},
		"table-over-the-limit":         {table: 1 << 31},
		"sixteen-full-tables":          {table: 1 << 18, tables: 16},
		"data-at-both-ends-of-memory":  {pages: 8192, data: [][]byte{segment(0, "x"), segment(8192<<16-1, "x")}},
		"data-over-the-end-of-memory":  {data: [][]byte{segment(0xffff, "xx")}},
		"hundred-thousand-segments":    {data: slices.Repeat([][]byte{segment(0, "x")}, 100_000)},
		"segments-over-the-limit":      {data: slices.Repeat([][]byte{segment(0, "x")}, 100_001)},
		"hundred-thousand-globals":     {globals: 100_000},
		"globals-over-the-limit":       {globals: 100_001},
		"imports-over-the-limit":       {imports: 1001},
		"calls-that-double-each-time":  {bodies: callTree(2000)},
		"six-million-calls":            {bodies: slices.Repeat([][]byte{body(nil, repeat("\x10\x01", 100_000))}, 60)},
		"section-without-a-name":       {custom: slices.Repeat([]byte("n"), 1<<20)},
	} {
		all = append(all, Bomb{name, m.bytes()})
	}
	return append(all, Bomb{"count-without-content", oneSection(1, leb(0xffffffff))})
}

func repeat(code string, n int) []byte { return []byte(strings.Repeat(code, n)) }

func concat(parts ...[]byte) []byte { return slices.Concat(parts...) }

// jumpTable jumps to one of n targets, all of which are one block.
func jumpTable(n int) []byte {
	return concat([]byte{0x02, 0x40, 0x41, 0, 0x0e}, leb(uint64(n)), make([]byte, n+1), []byte{0x0b})
}

// callTree makes each function call the one behind it twice.
func callTree(n int) [][]byte {
	all := [][]byte{}
	for i := range n {
		callee := leb(uint64(i + 2 + 1))
		if i == n-1 {
			all = append(all, body(nil, nil))
			continue
		}
		all = append(all, body(nil, concat([]byte{0x10}, callee, []byte{0x10}, callee)))
	}
	return all
}

// body is a function.
func body(locals, code []byte) []byte {
	if locals == nil {
		locals = []byte{0}
	}
	content := concat(locals, code, []byte{0x0b})
	return concat(leb(uint64(len(content))), content)
}

// locals declares so many of i32.
func locals(n uint64) []byte { return concat([]byte{1}, leb(n), []byte{0x7f}) }

// functionType has n parameters and as many results, all i32.
func functionType(n int) []byte {
	values := concat(leb(uint64(n)), repeat("\x7f", n))
	return concat([]byte{0x60}, values, values)
}

func segment(offset uint32, content string) []byte {
	return concat([]byte("\x00\x41"), signedLEB(int64(int32(offset))), []byte{0x0b}, leb(uint64(len(content))),
		[]byte(content))
}

func leb(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func signedLEB(n int64) []byte {
	var all []byte
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(all, b)
		}
		all = append(all, b|0x80)
	}
}

// binaryModule is written byte by byte: what no assembler makes.
type binaryModule struct {
	types   [][]byte // behind type 0, () -> ()
	imports int      // berth_abi_1 so often
	bodies  [][]byte // behind _start; all of type 0
	pages   int
	table   uint64 // elements
	tables  int
	globals int
	data    [][]byte
	custom  []byte
}

func (m binaryModule) bytes() []byte {
	out := bytes.NewBufferString("\x00asm\x01\x00\x00\x00")
	put := func(id byte, entries ...[]byte) {
		content := slices.Concat(entries...)
		out.WriteByte(id)
		out.Write(leb(uint64(len(content))))
		out.Write(content)
	}
	put(1, leb(uint64(len(m.types)+1)), functionType(0), slices.Concat(m.types...))
	imports := max(m.imports, 1)
	marker := fmt.Appendf(nil, "\x05berth%c%s\x00\x00", len(abi.VersionImport), abi.VersionImport)
	put(2, leb(uint64(imports)), bytes.Repeat(marker, imports))
	put(3, leb(uint64(len(m.bodies)+1)), make([]byte, len(m.bodies)+1))
	if m.table > 0 {
		one := concat([]byte{0x70, 0}, leb(m.table))
		put(4, leb(uint64(max(m.tables, 1))), bytes.Repeat(one, max(m.tables, 1)))
	}
	put(5, []byte{1, 0}, leb(uint64(max(m.pages, 1))))
	if m.globals > 0 {
		put(6, leb(uint64(m.globals)), repeat("\x7f\x01\x41\x00\x0b", m.globals))
	}
	put(7, []byte("\x02\x06memory\x02\x00\x06_start\x00"), leb(uint64(imports)))
	put(10, leb(uint64(len(m.bodies)+1)), body(nil, nil), slices.Concat(m.bodies...))
	if m.data != nil {
		put(11, leb(uint64(len(m.data))), slices.Concat(m.data...))
	}
	if m.custom != nil {
		put(0, leb(uint64(len(m.custom))), m.custom)
	}
	return out.Bytes()
}

// oneSection is a module of one section.
func oneSection(id byte, content []byte) []byte {
	return fmt.Appendf(nil, "\x00asm\x01\x00\x00\x00%c%s%s", id, leb(uint64(len(content))), content)
}

package wasmbin

import (
	"errors"
	"fmt"

	"github.com/berth-connect/berth/host"
)

// section is one of the kinds of sections that a module may have; they come in this order, each once at most.
type section struct {
	id   byte
	name string
	read func(m *Module, r *reader)
}

var sections = []section{
	{1, "types", (*Module).readTypes},
	{2, "imports", (*Module).readImports},
	{3, "functions", (*Module).readFunctions},
	{4, "tables", (*Module).readTables},
	{5, "memories", (*Module).readMemories},
	{13, "tags", func(_ *Module, r *reader) {
		r.failf("the engine does not run exceptions; build without them (-fno-exceptions, panic=abort)")
	}},
	{6, "globals", counted("globals", host.GlobalsMax)},
	{7, "exports", (*Module).readExports},
	{8, "start", func(_ *Module, r *reader) {
		r.failf("a start function runs before the host can hold the module to its limits; export it as _start instead")
	}},
	{9, "elements", readElements},
	{12, "data count", counted("data segments", host.DataSegmentsMax)},
	{10, "code", (*Module).readCode},
	{11, "data", counted("data segments", host.DataSegmentsMax)},
}

const customSection = 0

func (m *Module) readSections(r *reader) error {
	next := 0
	for r.left() > 0 {
		start := r.at
		id, size := r.byte(), uint64(r.u32())
		if r.err == nil && size > uint64(r.left()) {
			return fmt.Errorf("it is truncated: section %d at byte %d has %d bytes and %d are there; copy it again",
				id, start, size, r.left())
		}
		content := &reader{bytes: r.take(size)}
		if r.err != nil {
			return fmt.Errorf("it is truncated in the head of the section at byte %d; copy it again", start)
		}
		if id == customSection {
			continue
		}
		s, place := sectionOf(id)
		if s == nil {
			return fmt.Errorf("section %d at byte %d: the engine knows no such section; "+
				"build for WebAssembly 2.0 without newer features", id, start)
		}
		if place < next {
			return fmt.Errorf("section %d (%s) at byte %d is there twice or out of order; build it again", id, s.name, start)
		}
		next = place + 1
		if s.read(m, content); content.err != nil {
			return content.wrap(s, start)
		}
	}
	return nil
}

func sectionOf(id byte) (*section, int) {
	for i := range sections {
		if sections[i].id == id {
			return &sections[i], i
		}
	}
	return nil, 0
}

func (r *reader) wrap(s *section, start int) error {
	if errors.Is(r.err, errShort) {
		return fmt.Errorf("section %d (%s) at byte %d: %w; build it again", s.id, s.name, start, r.err)
	}
	return fmt.Errorf("section %d (%s): %w", s.id, s.name, r.err)
}

// counted reads no more than the number of entries.
func counted(what string, limit int) func(*Module, *reader) {
	return func(_ *Module, r *reader) {
		if n := uint64(r.u32()); r.err == nil && n > uint64(limit) {
			r.failf("%d %s; at most %d are taken: merge them, or split the module", n, what, limit)
		}
	}
}

func readElements(_ *Module, r *reader) {
	if len(r.bytes) > host.ElementBytesMax {
		r.failf("%d bytes; at most %d are taken: split the module", len(r.bytes), host.ElementBytesMax)
		return
	}
	r.count("element segments", host.ElementSegmentsMax)
}

func (m *Module) readTypes(r *reader) {
	n := r.count("types", host.TypesMax)
	m.types = make([]FunctionType, 0, n)
	for i := range n {
		if form := r.byte(); r.err == nil && form != 0x60 {
			r.failf("type %d has form %#x, which the engine does not run; build without garbage-collected types", i, form)
		}
		f := FunctionType{Params: r.valueTypes(i, "parameters"), Results: r.valueTypes(i, "results")}
		if r.err != nil {
			return
		}
		m.types = append(m.types, f)
	}
}

func (r *reader) valueTypes(index int, what string) []byte {
	n := r.count(fmt.Sprintf("%s of type %d", what, index), host.FunctionValuesMax)
	types := r.take(uint64(n))
	for _, t := range types {
		if _, known := valueNames[t]; !known {
			r.failf("type %d uses value type %#x, which the engine does not run; build for WebAssembly 2.0", index, t)
		}
	}
	return types
}

func (m *Module) readImports(r *reader) {
	n := r.count("imports", host.ImportsMax)
	for range n {
		i := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
		if r.err != nil {
			return
		}
		if i.Kind != Function {
			r.failf("import %s.%s is a %s; a guest may import functions only: let it define its own %[3]s",
				i.Module, i.Name, i.Kind)
			return
		}
		index := r.u32()
		if i.Type = m.typeOf(r, index); r.err != nil {
			return
		}
		m.Imports = append(m.Imports, i)
		m.functions = append(m.functions, index)
	}
}

func (m *Module) typeOf(r *reader, index uint32) FunctionType {
	if r.err == nil && uint64(index) >= uint64(len(m.types)) {
		r.failf("a function has type %d and there are %d; build it again", index, len(m.types))
	}
	if r.err != nil {
		return FunctionType{}
	}
	return m.types[index]
}

func (m *Module) readFunctions(r *reader) {
	m.declared = r.count("functions", host.FunctionsMax)
	for range m.declared {
		index := r.u32()
		if m.typeOf(r, index); r.err != nil {
			return
		}
		m.functions = append(m.functions, index)
	}
}

func (m *Module) readTables(r *reader) {
	m.tables = r.count("tables", host.TablesMax)
	for i := range m.tables {
		if t := r.byte(); r.err == nil && t != 0x70 && t != 0x6f {
			r.failf("table %d holds values of type %#x, which the engine does not run; build for WebAssembly 2.0", i, t)
		}
		least, _ := r.limits("table", i)
		if r.err == nil && least > host.TableElementsMax {
			r.failf("table %d begins with %d elements; at most %d are granted: split the module",
				i, least, host.TableElementsMax)
		}
	}
}

const (
	pageBytes       = 64 << 10
	memoryPagesOf32 = 1 << 16
)

func (m *Module) readMemories(r *reader) {
	m.memories = int(r.u32())
	if m.memories > 1 {
		r.failf("%d memories; the engine runs modules with one: build without multi-memory", m.memories)
	}
	for i := range m.memories {
		least, most := r.limits("memory", i)
		if r.err == nil && (least > memoryPagesOf32 || most > memoryPagesOf32) {
			r.failf("memory %d declares %d to %d pages; an address has 32 bits, that is %d pages at most",
				i, least, most, memoryPagesOf32)
		}
		if r.err == nil && least*pageBytes > host.MemoryBytesMax {
			r.failf("memory %d begins with %d bytes; at most %d are granted: link it with a smaller stack and fewer data "+
				"(-z stack-size, --initial-memory)", i, least*pageBytes, host.MemoryBytesMax)
		}
	}
}

// limits reads the bounds of a memory or table; most is the largest number if there is no bound.
func (r *reader) limits(what string, index int) (least, most uint64) {
	flags := r.byte()
	switch {
	case r.err != nil:
	case flags == 2 || flags == 3:
		r.failf("%s %d is shared between threads, which the engine does not run; build without -pthread", what, index)
	case flags > 3 && flags < 8:
		r.failf("%s %d has 64-bit addresses, which the engine does not run; build for wasm32", what, index)
	case flags > 3:
		r.failf("%s %d has flags %#x, which the engine does not run; build for WebAssembly 2.0", what, index, flags)
	}
	least = uint64(r.u32())
	most = least
	if flags&1 != 0 {
		if most = uint64(r.u32()); r.err == nil && most < least {
			r.failf("%s %d begins with %d and may grow to %d; build it again", what, index, least, most)
		}
	}
	return least, most
}

func (m *Module) readExports(r *reader) {
	n := r.count("exports", host.ExportsMax)
	for range n {
		name, kind, index := r.name(), Kind(r.byte()), r.u32()
		if r.err != nil {
			return
		}
		e := Export{Kind: kind}
		defined := map[Kind]int{Function: len(m.functions), Memory: m.memories, Table: m.tables}
		if have, checked := defined[kind]; checked && uint64(index) >= uint64(have) {
			r.failf("export %q is %s %d and there are %d; build it again", name, kind, index, have)
			return
		}
		if kind == Function {
			e.Type = m.types[m.functions[index]]
		}
		if _, twice := m.Exports[name]; twice {
			r.failf("export %q is there twice; build it again", name)
			return
		}
		m.Exports[name] = e
	}
}

func (m *Module) readCode(r *reader) {
	m.bodies = r.count("functions", host.FunctionsMax)
	imported := len(m.Imports)
	for i := range m.bodies {
		size := r.u32()
		if r.err == nil && size > host.FunctionBytesMax {
			r.failf("function %d has %d bytes; at most %d are taken: split it", imported+i, size, host.FunctionBytesMax)
		}
		body := &reader{bytes: r.take(uint64(size))}
		locals := body.locals()
		if body.err != nil {
			r.fail(body.err)
		}
		if r.err == nil && locals > host.FunctionLocalsMax {
			r.failf("function %d has %d local variables; at most %d are taken: split it",
				imported+i, locals, host.FunctionLocalsMax)
		}
		if r.err != nil {
			return
		}
	}
}

// locals sums up the declarations at the head of a body.
func (r *reader) locals() uint64 {
	var sum uint64
	for range r.u32() {
		sum += uint64(r.u32())
		r.byte()
		if r.err != nil {
			break
		}
	}
	return sum
}

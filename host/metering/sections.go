package metering

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/berth-connect/berth/host"
)

const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
	sectionTag
)

// sectionOrder is the order in which sections must come (tags between memories and globals, the data count before the
// code).
var sectionOrder = []byte{sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionTag,
	sectionGlobal, sectionExport, sectionStart, sectionElement, sectionDataCount, sectionCode, sectionData}

var header = []byte("\x00asm\x01\x00\x00\x00")

// rewriter holds a module while it is rewritten. Indices of functions grow by one from the number of imports on, as the
// import yield goes behind the module's own; what else is added goes to the ends of its index spaces.
type rewriter struct {
	in       []byte
	sections [sectionTag + 1][]byte
	present  [sectionTag + 1]bool
	names    []byte

	types         []functionType
	newTypes      [][]byte          // encoded, behind types
	newTypeOf     map[string]uint32 // by encoding
	imports       uint32            // imported functions
	functions     []uint32          // type index of each function, imports first
	globals       uint32
	importGlobals uint32
	tables, tags  uint32
	elements      int64    // of all tables, grown as far as they can
	segments      []uint32 // sizes of data segments

	imageElsewhere bool // see RewriteWithoutImage

	surveys []survey // of the module's own functions
	helpers helpers
	slots   []byte // types of the globals behind the one with the units
}

type functionType struct {
	params  int
	simple  []byte // of the parameters, see body.types
	results []byte // the encoded value types
	count   int
}

func (m *rewriter) rewrite() ([]byte, error) {
	if err := m.split(); err != nil {
		return nil, err
	}
	out := slices.Clone(header)
	bodies := map[byte][]byte{}
	for _, step := range []struct {
		id   byte
		what string
		do   func(*reader) []byte
	}{
		{sectionType, "types", m.readTypes}, {sectionImport, "imports", m.rewriteImports},
		{sectionFunction, "functions", m.readFunctions}, {sectionTable, "tables", m.rewriteTables},
		{sectionTag, "tags", m.countTags}, {sectionGlobal, "globals", m.rewriteGlobals},
		{sectionExport, "exports", m.rewriteExports}, {sectionStart, "start", m.rewriteStart},
		{sectionElement, "elements", m.rewriteElements}, {sectionData, "data", m.rewriteData},
		{sectionCode, "code", m.rewriteCode},
	} {
		r := &reader{b: m.sections[step.id], types: int64(len(m.types))}
		bodies[step.id] = step.do(r)
		if r.err == nil && m.present[step.id] && r.pos != len(r.b) {
			r.fail("%d bytes too many", len(r.b)-r.pos)
		}
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, r.err)
		}
	}
	bodies[sectionType] = m.writeTypes() // the code asked for more
	bodies[sectionFunction] = m.writeFunctions()
	bodies[sectionGlobal] = m.writeGlobals(bodies[sectionGlobal])
	for _, id := range sectionOrder {
		body, rewritten := bodies[id]
		if !rewritten {
			body = m.sections[id]
		}
		if m.present[id] || len(body) > 0 {
			out = appendBytes(append(out, id), body)
		}
	}
	if names := m.rewriteNames(); names != nil {
		out = appendBytes(append(out, sectionCustom), names)
	}
	return out, nil
}

func (m *rewriter) split() error {
	if len(m.in) < len(header) || string(m.in[:len(header)]) != string(header) {
		return errors.New("no WebAssembly module of version 1")
	}
	m.newTypeOf = map[string]uint32{}
	r := &reader{b: m.in, pos: len(header)}
	last := -1
	for r.more() {
		id := r.byte()
		body := r.take(r.u32())
		if id > sectionTag {
			r.fail("unknown section %d", id)
		}
		if r.err != nil {
			break
		}
		if id == sectionCustom {
			m.custom(&reader{b: body}, r)
			continue
		}
		at := slices.Index(sectionOrder, id)
		if at <= last {
			return fmt.Errorf("section %d out of order", id)
		}
		last = at
		m.sections[id], m.present[id] = body, true
	}
	return r.err
}

func (m *rewriter) custom(r, module *reader) {
	name := r.take(r.u32())
	if r.err != nil || !utf8.Valid(name) {
		module.fail("a custom section without a name")
	}
	if string(name) == "name" {
		m.names = r.b[r.pos:]
	}
}

func (m *rewriter) readTypes(r *reader) []byte {
	if !m.present[sectionType] {
		return nil
	}
	r.types = math.MaxInt64 // those that come later are the engine's to judge
	for range r.count() {
		if r.pos < len(r.b) && r.b[r.pos] == typeRecursive {
			r.byte()
			for range r.count() {
				m.readType(r)
			}
			continue
		}
		m.readType(r)
	}
	return nil
}

func (m *rewriter) readType(r *reader) {
	if form := r.byte(); form != typeFunction {
		r.fail("type %d is of unknown form %#x", len(m.types), form)
	}
	var t functionType
	t.params = r.count()
	for range t.params {
		t.simple = appendTypes(t.simple, r.simpleType(), 1)
	}
	t.count = r.count()
	start := r.pos
	for range t.count {
		r.valueType()
	}
	t.results = r.since(start)
	m.types = append(m.types, t)
}

// typeIndex returns the index of a type that is added, or was added before.
func (m *rewriter) typeIndex(encoded []byte) uint32 {
	if i, ok := m.newTypeOf[string(encoded)]; ok {
		return i
	}
	i := uint32(len(m.types) + len(m.newTypes))
	m.newTypes = append(m.newTypes, encoded)
	m.newTypeOf[string(encoded)] = i
	return i
}

func (m *rewriter) writeTypes() []byte {
	r := &reader{b: m.sections[sectionType]}
	entries := 0
	if m.present[sectionType] {
		entries = r.count()
	}
	out := appendU32(nil, uint32(entries+len(m.newTypes)))
	out = append(out, r.b[r.pos:]...)
	for _, t := range m.newTypes {
		out = append(out, t...)
	}
	return out
}

func (m *rewriter) rewriteImports(r *reader) []byte {
	n := 0
	if m.present[sectionImport] {
		n = r.count()
	}
	start := r.pos
	for range n {
		r.take(r.u32())
		r.take(r.u32())
		switch kind := r.byte(); kind {
		case 0:
			m.functions = append(m.functions, m.checkType(r, r.u32()))
			m.imports++
		case 1:
			m.table(r, nil)
			m.tables++
		case 2:
			r.limits()
		case 3:
			r.valueType()
			r.byte()
			m.importGlobals++
		case 4:
			r.byte()
			m.checkType(r, r.u32())
			m.tags++
		default:
			r.fail("import of unknown kind %d", kind)
		}
	}
	m.globals = m.importGlobals
	out := appendU32(nil, uint32(n+1))
	out = append(out, r.since(start)...)
	out = appendBytes(appendBytes(out, []byte(YieldModule)), []byte(YieldName))
	return appendU32(append(out, 0), m.typeIndex([]byte{typeFunction, 0, 1, typeI32}))
}

func (m *rewriter) checkType(r *reader, index uint32) uint32 {
	if int(index) >= len(m.types) {
		r.fail("unknown type %d", index)
		return 0
	}
	return index
}

func (r *reader) limits() (low, high uint32, bounded bool) {
	flag := r.byte()
	if flag > 3 {
		r.fail("limits of unknown form %#x", flag)
	}
	low = r.u32()
	if flag&1 != 0 {
		return low, r.u32(), true
	}
	return low, 0, false
}

// table reads a table and appends it with its growth capped.
func (m *rewriter) table(r *reader, out []byte) []byte {
	start := r.pos
	initialised := r.pos < len(r.b) && r.b[r.pos] == 0x40
	if initialised {
		r.skip(2)
	}
	r.valueType()
	out = append(out, r.since(start)...)
	low, high := tableLimits(r)
	m.elements += int64(high)
	out = appendU32(appendU32(append(out, 1), low), high)
	if initialised {
		out = m.constant(r, out)
	}
	return out
}

// tableLimits reads how many elements a table begins with and may grow to.
func tableLimits(r *reader) (low, high uint32) {
	low, high, bounded := r.limits()
	if low > host.TableElementsMax {
		r.fail("a table of %d elements, at most %d", low, host.TableElementsMax)
	}
	if bounded && high < low {
		r.fail("a table of at least %d and at most %d elements", low, high)
	}
	if !bounded {
		high = host.TableElementsMax
	}
	return low, min(high, host.TableElementsMax)
}

func (m *rewriter) rewriteTables(r *reader) []byte {
	if !m.present[sectionTable] {
		return nil
	}
	n := r.count()
	out := appendU32(nil, uint32(n))
	for range n {
		out = m.table(r, out)
		m.tables++
	}
	return out
}

func (m *rewriter) countTags(r *reader) []byte {
	n := 0
	if m.present[sectionTag] {
		n = r.count()
	}
	for range n {
		r.byte()
		m.checkType(r, r.u32())
	}
	m.tags += uint32(n)
	return m.sections[sectionTag]
}

func (m *rewriter) readFunctions(r *reader) []byte {
	if !m.present[sectionFunction] {
		return nil
	}
	for range r.count() {
		m.functions = append(m.functions, m.checkType(r, r.u32()))
	}
	m.surveys = make([]survey, len(m.functions)-int(m.imports))
	return nil
}

func (m *rewriter) writeFunctions() []byte {
	own := m.functions[m.imports:]
	out := appendU32(nil, uint32(len(own)+len(m.helpers.bodies)))
	for _, t := range own {
		out = appendU32(out, t)
	}
	for _, t := range m.helpers.types {
		out = appendU32(out, t)
	}
	return out
}

// rewriteGlobals appends the global that holds the units left: 0, so that the first function to run asks the host.
func (m *rewriter) rewriteGlobals(r *reader) []byte {
	n := 0
	if m.present[sectionGlobal] {
		n = r.count()
	}
	var out []byte
	for range n {
		start := r.pos
		r.valueType()
		r.byte()
		out = m.constant(r, append(out, r.since(start)...))
		m.globals++
	}
	return append(out, typeI32, 1, opI32Const, 0, opEnd)
}

// writeGlobals adds the slots, which the code asked for, to what rewriteGlobals returned.
func (m *rewriter) writeGlobals(out []byte) []byte {
	zero := map[byte][]byte{typeI32: {opI32Const, 0}, typeI64: {opI64Const, 0},
		typeF32: {opF32Const, 0, 0, 0, 0}, typeF64: {opF64Const, 0, 0, 0, 0, 0, 0, 0, 0}}
	for _, typ := range m.slots {
		out = append(append(append(out, typ, 1), zero[typ]...), opEnd)
	}
	own := m.globals - m.importGlobals
	return append(appendU32(nil, own+1+uint32(len(m.slots))), out...)
}

func (m *rewriter) unitsGlobal() uint32 { return m.globals }

// function returns the index that a function has in the rewritten module.
func (m *rewriter) function(r *reader, index uint32) uint32 {
	if int(index) >= len(m.functions) {
		r.fail("unknown function %d", index)
	}
	if index >= m.imports {
		return index + 1
	}
	return index
}

func (m *rewriter) rewriteExports(r *reader) []byte {
	if !m.present[sectionExport] {
		return nil
	}
	n := r.count()
	out := appendU32(nil, uint32(n))
	for range n {
		out = appendBytes(out, r.take(r.u32()))
		kind := r.byte()
		index := r.u32()
		switch {
		case kind == 0:
			index = m.function(r, index)
		case kind == 3 && index >= m.globals:
			r.fail("unknown global %d", index)
		}
		out = appendU32(append(out, kind), index)
	}
	return out
}

func (m *rewriter) rewriteStart(r *reader) []byte {
	if !m.present[sectionStart] {
		return nil
	}
	return appendU32(nil, m.function(r, r.u32()))
}

// constant copies a constant expression.
func (m *rewriter) constant(r *reader, out []byte) []byte {
	for r.err == nil {
		in := r.next()
		switch {
		case in.op == opRefFunc:
			m.addressTaken(in.index)
			out = appendU32(append(out, opRefFunc), m.function(r, in.index))
			continue
		case in.op == opGlobalGet && in.index >= m.globals:
			r.fail("unknown global %d", in.index)
		}
		out = append(out, r.since(in.start)...)
		if in.op == opEnd {
			break
		}
	}
	return out
}

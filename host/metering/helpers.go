package metering

// helpers are the functions that are added to a module, made when code asks for them.
type helpers struct {
	types  []uint32
	bodies [][]byte
	spend  uint32 // index+1 of the function that charges what it is given
	yield  uint32 // … that calls the host
	chunks map[bulkKey]uint32
}

// bulkKey tells bulk operations on memory apart that need a function each.
type bulkKey struct {
	sub     uint32
	segment uint32 // of memory.init
}

// add appends a function without the leading size and returns its index in the rewritten module.
func (m *rewriter) add(typ, body []byte) uint32 {
	h := &m.helpers
	h.types = append(h.types, m.typeIndex(typ))
	h.bodies = append(h.bodies, body)
	return uint32(len(m.functions)) + uint32(len(h.bodies)) // one more than without yield
}

var (
	typeAction = []byte{typeFunction, 0, 0}
	typeOfOne  = []byte{typeFunction, 1, typeI32, 0}
	typeOf3    = []byte{typeFunction, 3, typeI32, typeI32, typeI32, 0}
)

// yieldFunction sets the global to what the host grants.
func (m *rewriter) yieldFunction() uint32 {
	h := &m.helpers
	if h.yield == 0 {
		var c code
		c = append(c, 0) // no locals
		c.indexed(opCall, m.imports)
		c.indexed(opGlobalSet, m.unitsGlobal())
		c = append(c, opEnd)
		h.yield = m.add(typeAction, c)
	}
	return h.yield
}

// spendFunction charges its argument.
func (m *rewriter) spendFunction() uint32 {
	h := &m.helpers
	if h.spend == 0 {
		yield := m.yieldFunction()
		var c code
		c = append(c, 0)
		c.spend(m.unitsGlobal(), 0, func() { c.indexed(opLocalGet, 0) }, func() { c.indexed(opCall, yield) })
		c = append(c, opEnd)
		h.spend = m.add(typeOfOne, c)
	}
	return h.spend
}

// spend takes units from the global and yields when none are left; local is for its use.
func (c *code) spend(global, local uint32, units, yield func()) {
	c.unless(func() {
		c.take(global, local, units)
		*c = append(*c, opI32GeS)
	}, yield)
}

// take takes units from the global and leaves what is left, and 0, to be compared.
func (c *code) take(global, local uint32, units func()) {
	c.indexed(opGlobalGet, global)
	units()
	*c = append(*c, opI32Sub)
	c.indexed(opLocalTee, local)
	c.indexed(opGlobalSet, global)
	c.indexed(opLocalGet, local)
	c.constant(0)
}

// chunked returns the function that stands in for a bulk operation on memory: it charges the length, and does long ones
// in pieces. What would be out of bounds is left to the operation itself, which then traps before it writes.
func (m *rewriter) chunked(sub, segment uint32) uint32 {
	h := &m.helpers
	key := bulkKey{sub, segment}
	if i, ok := h.chunks[key]; ok {
		return i
	}
	spend := m.spendFunction()
	c := code{0}
	c = append(c, opBlock, typeNoResult)
	c.indexed(opLocalGet, 2)
	c.constant(chunkBytes)
	c = append(c, opI32LeU, opBrIf, 0)
	c.leaveUnlessInside(0)
	switch sub {
	case miscMemoryCopy:
		c.leaveUnlessInside(1)
	case miscMemoryInit: // a dropped segment traps at its first piece
		c.end64(1)
		c = append(c, opI64Const)
		c = appendSigned(c, int64(m.segments[segment]))
		c = append(c, opI64GtU, opBrIf, 0)
	}
	c.pieces(sub, segment, spend)
	c = append(c, opEnd)
	c.indexed(opLocalGet, 2)
	c.constant(bytesPerUnitShift)
	c = append(c, opI32ShrU)
	c.indexed(opCall, spend)
	c.operation(sub, segment, func(c *code) { c.indexed(opLocalGet, 2) })
	c = append(c, opEnd)
	if h.chunks == nil {
		h.chunks = map[bulkKey]uint32{}
	}
	h.chunks[key] = m.add(typeOf3, c)
	return h.chunks[key]
}

// pieces works on all but the last at most chunkBytes bytes, which are left in the locals.
func (c *code) pieces(sub, segment, spend uint32) {
	if sub == miscMemoryCopy { // upwards when the destination lies below the source, else downwards
		c.indexed(opLocalGet, 0)
		c.indexed(opLocalGet, 1)
		*c = append(*c, opI32GtU, opIf, typeNoResult, opLoop, typeNoResult)
		c.move(2, opI32Sub)
		c.charge(spend)
		c.plus(0, 2)
		c.plus(1, 2)
		c.constant(chunkBytes)
		*c = append(*c, opMisc, miscMemoryCopy, 0, 0)
		c.againWhileLong()
		*c = append(*c, opEnd, opBr, 1, opEnd)
	}
	*c = append(*c, opLoop, typeNoResult)
	c.charge(spend)
	c.operation(sub, segment, func(c *code) { c.constant(chunkBytes) })
	c.move(0, opI32Add)
	if sub != miscMemoryFill {
		c.move(1, opI32Add)
	}
	c.move(2, opI32Sub)
	c.againWhileLong()
	*c = append(*c, opEnd)
}

func (c *code) charge(spend uint32) {
	c.constant(chunkBytes >> bytesPerUnitShift)
	c.indexed(opCall, spend)
}

func (c *code) againWhileLong() {
	c.indexed(opLocalGet, 2)
	c.constant(chunkBytes)
	*c = append(*c, opI32GtU, opBrIf, 0)
}

func (c *code) operation(sub, segment uint32, length func(*code)) {
	c.indexed(opLocalGet, 0)
	c.indexed(opLocalGet, 1)
	length(c)
	*c = append(*c, opMisc, byte(sub))
	switch sub {
	case miscMemoryInit:
		*c = append(appendU32(*c, segment), 0)
	case miscMemoryCopy:
		*c = append(*c, 0, 0)
	case miscMemoryFill:
		*c = append(*c, 0)
	}
}

// leaveUnlessInside leaves the block when a range of memory is out of bounds.
func (c *code) leaveUnlessInside(local uint32) {
	c.end64(local)
	*c = append(*c, opMemorySize, 0, opI64ExtendU, opI64Const, 16, opI64Shl, opI64GtU, opBrIf, 0)
}

// end64 is where a range ends.
func (c *code) end64(local uint32) {
	c.indexed(opLocalGet, local)
	*c = append(*c, opI64ExtendU)
	c.indexed(opLocalGet, 2)
	*c = append(*c, opI64ExtendU, opI64Add)
}

func (c *code) plus(a, b uint32) {
	c.indexed(opLocalGet, a)
	c.indexed(opLocalGet, b)
	*c = append(*c, opI32Add)
}

func (c *code) move(local uint32, op byte) {
	c.indexed(opLocalGet, local)
	c.constant(chunkBytes)
	*c = append(*c, op)
	c.indexed(opLocalSet, local)
}

// code is a growing body.
type code []byte

func (c *code) indexed(op byte, index uint32) { *c = appendU32(append(*c, op), index) }

func (c *code) constant(v int32) { *c = appendSigned(append(*c, opI32Const), int64(v)) }

// unless runs what then writes unless the condition on the stack holds. The usual way is the first branch of an if, and
// empty: the engine's register allocator visits it first and goes on behind the if with its state, not with that of the
// way with a call, after which nothing is in registers.
func (c *code) unless(condition, then func()) {
	condition()
	*c = append(*c, opIf, typeNoResult, opElse)
	then()
	*c = append(*c, opEnd)
}

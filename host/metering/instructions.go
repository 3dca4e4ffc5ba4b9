package metering

// Opcodes that the rewriter looks at or writes.
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opThrow        = 0x08
	opThrowRef     = 0x0a
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opReturnCall   = 0x12
	opReturnCallI  = 0x13
	opCallRef      = 0x14
	opReturnCallR  = 0x15
	opDrop         = 0x1a
	opSelectTyped  = 0x1c
	opTryTable     = 0x1f
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32LtS       = 0x48
	opI32GtS       = 0x4a
	opI32LeS       = 0x4c
	opI32GeS       = 0x4e
	opI32GtU       = 0x4b
	opI32LeU       = 0x4d
	opI64GtU       = 0x56
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32ShrU      = 0x76
	opI64Add       = 0x7c
	opI64Shl       = 0x86
	opI64ExtendU   = 0xad
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	opBrOnNull     = 0xd5
	opBrOnNonNull  = 0xd6
	opMisc         = 0xfc
	opVector       = 0xfd
	opAtomic       = 0xfe

	miscMemoryInit = 0x08
	miscDataDrop   = 0x09
	miscMemoryCopy = 0x0a
	miscMemoryFill = 0x0b
	miscTableInit  = 0x0c
	miscElemDrop   = 0x0d
	miscTableCopy  = 0x0e
	miscTableGrow  = 0x0f
	miscTableSize  = 0x10
	miscTableFill  = 0x11

	typeI32       = 0x7f
	typeI64       = 0x7e
	typeF32       = 0x7d
	typeF64       = 0x7c
	typeNoResult  = 0x40
	typeRefNull   = 0x63
	typeRef       = 0x64
	typeFunction  = 0x60
	typeRecursive = 0x4e
)

// instruction is one decoded instruction; what an opcode does not use is zero.
type instruction struct {
	op         byte
	sub        uint32 // second opcode of the prefixes misc, vector and atomic
	start, end int    // its bytes
	index      uint32 // of a function, global, local, table, data segment or label
	typeIndex  int64  // of call_indirect and blocks; -1: none
	targets    []uint32
	catches    []catch
}

type catch struct {
	kind       byte
	tag, label uint32
}

// next decodes the instruction at the reader.
func (r *reader) next() instruction {
	in := instruction{start: r.pos, typeIndex: -1}
	in.op = r.byte()
	switch op := in.op; {
	case op == opBlock, op == opLoop, op == opIf:
		in.typeIndex = r.blockType()
	case op == opTryTable:
		in.typeIndex = r.blockType()
		in.catches = r.catches()
	case op == opBr, op == opBrIf, op == opBrOnNull, op == opBrOnNonNull, op == opCall, op == opReturnCall,
		op >= opLocalGet && op <= opTableSet, op == opRefFunc, op == opThrow:
		in.index = r.u32()
	case op == opBrTable:
		for range r.count() {
			in.targets = append(in.targets, r.u32())
		}
		in.targets = append(in.targets, r.u32())
	case op == opCallIndirect, op == opReturnCallI:
		in.typeIndex = int64(r.u32())
		in.index = r.u32()
	case op == opCallRef, op == opReturnCallR:
		in.typeIndex = int64(r.u32())
	case op == opSelectTyped:
		for range r.count() {
			r.valueType()
		}
	case op >= 0x28 && op <= 0x3e: // loads and stores
		r.memoryArgument()
	case op == opMemorySize, op == opMemoryGrow:
		r.byte()
	case op == opI32Const, op == opI64Const:
		r.s64()
	case op == opRefNull:
		r.heapType()
	case op == opF32Const:
		r.skip(4)
	case op == opF64Const:
		r.skip(8)
	case op == opMisc:
		r.misc(&in)
	case op == opVector:
		r.vector(&in)
	case op == opAtomic:
		r.atomic(&in)
	case op > 0xd6, op >= 0xc5 && op < opRefNull, op == 0x06, op == 0x07, op == 0x09, op >= 0x16 && op <= 0x19,
		op == 0x1d, op == 0x1e, op == 0x27, op == 0xd3:
		r.fail("unknown instruction %#x at byte %d of the code", op, in.start)
	}
	in.end = r.pos
	return in
}

// blockType returns the type index of a block, -1 for one that is written out.
func (r *reader) blockType() int64 {
	start := r.pos
	v := r.s64()
	if v >= 0 {
		return v
	}
	if r.err == nil && (r.b[start] == typeRefNull || r.b[start] == typeRef) {
		r.heapType()
	}
	return -1
}

func (r *reader) valueType() {
	if b := r.byte(); b == typeRefNull || b == typeRef {
		r.heapType()
	}
}

// simpleType reads a value type and returns it if it is a number of one byte, else 0.
func (r *reader) simpleType() byte {
	start := r.pos
	r.valueType()
	if r.err == nil && r.b[start] >= typeF64 && r.b[start] <= typeI32 {
		return r.b[start]
	}
	return 0
}

func (r *reader) heapType() {
	if t := r.s64(); t >= r.types {
		r.fail("unknown type %d", t)
	}
}

func (r *reader) catches() []catch {
	var all []catch
	for range r.count() {
		c := catch{kind: r.byte()}
		if c.kind <= 1 {
			c.tag = r.u32()
		}
		c.label = r.u32()
		all = append(all, c)
	}
	return all
}

func (r *reader) memoryArgument() {
	r.u32()
	r.u32()
}

func (r *reader) misc(in *instruction) {
	in.sub = r.u32()
	switch in.sub {
	case miscMemoryInit, miscMemoryCopy, miscTableInit, miscTableCopy:
		in.index = r.u32()
		r.u32()
	case miscDataDrop, miscMemoryFill, miscElemDrop, miscTableGrow, miscTableSize, miscTableFill:
		in.index = r.u32()
	default:
		if in.sub > miscTableFill {
			r.fail("unknown instruction 0xfc %#x at byte %d of the code", in.sub, in.start)
		}
	}
}

func (r *reader) vector(in *instruction) {
	in.sub = r.u32()
	switch s := in.sub; {
	case s <= 0x0b, s == 0x5c, s == 0x5d:
		r.memoryArgument()
	case s == 0x0c, s == 0x0d:
		r.skip(16)
	case s >= 0x15 && s <= 0x22:
		r.byte()
	case s >= 0x54 && s <= 0x5b:
		r.memoryArgument()
		r.byte()
	case s > 0xff:
		r.fail("unknown instruction 0xfd %#x at byte %d of the code", s, in.start)
	}
}

func (r *reader) atomic(in *instruction) {
	in.sub = r.u32()
	if in.sub == 0x03 { // fence
		r.byte()
		return
	}
	r.memoryArgument()
}

// leaves tells instructions that run code outside of the function, or leave it for a handler.
func (in *instruction) leaves() bool {
	switch in.op {
	case opCall, opCallIndirect, opCallRef, opThrow, opThrowRef:
		return true
	}
	return in.tail()
}

func (in *instruction) tail() bool {
	return in.op == opReturnCall || in.op == opReturnCallI || in.op == opReturnCallR
}

// bulk tells instructions whose cost depends on a length, which is the topmost operand.
func (in *instruction) bulk() bool {
	return in.op == opMisc && (in.sub >= miscMemoryInit && in.sub <= miscTableFill) &&
		in.sub != miscDataDrop && in.sub != miscElemDrop && in.sub != miscTableSize
}

// units is what an instruction costs: about the machine operations that it is compiled to, more for those that are slow
// each.
func (in *instruction) units() int {
	switch op := in.op; {
	case op == opNop, op == opBlock, op == opLoop, op == opEnd, op == opElse, op == opDrop, op == opLocalGet,
		op >= opI32Const && op <= opF64Const:
		return 0
	case op == opCall, op == opReturnCall:
		return 0 // see rewriter.callUnits
	case in.leaves():
		return 8
	case op >= 0x28 && op <= 0x3e, op == opBrTable:
		return 2
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82: // integer division
		return 8
	case op == 0x91, op == 0x95, op == 0x9f, op == 0xa3: // square root, floating-point division
		return 8
	case op == opMemoryGrow, op == opMisc && in.sub > 7:
		return 64
	case op == opVector:
		return 3
	case op == opAtomic:
		return 16
	}
	return 1
}

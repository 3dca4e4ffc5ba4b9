package metering

import "slices"

// body is a function while it is rewritten, in three passes over its instructions: what there is (scan), where units
// are charged and how many (place), and the new code (write).
type body struct {
	m         *rewriter
	r         *reader
	typ       functionType
	locals    uint32 // with parameters; the two that are added follow
	types     []byte // of the first savedLocalsMax locals; 0: a reference or a vector
	open      []openBlock
	code      []instruction
	blocks    []block
	sites     map[int]*site // by index of the instruction before which they stand
	free      bool          // its callers pay for its straight code
	loopFirst bool          // it gets to a loop at once, which charges for the entry, too
	counted   bool          // it has loops that count in a local
}

// block is a block, loop, if or try_table, or the function itself (blocks[0]).
type block struct {
	op           byte
	parent       int
	start, els   int // indices of instructions; els 0: no else
	end          int
	leaves       bool // code inside runs other code
	units        int  // of the instructions that lie in it but in no loop inside of it
	split        bool // a site lies inside that branches could jump over
	splitBefore  bool // … before its else
	counts       bool // a loop that counts in the local
	insideCounts bool // it lies in such a loop
}

// openBlock is a block of the new code.
type openBlock struct {
	block    int
	restarts bool // a loop in the form of restart.go
}

// site is a place where units are charged.
type site struct {
	units int
	block int
}

func (m *rewriter) rewriteCode(r *reader) []byte {
	n := 0
	if m.present[sectionCode] {
		n = r.count()
	}
	if n != len(m.functions)-int(m.imports) {
		r.fail("%d bodies for %d functions", n, len(m.functions)-int(m.imports))
		return nil
	}
	m.surveyAll(*r, n)
	m.yieldFunction()
	out := make([]byte, 0, len(r.b)+len(r.b)/4)
	var b body
	for i := range n {
		raw := r.take(r.u32())
		if r.err != nil {
			return nil
		}
		b.reset(m, m.surveys[i].free, raw, m.types[m.functions[int(m.imports)+i]])
		var c code
		if b.scan() {
			b.place()
			c = b.write()
		}
		if b.r.err != nil {
			r.fail("function %d: %w", int(m.imports)+i, b.r.err)
			return nil
		}
		out = appendBytes(out, c)
	}
	for _, c := range m.helpers.bodies {
		out = appendBytes(out, c)
	}
	return append(appendU32(nil, uint32(n+len(m.helpers.bodies))), out...)
}

// surveyAll looks at all bodies; the reader is a copy.
func (m *rewriter) surveyAll(r reader, n int) {
	for i := range n {
		m.look(&m.surveys[i], r.take(r.u32()))
	}
	m.findFree()
}

func (b *body) reset(m *rewriter, free bool, raw []byte, typ functionType) {
	*b = body{m: m, free: free, r: &reader{b: raw, types: int64(len(m.types))}, typ: typ, sites: map[int]*site{},
		code: b.code[:0], blocks: b.blocks[:0], types: b.types, open: b.open[:0]}
}

// scan decodes the function and checks every index in it.
func (b *body) scan() bool {
	r := b.r
	locals := uint64(b.typ.params)
	b.types = append(b.types[:0], b.typ.simple...)
	for range r.count() {
		n := r.u32()
		locals += uint64(n)
		b.types = appendTypes(b.types, r.simpleType(), int(n))
	}
	if locals > 50_000 {
		r.fail("%d locals, at most 50000", locals)
	}
	b.locals = uint32(locals)
	b.blocks = append(b.blocks, block{parent: -1})
	at := 0
	for at >= 0 && r.err == nil {
		in := r.next()
		b.check(&in, at)
		at = b.enter(in, at)
	}
	if r.err == nil && r.pos != len(r.b) {
		r.fail("%d bytes behind its end", len(r.b)-r.pos)
	}
	return r.err == nil
}

// enter adds an instruction of block at, and returns the block of the next one.
func (b *body) enter(in instruction, at int) int {
	i := len(b.code)
	b.code = append(b.code, in)
	if in.leaves() {
		for k := at; k >= 0; k = b.blocks[k].parent {
			b.blocks[k].leaves = true
		}
	}
	switch in.op {
	case opBlock, opLoop, opIf, opTryTable:
		b.blocks = append(b.blocks, block{op: in.op, parent: at, start: i})
		return len(b.blocks) - 1
	case opElse:
		if b.blocks[at].op != opIf || b.blocks[at].els != 0 {
			b.r.fail("else without an if")
		}
		b.blocks[at].els = i
	case opEnd:
		b.blocks[at].end = i
		return b.blocks[at].parent
	}
	return at
}

func (b *body) check(in *instruction, at int) {
	r, m := b.r, b.m
	if in.typeIndex >= 0 && in.typeIndex >= int64(len(m.types)) {
		r.fail("unknown type %d", in.typeIndex)
	}
	switch in.op {
	case opCall, opReturnCall, opRefFunc:
		m.function(r, in.index)
	case opGlobalGet, opGlobalSet:
		if in.index >= m.globals {
			r.fail("unknown global %d", in.index)
		}
	case opLocalGet, opLocalSet, opLocalTee:
		if in.index >= b.locals {
			r.fail("unknown local %d", in.index)
		}
	case opBr, opBrIf, opBrOnNull, opBrOnNonNull:
		b.checkLabel(in.index, at)
	case opBrTable:
		for _, label := range in.targets {
			b.checkLabel(label, at)
		}
	case opTryTable:
		for _, c := range in.catches {
			b.checkLabel(c.label, at)
		}
	case opMisc:
		if in.sub == miscMemoryInit && int(in.index) >= len(m.segments) {
			r.fail("unknown data segment %d", in.index)
		}
	}
}

func (b *body) checkLabel(label uint32, at int) {
	for ; at >= 0; at = b.blocks[at].parent {
		if label == 0 {
			return
		}
		label--
	}
	b.r.fail("a branch to a label that is not there")
}

// place decides on the sites.
func (b *body) place() {
	b.sum()
	b.span()
	for k := range b.blocks {
		blk := &b.blocks[k]
		switch {
		case k == 0:
			b.loopFirst = b.startsWithLoop()
			if !b.free && !b.loopFirst {
				b.add(0, 0, min(blk.units, spanUnits))
			}
		case blk.op == opLoop:
			b.add(blk.start+1, k, min(blk.units, spanUnits))
		}
		if blk.split && k > 0 && blk.op != opLoop {
			b.add(blk.end+1, blk.parent, 0)
			if blk.splitBefore && blk.els > 0 {
				b.add(blk.els+1, k, 0)
			}
		}
	}
	for _, s := range b.sites {
		if b.blocks[s.block].insideCounts {
			b.counted = true
		}
	}
}

// startsWithLoop tells that the function gets to a loop at once, whose header then charges for the entry, too: so
// begins each function that Go compiles. Loops that count in a local need the entry for what they prepay, wherever they
// stand: else each call would be given back what it never paid.
func (b *body) startsWithLoop() bool {
	if slices.ContainsFunc(b.blocks, func(blk block) bool { return blk.counts }) {
		return false
	}
	for i := range b.code {
		switch op := b.code[i].op; op {
		case opLoop:
			return true
		case opNop, opBlock, opDrop, opLocalGet, opLocalSet, opLocalTee, opGlobalGet, opGlobalSet, opI32Const, opI64Const,
			opI32Sub, opI32Add:
		default:
			return false
		}
	}
	return false
}

func (b *body) add(before, blk, units int) {
	if s := b.sites[before]; s != nil {
		s.units += units
		return
	}
	b.sites[before] = &site{units: units, block: blk}
}

// sum adds up the units of each loop and of the function, without the loops inside, and finds the loops that run no
// other code: they count in a local.
func (b *body) sum() {
	at := 0
	for i := range b.code {
		in := &b.code[i]
		switch in.op {
		case opBlock, opLoop, opIf, opTryTable:
			at = b.blockAt(i, at)
			blk := &b.blocks[at]
			outside := &b.blocks[blk.parent]
			blk.counts = blk.op == opLoop && !blk.leaves && !outside.insideCounts
			blk.insideCounts = blk.counts || outside.insideCounts
		}
		b.blocks[b.loopOf(at)].units += b.units(in)
		if in.op == opEnd {
			at = b.blocks[at].parent
		}
	}
}

// blockAt finds the block that instruction i opens; blocks are in the order of their starts, behind their parents.
func (b *body) blockAt(i, parent int) int {
	k, _ := slices.BinarySearchFunc(b.blocks[parent+1:], i, func(blk block, i int) int { return blk.start - i })
	return parent + 1 + k
}

// loopOf is the innermost loop around a block, or the function.
func (b *body) loopOf(k int) int {
	for k > 0 && b.blocks[k].op != opLoop {
		k = b.blocks[k].parent
	}
	return k
}

// span puts a site wherever spanUnits of code lie between two, and marks the blocks around it: a branch that jumps over
// it lands at the end of one of them, so a site must stand there too.
func (b *body) span() {
	at, units := 0, 0
	for i := range b.code {
		in := &b.code[i]
		if units > spanUnits && in.op != opElse {
			b.add(i, at, spanUnits)
			units = 0
			for k := at; k >= 0; k = b.blocks[k].parent {
				b.blocks[k].split = true
				if b.blocks[k].els == 0 || b.blocks[k].els > i {
					b.blocks[k].splitBefore = true
				}
			}
		}
		switch in.op {
		case opBlock, opLoop, opIf, opTryTable:
			at = b.blockAt(i, at)
		case opEnd:
			at = b.blocks[at].parent
		}
		units += b.units(in)
	}
}

func (b *body) units(in *instruction) int {
	if in.op == opCall || in.op == opReturnCall {
		return b.m.callUnits(in.index)
	}
	return in.units()
}

package metering

// write makes the new body. A function that counts in a local gets a block around its code, so that every way out
// passes the place where what it paid too much is given back: branches to the function's own label need no change,
// since that block's label takes its number.
func (b *body) write() code {
	c := b.writeLocals()
	for i := range b.code {
		in := &b.code[i]
		if i == 0 && b.counted {
			b.site(&c, 0)
			c.constant(-prepaidUnits)
			c.indexed(opLocalSet, b.counter())
			c = append(append(c, opBlock), b.resultType()...)
		} else if !b.chargedByLoop(i) {
			b.site(&c, i)
		}
		switch {
		case in.op == opBlock, in.op == opLoop, in.op == opIf, in.op == opTryTable:
			b.begin(&c, in, i)
		case in.op == opEnd && len(b.open) > 0:
			b.end(&c, in)
		case in.op == opEnd && b.counted:
			c = append(c, opEnd)
			b.settle(&c)
			c = append(c, opEnd)
		default:
			b.instruction(&c, in)
		}
	}
	return c
}

// chargedByLoop tells that openLoop wrote the site.
func (b *body) chargedByLoop(i int) bool {
	n := len(b.open)
	return n > 0 && b.open[n-1].restarts && b.blocks[b.open[n-1].block].start == i-1
}

func (b *body) begin(c *code, in *instruction, i int) {
	at := 0
	if n := len(b.open); n > 0 {
		at = b.open[n-1].block
	}
	k := b.blockAt(i, at)
	opened := openBlock{k, b.restarts(in, k)}
	switch {
	case opened.restarts:
		b.openLoop(c, in, opened.block)
	case in.op == opTryTable:
		b.relabelled(c, in)
	default:
		b.renumbered(c, in)
	}
	b.open = append(b.open, opened)
}

func (b *body) end(c *code, in *instruction) {
	n := len(b.open) - 1
	closed := b.open[n]
	b.open = b.open[:n]
	if closed.restarts {
		b.closeLoop(c, closed.block)
		return
	}
	b.renumbered(c, in)
}

// counter and scratch are the locals that are added.
func (b *body) counter() uint32 { return b.locals }
func (b *body) scratch() uint32 { return b.locals + 1 }

func (b *body) writeLocals() code {
	r := &reader{b: b.r.b, types: b.r.types}
	n := r.count()
	start := r.pos
	for range n {
		r.u32()
		r.valueType()
	}
	c := make(code, 0, len(b.r.b)+len(b.r.b)/3+32)
	c = appendU32(c, uint32(n+1))
	c = append(c, r.since(start)...)
	return append(c, 2, typeI32)
}

func (b *body) resultType() []byte {
	switch b.typ.count {
	case 0:
		return []byte{typeNoResult}
	case 1:
		return b.typ.results
	}
	encoded := append(appendU32([]byte{typeFunction, 0}, uint32(b.typ.count)), b.typ.results...)
	return appendSigned(nil, int64(b.m.typeIndex(encoded)))
}

func (b *body) site(c *code, i int) {
	s := b.sites[i]
	if s == nil {
		return
	}
	units := int32(price(s.units))
	if b.blocks[s.block].insideCounts {
		b.countLocally(c, units)
		return
	}
	if i == 0 && b.counted {
		units += prepaidUnits
	}
	c.spend(b.m.unitsGlobal(), b.scratch(), func() { c.constant(units) },
		func() { c.indexed(opCall, b.m.yieldFunction()) })
}

// countLocally counts in the local, and charges it when what was prepaid is used up.
func (b *body) countLocally(c *code, units int32) {
	c.unless(func() {
		b.count(c, units)
		*c = append(*c, opI32LeS)
	}, func() { b.chargeCounted(c) })
}

// count counts in the local and leaves it, and 0, to be compared.
func (b *body) count(c *code, units int32) {
	c.indexed(opLocalGet, b.counter())
	c.constant(units)
	*c = append(*c, opI32Add)
	c.indexed(opLocalTee, b.counter())
	c.constant(0)
}

func (b *body) chargeCounted(c *code) {
	c.indexed(opLocalGet, b.counter())
	c.constant(prepaidUnits)
	*c = append(*c, opI32Add)
	c.indexed(opCall, b.m.spendFunction())
	c.constant(-prepaidUnits)
	c.indexed(opLocalSet, b.counter())
}

// settle gives back what was prepaid and not used, or charges what was used where nothing was prepaid.
func (b *body) settle(c *code) {
	c.indexed(opGlobalGet, b.m.unitsGlobal())
	c.indexed(opLocalGet, b.counter())
	*c = append(*c, opI32Sub)
	if b.free {
		c.constant(prepaidUnits)
		*c = append(*c, opI32Sub)
	}
	c.indexed(opGlobalSet, b.m.unitsGlobal())
}

func (b *body) instruction(c *code, in *instruction) {
	m := b.m
	switch {
	case in.op == opReturn && b.counted:
		c.indexed(opBr, b.label(uint32(len(b.open))))
	case in.op == opBr, in.op == opBrIf, in.op == opBrTable, in.op == opBrOnNull, in.op == opBrOnNonNull:
		b.relabelled(c, in)
	case in.tail() && b.counted:
		b.settle(c)
		b.renumbered(c, in)
	case in.op == opMisc && (in.sub == miscMemoryCopy || in.sub == miscMemoryFill),
		in.op == opMisc && in.sub == miscMemoryInit && m.segments[in.index] > chunkBytes:
		c.indexed(opLocalTee, b.scratch())
		c.indexed(opLocalGet, b.scratch())
		c.constant(shortBytes)
		*c = appendSigned(append(*c, opI32GtU, opIf), int64(m.typeIndex(typeOf3)))
		c.indexed(opCall, m.chunked(in.sub, in.index))
		*c = append(*c, opElse)
		b.renumbered(c, in)
		*c = append(*c, opEnd)
	case in.bulk():
		shift := int32(elementsPerUnitShift)
		if in.sub == miscMemoryInit {
			shift = bytesPerUnitShift
		}
		c.indexed(opLocalTee, b.scratch())
		c.indexed(opLocalGet, b.scratch())
		c.constant(shift)
		*c = append(*c, opI32ShrU)
		c.indexed(opCall, m.spendFunction())
		b.renumbered(c, in)
	default:
		b.renumbered(c, in)
	}
}

// renumbered copies an instruction; functions have other numbers now.
func (b *body) renumbered(c *code, in *instruction) {
	switch in.op {
	case opCall, opReturnCall, opRefFunc:
		c.indexed(in.op, b.m.function(b.r, in.index))
	default:
		*c = append(*c, b.r.b[in.start:in.end]...)
	}
}

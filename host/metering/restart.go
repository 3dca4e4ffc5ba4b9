package metering

import "slices"

// A loop with a charge at its header becomes
//
//	block $exit
//	  loop $again
//	    block $spent
//	      loop            ; the module's own
//	        charge; br_if $spent
//	        …
//	      end
//	      br $exit
//	    end
//	    yield
//	    br $again
//	  end
//	  unreachable
//	end
//
// so that the usual way is straight code without a call, and the way to the host lies outside of the loop: the engine
// keeps the loop's variables in registers. For the same reason the locals that the loop assigns are moved to globals
// around the yield: a variable of a loop that is live across a call is stored in each turn. A yield never comes back
// into the guest, so one set of globals is enough.

// restartLabels is how many labels that adds around a loop.
const restartLabels = 3

// savedLocalsMax bounds the locals of a function that are saved, which is a matter of code size.
const savedLocalsMax = 32

// restarts tells whether a loop gets that form: not if it takes operands, which the way back would have to bring, nor
// if it makes calls itself, which store its variables anyway. Go's functions are the exception: their loop is there
// for jumps, and what it keeps in locals is never live across a call.
func (b *body) restarts(in *instruction, k int) bool {
	return in.op == opLoop && (in.typeIndex < 0 || b.m.types[in.typeIndex].params == 0) &&
		(!b.blocks[k].leaves || b.loopFirst && b.blocks[k].parent <= 1)
}

// openLoop writes the beginning up to the charge; k is the loop's block.
func (b *body) openLoop(c *code, in *instruction, k int) {
	blockType := b.r.b[in.start+1 : in.end]
	*c = append(append(*c, opBlock), blockType...)
	*c = append(*c, opLoop, typeNoResult, opBlock, typeNoResult, opLoop)
	*c = append(*c, blockType...)
	s := b.sites[b.blocks[k].start+1]
	units := int32(price(s.units))
	if b.blocks[k].insideCounts {
		b.count(c, units)
		*c = append(*c, opI32GtS, opBrIf, 1)
		return
	}
	c.take(b.m.unitsGlobal(), b.scratch(), func() { c.constant(units) })
	*c = append(*c, opI32LtS, opBrIf, 1)
}

// closeLoop writes what comes with the loop's end.
func (b *body) closeLoop(c *code, k int) {
	*c = append(*c, opEnd, opBr, 2, opEnd)
	locals := b.assigned(k)
	slots := b.m.slotsFor(b, locals)
	for i, local := range locals {
		c.indexed(opLocalGet, local)
		c.indexed(opGlobalSet, slots[i])
	}
	if b.blocks[k].insideCounts {
		b.chargeCounted(c)
	} else {
		c.indexed(opCall, b.m.yieldFunction())
	}
	for i, local := range locals {
		c.indexed(opGlobalGet, slots[i])
		c.indexed(opLocalSet, local)
	}
	*c = append(*c, opBr, 0, opEnd, opUnreachable, opEnd)
}

// assigned lists the locals that a loop assigns and that can be saved.
func (b *body) assigned(k int) []uint32 {
	loop := &b.blocks[k]
	var all []uint32
	for i := loop.start; i < loop.end; i++ {
		in := &b.code[i]
		if in.op != opLocalSet && in.op != opLocalTee || int(in.index) >= len(b.types) || b.types[in.index] == 0 {
			continue
		}
		if !slices.Contains(all, in.index) {
			all = append(all, in.index)
		}
	}
	return all
}

// slotsFor returns a global of the right type for each local, making those that are not there yet.
func (m *rewriter) slotsFor(b *body, locals []uint32) []uint32 {
	used := make([]bool, len(m.slots), len(m.slots)+len(locals))
	found := make([]uint32, len(locals))
	for i, local := range locals {
		at := 0
		for at < len(m.slots) && (used[at] || m.slots[at] != b.types[local]) {
			at++
		}
		if at == len(m.slots) {
			m.slots, used = append(m.slots, b.types[local]), append(used, false)
		}
		used[at] = true
		found[i] = m.unitsGlobal() + 1 + uint32(at)
	}
	return found
}

func appendTypes(types []byte, typ byte, n int) []byte {
	for ; n > 0 && len(types) < savedLocalsMax; n-- {
		types = append(types, typ)
	}
	return types
}

// label returns the number that a label of the module has now.
func (b *body) label(label uint32) uint32 {
	for i := range int(label) {
		if at := len(b.open) - 1 - i; at >= 0 && b.open[at].restarts {
			label += restartLabels
		}
	}
	return label
}

// relabelled writes a branch.
func (b *body) relabelled(c *code, in *instruction) {
	switch in.op {
	case opBrTable:
		c.indexed(opBrTable, uint32(len(in.targets)-1))
		for _, label := range in.targets {
			*c = appendU32(*c, b.label(label))
		}
	case opTryTable:
		r := &reader{b: b.r.b, pos: in.start + 1, types: b.r.types}
		r.blockType()
		*c = append(*c, b.r.b[in.start:r.pos]...)
		*c = appendU32(*c, uint32(len(in.catches)))
		for _, h := range in.catches {
			*c = append(*c, h.kind)
			if h.kind <= 1 {
				*c = appendU32(*c, h.tag)
			}
			*c = appendU32(*c, b.label(h.label))
		}
	default:
		c.indexed(in.op, b.label(in.index))
	}
}

package metering

// Segment is a part of the memory that a module begins with.
type Segment struct {
	Offset uint32
	Bytes  []byte // a view of the module
}

const memoryPageBytes = 1 << 16

// Image returns what stands in the module's memory before its first instruction, so that a host can map the same pages
// into many instances. Nil: there is nothing, or only the engine can make it (offsets that are not constant, ranges
// outside of memory), and RewriteWithoutImage leaves the module as it is.
func Image(wasm []byte) []Segment {
	m := &rewriter{in: wasm}
	if m.split() != nil {
		return nil
	}
	return m.image()
}

func (m *rewriter) image() []Segment {
	if !m.present[sectionData] || !m.present[sectionMemory] {
		return nil
	}
	memory := &reader{b: m.sections[sectionMemory]}
	if memory.count() != 1 {
		return nil
	}
	pages, _, _ := memory.limits()
	if memory.err != nil || m.importsMemory() {
		return nil
	}
	return constantSegments(&reader{b: m.sections[sectionData]}, uint64(pages)*memoryPageBytes)
}

// importsMemory: then the memory that segments go to is another module's.
func (m *rewriter) importsMemory() bool {
	r := &reader{b: m.sections[sectionImport]}
	if !m.present[sectionImport] {
		return false
	}
	for range r.count() {
		r.take(r.u32())
		r.take(r.u32())
		switch r.byte() {
		case 0:
			r.u32()
		case 2:
			return true
		default:
			return r.err == nil // imports that no guest has
		}
	}
	return false
}

// constantSegments returns the active segments, or nil when one of them is not constant or does not fit.
func constantSegments(r *reader, memoryBytes uint64) []Segment {
	all := []Segment{}
	for range r.count() {
		flags := r.u32()
		if flags > 1 {
			return nil
		}
		offset := int64(0)
		if flags == 0 {
			if r.byte() != opI32Const {
				return nil
			}
			offset = int64(uint32(r.s64()))
			if r.byte() != opEnd {
				return nil
			}
		}
		b := r.take(r.u32())
		if r.err != nil || flags == 0 && uint64(offset)+uint64(len(b)) > memoryBytes {
			return nil
		}
		if flags == 0 && len(b) > 0 {
			all = append(all, Segment{uint32(offset), b})
		}
	}
	return all
}

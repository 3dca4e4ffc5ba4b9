package metering

func (m *rewriter) rewriteElements(r *reader) []byte {
	if !m.present[sectionElement] {
		return nil
	}
	n := r.count()
	out := appendU32(nil, uint32(n))
	for range n {
		flags := r.u32()
		if flags > 7 {
			r.fail("elements of unknown form %d", flags)
		}
		out = appendU32(out, flags)
		start := r.pos
		passive, explicit, expressions := flags&1 != 0, flags&2 != 0, flags&4 != 0
		if !passive {
			if explicit {
				r.u32()
			}
			out = m.constant(r, append(out, r.since(start)...))
			start = r.pos
		}
		if passive || explicit {
			r.valueType() // an element kind is a byte, too
		}
		items := r.count()
		out = append(out, r.since(start)...)
		for range items {
			if expressions {
				out = m.constant(r, out)
			} else {
				index := r.u32()
				m.addressTaken(index)
				out = appendU32(out, m.function(r, index))
			}
		}
	}
	return out
}

func (m *rewriter) rewriteData(r *reader) []byte {
	if !m.present[sectionData] {
		return nil
	}
	n := r.count()
	out := appendU32(make([]byte, 0, len(r.b)), uint32(n))
	elsewhere := m.imageElsewhere && m.image() != nil
	for range n {
		flags := r.u32()
		if flags > 2 {
			r.fail("data of unknown form %d", flags)
		}
		out = appendU32(out, flags)
		if flags == 2 {
			out = appendU32(out, r.u32())
		}
		if flags != 1 {
			out = m.constant(r, out)
		}
		b := r.take(r.u32())
		if flags != 1 && elsewhere {
			b = nil // for memory.init there is no difference: an active segment is dropped before the code runs
		}
		m.segments = append(m.segments, uint32(len(b)))
		out = appendBytes(out, b)
	}
	return out
}

package metering

// rewriteNames keeps the names of the module and of its functions, for traces.
func (m *rewriter) rewriteNames() []byte {
	if m.names == nil {
		return nil
	}
	r := &reader{b: m.names}
	out := appendBytes(nil, []byte("name"))
	for r.more() {
		id := r.byte()
		body := r.take(r.u32())
		switch {
		case r.err != nil:
			return nil
		case id == 0:
			out = appendBytes(append(out, id), body)
		case id == 1:
			names := m.functionNames(&reader{b: body})
			if names == nil {
				return nil
			}
			out = appendBytes(append(out, id), names)
		}
	}
	return out
}

// functionNames returns nil for names that can't be read: nothing depends on them.
func (m *rewriter) functionNames(r *reader) []byte {
	n := r.count()
	out := appendU32(make([]byte, 0, len(r.b)+n), uint32(n))
	for range n {
		out = appendU32(out, m.function(r, r.u32()))
		out = appendBytes(out, r.take(r.u32()))
	}
	if r.err != nil {
		return nil
	}
	return out
}

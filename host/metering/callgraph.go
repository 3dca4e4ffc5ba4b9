package metering

// A function that can't come back into itself need not charge at its entry: those who call it pay for its straight code
// with the call. So only loops are left to charge in most code that is compiled from Rust or C. The exception are
// functions whose address is taken, as nobody knows who calls them, and chains of calls that are deep.

const (
	// freeUnitsMax is the size up to which a function is paid for by its callers.
	freeUnitsMax = 256
	// freeHeightMax bounds chains of such functions, since each frame may hold prepaidUnits that are not charged yet.
	freeHeightMax = 16
)

// survey is what is known of a function before it is rewritten.
type survey struct {
	calls   []uint32 // direct ones
	outside []uint32 // those of them that are in no loop
	units   int      // of the code outside of loops, without what it calls
	taken   bool     // its address is
	state   visit
	height  int // longest chain of calls below it
	free    bool
}

type visit uint8

const (
	unseen visit = iota
	open
	done
)

// callUnits is what a call of a function costs the caller.
func (m *rewriter) callUnits(function uint32) int {
	const itself = 8
	if f := int(function) - int(m.imports); f >= 0 && f < len(m.surveys) && m.surveys[f].free {
		return itself + m.surveys[f].units
	}
	return itself
}

// look fills the survey of one function; errors are left to the rewriting.
func (m *rewriter) look(s *survey, raw []byte) {
	r := &reader{b: raw, types: int64(len(m.types))}
	for range r.count() {
		r.u32()
		r.valueType()
	}
	var loops []bool // of the open blocks
	inLoop := 0
	for r.more() {
		in := r.next()
		if inLoop == 0 {
			s.units += in.units()
		}
		switch in.op {
		case opCall, opReturnCall:
			s.calls = append(s.calls, in.index)
			if inLoop == 0 {
				s.outside = append(s.outside, in.index)
			}
		case opRefFunc:
			m.addressTaken(in.index)
		case opBlock, opIf, opTryTable, opLoop:
			loops = append(loops, in.op == opLoop)
			if in.op == opLoop {
				inLoop++
			}
		case opEnd:
			if n := len(loops); n > 0 {
				if loops[n-1] {
					inLoop--
				}
				loops = loops[:n-1]
			}
		}
	}
}

func (m *rewriter) addressTaken(function uint32) {
	if f := int(function) - int(m.imports); f >= 0 && f < len(m.surveys) {
		m.surveys[f].taken = true
	}
}

// findFree decides which functions their callers pay for: all of whose callees are decided (so they are in no cycle),
// that are small, and whose address nobody takes. An explicit stack, as chains of calls may be long.
func (m *rewriter) findFree() {
	type frame struct{ function, next int }
	for root := range m.surveys {
		stack := []frame{{root, 0}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			s := &m.surveys[top.function]
			if s.state == done {
				stack = stack[:len(stack)-1]
				continue
			}
			s.state = open
			if top.next < len(s.calls) {
				callee := int(s.calls[top.next]) - int(m.imports)
				top.next++
				if callee >= 0 && callee < len(m.surveys) && m.surveys[callee].state == unseen {
					stack = append(stack, frame{callee, 0})
				}
				continue
			}
			m.decide(s)
			s.state = done
			stack = stack[:len(stack)-1]
		}
	}
}

// decide is called when every function that s calls was visited; one that is open is on the way to s: a cycle.
func (m *rewriter) decide(s *survey) {
	free := !s.taken
	for _, call := range s.calls {
		f := int(call) - int(m.imports)
		if f < 0 || f >= len(m.surveys) {
			continue // imported: the host's own
		}
		callee := &m.surveys[f]
		if callee.state != done {
			free = false
			continue
		}
		if callee.free {
			s.height = max(s.height, callee.height+1)
		}
	}
	for _, call := range s.outside {
		s.units += m.callUnits(call)
	}
	s.free = free && s.units <= freeUnitsMax && s.height <= freeHeightMax
}

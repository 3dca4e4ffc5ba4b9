package metering_test

import "encoding/binary"

// generator makes a valid module out of any bytes: each byte decides what comes next, and when they are used up the
// rest is closed. Functions take and return one i32; loops end, since each counts down a fuel of its own in memory.
type generator struct {
	input     []byte
	functions int
	code      []byte
	labels    []bool // open blocks: true: a loop
	depth     int
}

const (
	genLocals   = 4  // of a function, its parameter first
	genFuelAt   = 64 // where in memory the fuel stands
	genFuel     = 500
	genDepthMax = 12
)

func (g *generator) next() byte {
	if len(g.input) == 0 {
		return 0
	}
	b := g.input[0]
	g.input = g.input[1:]
	return b
}

func (g *generator) emit(b ...byte) { g.code = append(g.code, b...) }

func (g *generator) number(op byte, v int32) {
	g.emit(op)
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			g.emit(c)
			return
		}
		g.emit(c | 0x80)
	}
}

// value leaves an i32 on the stack.
func (g *generator) value() {
	g.depth++
	defer func() { g.depth-- }()
	kind := g.next()
	if g.depth > genDepthMax {
		kind = 0
	}
	switch kind % 9 {
	case 0:
		g.number(0x41, int32(int8(g.next())))
	case 1, 2:
		g.emit(0x20, g.next()%genLocals)
	case 3, 4: // arithmetic that can't trap
		g.value()
		g.value()
		g.emit([]byte{0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x46, 0x48, 0x4d}[int(g.next())%13])
	case 5: // division may trap
		g.value()
		g.value()
		g.emit(0x6d)
	case 6:
		g.address()
		g.emit(0x28, 0, 0x80, 0x01)
	case 7:
		g.value()
		if g.functions > 0 && g.next()%2 == 0 {
			g.emit(0x10, g.next()%byte(g.functions))
		} else {
			g.value()
			g.number(0x41, 7)
			g.emit(0x71, 0x11, 0, 0) // call_indirect of an element, which may be empty: a trap
		}
	case 8:
		g.emit(0x02, 0x7f) // a block with a value
		g.labels = append(g.labels, false)
		g.statements(2)
		g.value()
		g.close()
	}
}

// address leaves the address of four bytes inside of memory.
func (g *generator) address() {
	g.value()
	g.number(0x41, 0x7ff0)
	g.emit(0x71)
}

func (g *generator) close() {
	g.emit(0x0b)
	g.labels = g.labels[:len(g.labels)-1]
}

func (g *generator) statements(n int) {
	for range n {
		g.statement()
	}
}

func (g *generator) statement() {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > genDepthMax || len(g.input) == 0 {
		return
	}
	switch g.next() % 10 {
	case 0, 1:
		g.value()
		g.emit(0x21, g.next()%genLocals)
	case 2:
		g.address()
		g.value()
		g.emit(0x36, 0, 0x80, 0x01)
	case 3:
		g.loop()
	case 4:
		g.value()
		g.emit(0x04, 0x40)
		g.labels = append(g.labels, false)
		g.statements(2)
		if g.next()%2 == 0 {
			g.emit(0x05)
			g.statements(2)
		}
		g.close()
	case 5:
		g.emit(0x02, 0x40)
		g.labels = append(g.labels, false)
		g.statements(3)
		g.branch()
		g.close()
	case 6: // return
		g.value()
		g.emit(0x04, 0x40)
		g.labels = append(g.labels, false)
		g.value()
		g.emit(0x0f)
		g.close()
	case 7: // bulk: destination, source or value, length up to 64 KiB and more than there is
		g.value()
		g.number(0x41, 0x4000)
		g.emit(0x72) // never over the fuel
		g.value()
		g.value()
		if g.next()%2 == 0 {
			g.emit(0xfc, 0x0a, 0, 0)
		} else {
			g.emit(0xfc, 0x0b, 0)
		}
	case 8:
		for range 40 { // straight code, so that spans come to their end
			g.value()
			g.emit(0x21, g.next()%genLocals)
		}
	case 9:
		g.value()
		g.emit(0x24, 0)
	}
}

// burn takes one off the fuel and leaves what is left, and 0, to be compared.
func (g *generator) burn() {
	g.number(0x41, genFuelAt)
	g.number(0x41, genFuelAt)
	g.emit(0x28, 2, 0)
	g.number(0x41, 1)
	g.emit(0x6b, 0x36, 2, 0)
	g.number(0x41, genFuelAt)
	g.emit(0x28, 2, 0)
	g.number(0x41, 0)
}

// loop counts the fuel down, so that every run ends.
func (g *generator) loop() {
	g.emit(0x03, 0x40)
	g.labels = append(g.labels, true)
	g.statements(3)
	g.burn()
	g.emit(0x4a, 0x0d, 0) // while more than 0
	g.close()
}

// branch leaves one of the open blocks that have no value, if the condition holds; never a loop, which would not end.
func (g *generator) branch() {
	label := int(g.next()) % len(g.labels)
	if g.labels[len(g.labels)-1-label] || label > 0 {
		label = 0 // the block that is being made
	}
	g.value()
	g.emit(0x0d, byte(label))
}

func (g *generator) module() []byte {
	g.functions = 1 + int(g.next())%4
	var bodies []byte
	for range g.functions {
		g.code, g.labels, g.depth = nil, nil, 0
		// recursion counts the fuel down, too: at 0 a function returns at once
		g.burn()
		g.emit(0x4c, 0x04, 0x40)
		g.number(0x41, 1)
		g.emit(0x0f, 0x0b)
		g.statements(4)
		g.value()
		body := append([]byte{1, genLocals - 1, 0x7f}, g.code...)
		body = append(body, 0x0b)
		bodies = append(binary.AppendUvarint(bodies, uint64(len(body))), body...)
	}
	n := byte(g.functions)
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	wasm = genSection(wasm, 1, []byte{1, 0x60, 1, 0x7f, 1, 0x7f})
	types := []byte{n}
	elements := []byte{1, 0, 0x41, 0, 0x0b, n}
	for i := range n {
		types, elements = append(types, 0), append(elements, i)
	}
	wasm = genSection(wasm, 3, types)
	wasm = genSection(wasm, 4, []byte{1, 0x70, 0, 8})
	wasm = genSection(wasm, 5, []byte{1, 0, 2})
	wasm = genSection(wasm, 6, []byte{1, 0x7f, 1, 0x41, 0, 0x0b})
	wasm = genSection(wasm, 7, append(append([]byte{3, 1, 'f', 0, 0}, 1, 'm', 2, 0), 1, 'g', 3, 0))
	wasm = genSection(wasm, 9, elements)
	wasm = genSection(wasm, 10, append([]byte{n}, bodies...))
	fuel := binary.LittleEndian.AppendUint32(nil, genFuel)
	return genSection(wasm, 11, append([]byte{1, 0, 0x41, genFuelAt&0x7f | 0x80, 0, 0x0b, 4}, fuel...))
}

func genSection(wasm []byte, id byte, body []byte) []byte {
	return append(binary.AppendUvarint(append(wasm, id), uint64(len(body))), body...)
}

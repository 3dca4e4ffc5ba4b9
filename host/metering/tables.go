package metering

// tableElementBytes is what the engine keeps for an element: an address.
const tableElementBytes = 8

// TableBytesMax returns what the tables of a rewritten module take on the host when they have grown as far as they can.
// A guest grows them without asking the host, so they count as grown from the beginning.
func TableBytesMax(wasm []byte) int64 {
	m := &rewriter{in: wasm}
	if m.split() != nil {
		return 0 // nothing of it will run
	}
	m.rewriteTables(&reader{b: m.sections[sectionTable]})
	return m.elements * tableElementBytes
}

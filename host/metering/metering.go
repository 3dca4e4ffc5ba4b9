// Package metering rewrites WebAssembly modules so that they count what they execute and call the host each time a
// slice of it is spent. The host can then look at deadlines, let Go's collector stop the world, and resume or end the
// guest, at a place where nothing of the guest is half done.
//
// Units are roughly machine operations. They are charged at function entries, at loop headers, and wherever straight
// code would run further than spanUnits without a charge; bulk operations are charged by their length, and long ones
// are cut into pieces. Package metering uses no engine: bytes in, bytes out.
package metering

import "fmt"

// Version names the rewriting rules. Compiled code in caches depends on it: change it with every change of what Rewrite
// writes.
const Version = "6"

// The function that a rewritten module imports, of type [] -> [i32]: it is called when the units are spent and returns
// how many may be spent until the next call, at least SliceUnitsMin: a loop is charged anew after it.
const (
	YieldModule = "berth_meter"
	YieldName   = "yield"

	// SliceUnitsMin is more than any charge.
	SliceUnitsMin = 512
)

const (
	// spanUnits bounds what can run between two charges in a function, whatever way control takes.
	spanUnits = 4096
	// prepaidUnits is what a function with counted loops pays at its entry and gets back at its exits: its loops count
	// in a local variable up to it. So deep recursion can't hide work in the locals of its frames.
	prepaidUnits = 1024
	// bytesPerUnitShift and elementsPerUnitShift say what bulk operations cost.
	bytesPerUnitShift    = 5
	elementsPerUnitShift = 2
	// shortBytes is what a bulk operation on memory may move for its price as an instruction.
	shortBytes = 1024
	// chunkBytes is the size of the pieces that bulk operations on memory are cut into.
	chunkBytes = 64 << 10
)

// price is what a site charges for a region of code of which it is known only that not more than units are executed in
// it. Long regions mostly hold branches not taken; they are charged at a discount, so that a slice stays at most
// spanUnits/price(spanUnits) ≈ 13 times longer than its units say.
func price(units int) int {
	const full = 64
	if units <= full {
		return max(units, 1)
	}
	return full + (units-full)/16
}

// Rewrite returns the module with metering. It refuses what is not a WebAssembly module or uses an index that the
// module does not define, since that could name what is added here; for the rest the engine's validation is relied on.
// Custom sections other than names are left out.
func Rewrite(wasm []byte) ([]byte, error) {
	return (&rewriter{in: wasm}).rewritten()
}

// RewriteWithoutImage is Rewrite for a host that puts what Image returns into the memory of each instance itself: the
// module leaves it out.
func RewriteWithoutImage(wasm []byte) ([]byte, error) {
	return (&rewriter{in: wasm, imageElsewhere: true}).rewritten()
}

func (m *rewriter) rewritten() ([]byte, error) {
	out, err := m.rewrite()
	if err != nil {
		return nil, fmt.Errorf("meter module: %w", err)
	}
	return out, nil
}

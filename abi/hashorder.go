package abi

import (
	"cmp"
	"slices"
	"unicode/utf16"
)

// HashOrder returns the names in the order in which a java.util.HashMap filled with them is walked. Connect shows keys
// of configurations in it, and plugins for the JVM that keep source partitions in a HashMap have it in the stored keys.
func HashOrder(names []string) []string {
	buckets := uint32(16)
	for len(names)*4 > int(buckets)*3 {
		buckets *= 2
	}
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int {
		return cmp.Compare(spread(a)&(buckets-1), spread(b)&(buckets-1))
	})
	return sorted
}

// spread is String.hashCode with HashMap's mixing of the upper bits.
func spread(name string) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return h ^ h>>16
}

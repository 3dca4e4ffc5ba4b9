package guest

import (
	"hash/maphash"
	"reflect"
	"sync"

	"github.com/berth-connect/berth/abi"
)

// StoredOffset is a source offset that Connect has stored for a source partition.
type StoredOffset struct{ Partition, Offset map[string]any }

// storedOffsets are the offsets of a plan, decoded once for all of its stages. A task may have thousands of partitions
// and look for each, which must take little of the CPU that its start has.
type storedOffsets struct {
	list   []StoredOffset
	once   sync.Once
	seed   maphash.Seed
	byHash map[uint64][]StoredOffset // by the hash of the partition
}

func decodeOffsets(list []abi.SourceOffset) (*storedOffsets, error) {
	stored := &storedOffsets{list: make([]StoredOffset, 0, len(list))}
	for _, o := range list {
		one, err := storedOffset(o)
		if err != nil {
			return nil, err
		}
		stored.list = append(stored.list, one)
	}
	return stored, nil
}

func storedOffset(o abi.SourceOffset) (StoredOffset, error) {
	partition, err := nativeMap(o.Partition)
	if err != nil {
		return StoredOffset{}, err
	}
	offset, err := nativeMap(o.Offset)
	return StoredOffset{partition, offset}, err
}

// nativeMap is nil for a null.
func nativeMap(v abi.Value) (map[string]any, error) {
	x, err := v.Native(nil)
	if x == nil {
		return nil, err
	}
	return widen(x).(map[string]any), err
}

// like returns the offsets whose partition has the hash of another; both have numbers of the widest type.
func (s *storedOffsets) like(partition any) []StoredOffset {
	s.once.Do(func() {
		s.seed, s.byHash = maphash.MakeSeed(), make(map[uint64][]StoredOffset, len(s.list))
		for _, o := range s.list {
			hash := s.hash(o.Partition)
			s.byHash[hash] = append(s.byHash[hash], o)
		}
	})
	return s.byHash[s.hash(partition)]
}

// hash is alike for equal values: maps in any order, and all that is neither text, number nor boolean.
func (s *storedOffsets) hash(x any) uint64 {
	switch x := x.(type) {
	case map[string]any:
		var sum uint64
		for key, value := range x {
			sum += maphash.String(s.seed, key)*31 ^ s.hash(value)
		}
		return sum
	case string:
		return maphash.String(s.seed, x)
	case int64:
		return maphash.Comparable(s.seed, x)
	case bool:
		return maphash.Comparable(s.seed, x)
	}
	return 0
}

// same tells whether values with numbers of the widest type are equal. Maps of scalars, which partitions mostly are,
// are compared without reflection.
func same(a, b any) bool {
	m, isMap := a.(map[string]any)
	if !isMap {
		return equal(a, b)
	}
	n, isMap := b.(map[string]any)
	if !isMap || len(m) != len(n) || (m == nil) != (n == nil) {
		return false
	}
	for key, value := range m {
		if other, has := n[key]; !has || !same(value, other) {
			return false
		}
	}
	return true
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case string:
		other, ok := b.(string)
		return ok && a == other
	case int64:
		other, ok := b.(int64)
		return ok && a == other
	case bool:
		other, ok := b.(bool)
		return ok && a == other
	}
	return reflect.DeepEqual(a, b)
}

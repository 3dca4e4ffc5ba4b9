// Package syncs translates offsets of a source cluster into those of its copy: Store by the offset syncs that were
// read, Emitter decides when the next one is written.
package syncs

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/berth-connect/berth/modules/mirror/wire"
)

// TopicPartition is a partition of the source cluster.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// pair is where one record lies: at the source and in the copy.
type pair struct{ upstream, downstream int64 }

// Store keeps, of each partition, offset syncs that lie the further apart the older they are: at most two of those
// whose distance from the newest is between two powers of two. So it holds at most 128, and a translation is behind
// by no more than about the distance of a group from the end.
type Store struct {
	partitions map[TopicPartition][]pair // oldest first
	// Latest keeps the newest sync alone, until it is unset: older ones might translate to less than what was told before.
	Latest bool
}

// NewStore returns an empty one.
func NewStore() *Store { return &Store{partitions: map[TopicPartition][]pair{}} }

// Add takes the next sync. One that lies before the last at the source says that the partition began anew there, so
// all before it are void.
func (s *Store) Add(sync wire.OffsetSync) {
	at := TopicPartition{sync.Topic, sync.Partition}
	next := pair{sync.Upstream, sync.Downstream}
	known := s.partitions[at]
	n := len(known)
	switch {
	case s.Latest || n > 0 && next.upstream < known[n-1].upstream:
		known = append(known[:0], next)
	case n > 0 && next.upstream == known[n-1].upstream:
		known[n-1] = next
	default:
		known = thin(append(known, next))
	}
	s.partitions[at] = known
}

// thin leaves the oldest and the newest of each group of syncs with distances of the same length in bits.
func thin(syncs []pair) []pair {
	newest := syncs[len(syncs)-1].upstream
	distance := func(i int) int { return bits.Len64(uint64(newest - syncs[i].upstream)) }
	kept := syncs[:0]
	for i := 0; i < len(syncs); {
		end := i + 1
		for d := distance(i); end < len(syncs) && distance(end) == d; {
			end++
		}
		kept = append(kept, syncs[i])
		if end-i > 1 {
			kept = append(kept, syncs[end-1])
		}
		i = end
	}
	return slices.Clip(kept)
}

// Translate returns the offset in the copy at which who is at an offset of the source goes on: never behind records
// that it has not seen. ok is false if no sync tells: there is none of the partition, or all lie behind the offset.
func (s *Store) Translate(at TopicPartition, upstream int64) (downstream int64, ok bool) {
	known := s.partitions[at]
	i := sort.Search(len(known), func(i int) bool { return known[i].upstream > upstream }) - 1
	if i < 0 {
		return 0, false
	}
	if known[i].upstream == upstream {
		return known[i].downstream, true
	}
	return known[i].downstream + 1, true // whatever follows the record of the sync was not copied before it
}

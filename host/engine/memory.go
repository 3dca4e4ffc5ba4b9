package engine

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/berth-connect/berth/host"
)

// guestMemory backs the linear memories of one instance with one reserved range each, so that growing never copies and
// untouched pages cost nothing, and refuses to grow past the budgets of the instance, its module and the worker.
type guestMemory struct {
	bytesMax uint64 // of one linear memory
	budgets  []MemoryBudget
	image    *image       // what it begins with
	refused  MemoryBudget // the last one that said no
	tables   int64        // bytes taken for tables
	maps     []*linearMemory
}

// MemoryBudget is asked before a linear memory or a table grows, by several goroutines.
type MemoryBudget interface {
	// Take asks for n more bytes; a negative n gives back, which is never refused.
	Take(n int64) bool
	// Refusal says which limit refused.
	Refusal() *host.LimitError
}

// memoryBudget is shared by the instances that it is for.
type memoryBudget struct {
	limit string // one of host.Limit…
	bytes int64
	used  atomic.Int64
}

// Take implements MemoryBudget.
func (b *memoryBudget) Take(n int64) bool {
	if b.used.Add(n) > b.bytes && n > 0 {
		b.used.Add(-n)
		return false
	}
	return true
}

// Refusal implements MemoryBudget.
func (b *memoryBudget) Refusal() *host.LimitError {
	return &host.LimitError{Name: b.limit, Limit: fmt.Sprintf("%d MiB", b.bytes>>20), What: "asked for more memory"}
}

// Allocate implements experimental.MemoryAllocator.
func (g *guestMemory) Allocate(_, bytesMax uint64) experimental.LinearMemory {
	m := &linearMemory{owner: g}
	reserve := min(bytesMax, g.bytesMax)
	if reserve == 0 {
		return m
	}
	b, err := unix.Mmap(-1, 0, int(reserve), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return m // Reallocate then says no, which the guest sees as out of memory
	}
	m.reserved = b
	g.maps = append(g.maps, m)
	if g.image != nil && (uint64(g.image.bytes) > reserve || g.image.mapOver(b) != nil) {
		m.refuses = true
	}
	return m
}

// takeTables asks for what the instance's tables may grow to.
func (g *guestMemory) takeTables(bytes int64) bool {
	if !g.take(bytes) {
		return false
	}
	g.tables = bytes
	return true
}

// held is what the instance has, in bytes.
func (g *guestMemory) held() int64 {
	n := g.tables
	for _, m := range g.maps {
		n += int64(m.size)
	}
	return n
}

// release unmaps; no view of the memory may be left.
func (g *guestMemory) release() {
	for _, m := range g.maps {
		_ = unix.Munmap(m.reserved) // fails only for a range that is not ours
		g.take(-int64(m.size))
		m.reserved, m.size = nil, 0
	}
	g.maps = nil
	g.take(-g.tables)
	g.tables = 0
}

// take asks all budgets, or none.
func (g *guestMemory) take(n int64) bool {
	for i, b := range g.budgets {
		if b.Take(n) {
			continue
		}
		g.refused = b
		for _, granted := range g.budgets[:i] {
			granted.Take(-n)
		}
		return false
	}
	return true
}

type linearMemory struct {
	owner    *guestMemory
	reserved []byte
	size     uint64
	refuses  bool // it could not be made as the module wants it
}

// Reallocate implements experimental.LinearMemory; nil refuses.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if m.refuses || size > uint64(len(m.reserved)) {
		m.owner.refused = m.owner.budgets[0]
		return nil
	}
	if !m.owner.take(int64(size) - int64(m.size)) {
		return nil
	}
	m.size = size
	return m.reserved[:size:len(m.reserved)]
}

// Free implements experimental.LinearMemory. The range stays mapped until the instance's owner has read what it
// wants after an exit; release unmaps it.
func (m *linearMemory) Free() {}

package engine

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/tetratelabs/wazero/experimental"
)

// guestMemory backs the linear memories of one instance with one reserved range each, so that growing never copies and
// untouched pages cost nothing, and refuses to grow past a cap for all of them together.
type guestMemory struct {
	bytesMax uint64
	used     atomic.Int64
	maps     []*linearMemory
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
	return m
}

// release unmaps; no view of the memory may be left.
func (g *guestMemory) release() {
	for _, m := range g.maps {
		_ = unix.Munmap(m.reserved) // fails only for a range that is not ours
		m.reserved = nil
	}
	g.maps = nil
}

type linearMemory struct {
	owner    *guestMemory
	reserved []byte
	size     uint64
}

// Reallocate implements experimental.LinearMemory; nil refuses.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) || uint64(m.owner.used.Load())-m.size+size > m.owner.bytesMax {
		return nil
	}
	m.owner.used.Add(int64(size) - int64(m.size))
	m.size = size
	return m.reserved[:size:len(m.reserved)]
}

// Free implements experimental.LinearMemory. The range stays mapped until the instance's owner has read what it
// wants after an exit; release unmaps it.
func (m *linearMemory) Free() {}

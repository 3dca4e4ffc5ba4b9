package network

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// rate lets so many things happen in each second.
type rate struct {
	perSecond int
	second    int64
	taken     int
}

func (r *rate) String() string { return strconv.Itoa(r.perSecond) }

func (r *rate) take(now time.Time) bool {
	if second := now.Unix(); second != r.second {
		r.second, r.taken = second, 0
	}
	r.taken++
	return r.taken <= r.perSecond
}

// budget paces the bytes of all connections of an instance, both ways.
type budget struct {
	perSecond int

	mu   sync.Mutex
	free time.Time // when what was spent is paid for
}

// spend waits until n bytes are paid for. A second's worth may be spent ahead.
func (b *budget) spend(ctx context.Context, n int) {
	b.mu.Lock()
	now := time.Now()
	if b.free.Before(now) {
		b.free = now
	}
	b.free = b.free.Add(time.Duration(n) * time.Second / time.Duration(b.perSecond))
	wait := b.free.Sub(now) - time.Second
	b.mu.Unlock()
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

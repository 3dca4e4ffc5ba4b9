package schemaregistry

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// cache keeps answers by key, the ones used last, and lets all who ask for a key meanwhile wait for one fetch.
type cache struct {
	size int

	mu      sync.Mutex
	entries map[string]*list.Element // of *entry; guarded by mu
	order   list.List                // the one used last in front; guarded by mu
}

// entry is an answer, or one that is being fetched.
type entry struct {
	key     string
	done    chan struct{} // closed when value, err and until are set
	value   any
	err     error
	until   time.Time // zero: no end
	waiters int       // guarded by the cache's mu
	cancel  context.CancelFunc
}

func newCache(size int) *cache { return &cache{size: size, entries: map[string]*list.Element{}} }

// fetch gets an answer and says how long it holds: negative without end, zero not at all.
type fetch func(ctx context.Context) (value any, holds time.Duration, err error)

// get returns what is known under key or what get fetches; the fetch goes on while anybody waits for it.
func (c *cache) get(ctx context.Context, key string, get fetch) (any, error) {
	e := c.enter(key, get)
	defer c.leave(e)
	select {
	case <-e.done:
		return e.value, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cache) enter(key string, get fetch) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[key]; ok {
		e := at.Value.(*entry)
		if !e.expired() {
			c.order.MoveToFront(at)
			e.waiters++
			return e
		}
		c.remove(at)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &entry{key: key, done: make(chan struct{}), waiters: 1, cancel: cancel}
	c.entries[key] = c.order.PushFront(e)
	for c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
	go c.fill(ctx, e, get)
	return e
}

// expired tells that the answer has come and does not hold any longer.
func (e *entry) expired() bool {
	select {
	case <-e.done:
		return !e.until.IsZero() && !time.Now().Before(e.until)
	default:
		return false
	}
}

func (c *cache) fill(ctx context.Context, e *entry, get fetch) {
	value, holds, err := get(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.value, e.err = value, err
	if holds >= 0 {
		e.until = time.Now().Add(holds)
	}
	if at := c.entries[e.key]; holds == 0 && at != nil && at.Value == e {
		c.remove(at)
	}
	close(e.done)
	e.cancel()
}

// leave ends a fetch that nobody waits for.
func (c *cache) leave(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.waiters--; e.waiters > 0 {
		return
	}
	select {
	case <-e.done:
		return
	default:
	}
	e.cancel()
	if at := c.entries[e.key]; at != nil && at.Value == e {
		c.remove(at)
	}
}

// remove forgets an entry; those who wait for it still get it.
func (c *cache) remove(at *list.Element) {
	c.order.Remove(at)
	if key := at.Value.(*entry).key; c.entries[key] == at {
		delete(c.entries, key)
	}
}

package herder

import "sync"

// inbox is a queue without bound of things for the deciding goroutine to do: whoever reports to the herder must never
// wait for it.
type inbox struct {
	mu     sync.Mutex
	queue  []func()
	filled chan struct{} // capacity 1
}

func newInbox() *inbox { return &inbox{filled: make(chan struct{}, 1)} }

func (b *inbox) post(f func()) {
	b.mu.Lock()
	b.queue = append(b.queue, f)
	b.mu.Unlock()
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// drain runs what is queued, in order.
func (b *inbox) drain() {
	b.mu.Lock()
	queue := b.queue
	b.queue = nil
	b.mu.Unlock()
	for _, f := range queue {
		f()
	}
}

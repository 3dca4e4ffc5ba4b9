package engine

import (
	"io"
	"sync"
	"time"
)

// inputBytesMax is how much of standard input waits for a guest to read it.
const inputBytesMax = 1 << 20

// Input turns a blocking reader, the worker's standard input, into one that a guest can poll. Nothing is read before a
// guest asks: a worker in the background of a terminal must not touch it.
type Input struct {
	reader io.Reader
	start  sync.Once

	mu     sync.Mutex
	space  sync.Cond
	buf    []byte        // guarded by mu
	eof    bool          // guarded by mu
	tokens chan struct{} // wakes the guest that sleeps
}

// NewInput returns an input that reads r ahead, to its end, from the moment that a guest first looks at it.
func NewInput(r io.Reader) *Input {
	in := &Input{reader: r, tokens: make(chan struct{}, 1)}
	in.space.L = &in.mu
	return in
}

// fill reads to the end. It returns only then, since a blocked read can't be interrupted.
func (in *Input) fill() {
	chunk := make([]byte, 64<<10)
	for {
		n, err := in.reader.Read(chunk)
		in.mu.Lock()
		for len(in.buf) > inputBytesMax {
			in.space.Wait()
		}
		in.buf = append(in.buf, chunk[:n]...)
		in.eof = err != nil
		in.mu.Unlock()
		select {
		case in.tokens <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (in *Input) read(dst []byte) (n int, eof bool) {
	in.start.Do(func() { go in.fill() })
	in.mu.Lock()
	defer in.mu.Unlock()
	n = copy(dst, in.buf)
	in.buf = in.buf[:copy(in.buf, in.buf[n:])]
	in.space.Signal()
	return n, in.eof && len(in.buf) == 0
}

func (in *Input) ready() bool {
	in.start.Do(func() { go in.fill() })
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.buf) > 0 || in.eof
}

// wake may be called on nil: a guest without standard input never wakes by it.
func (in *Input) wake() <-chan struct{} {
	if in == nil {
		return nil
	}
	return in.tokens
}

// processStart and nanotime give the clock that wazero's WithSysNanotime gives to guests, so that absolute
// subscriptions count from the same epoch.
var processStart = time.Now()

func nanotime() int64 { return int64(time.Since(processStart)) }

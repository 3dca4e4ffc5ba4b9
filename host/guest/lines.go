package guest

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
)

// lineBudget lets perSecond lines through each second, so that a guest can't flood the worker's log.
type lineBudget struct {
	perSecond int

	mu      sync.Mutex
	second  int64 // guarded by mu
	taken   int   // in this second; guarded by mu
	dropped int   // since the last line that went through; guarded by mu
}

// take asks for one line, and then others who may refuse it; dropped is how many were refused before it.
func (b *lineBudget) take(others func(kept bool) bool) (dropped int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now().Unix(); now != b.second {
		b.second, b.taken = now, 0
	}
	if !others(b.taken < b.perSecond) {
		b.dropped++
		return 0, false
	}
	b.taken++
	dropped, b.dropped = b.dropped, 0
	return dropped, true
}

// lineWriter turns what a guest prints into log lines.
type lineWriter struct {
	link *Link
	rest []byte // the begin of a line, at most abi.LogLineBytes
}

var _ io.Writer = (*lineWriter)(nil)

func (w *lineWriter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		w.rest = append(w.rest, text[:min(len(text), abi.LogLineBytes-len(w.rest))]...)
		if ended {
			w.end()
		}
	}
	return len(p), nil
}

// end passes a line on; what is longer than a line of the log was cut.
func (w *lineWriter) end() {
	if len(w.rest) > 0 {
		w.link.Log(uint32(abi.LogInfo), w.rest)
		w.rest = w.rest[:0]
	}
}

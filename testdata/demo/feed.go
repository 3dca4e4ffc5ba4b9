package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const feedEvery = 100 * time.Millisecond

// feeder appends the lines to the file that the source connector reads, as a program that writes a log would.
type feeder struct {
	file      string
	lines     []string
	perSecond int
	written   atomic.Int64
	seen      chan struct{} // closed when what the plugin makes has been seen; the last quarter trickles until then
}

// trickle is how many lines are fed at once while the plugin is on its way: enough to see when it is there.
const trickle = 10

func (f *feeder) run(ctx context.Context) error {
	file, err := os.OpenFile(f.file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("feed the source: %w", err)
	}
	defer file.Close()
	ticker := time.NewTicker(feedEvery)
	defer ticker.Stop()
	share := max(1, f.perSecond*int(feedEvery/time.Millisecond)/1000)
	for rest := f.lines; len(rest) > 0; {
		n := min(share, len(rest))
		if len(rest) <= len(f.lines)/4 && !f.pluginSeen() {
			n = min(trickle, len(rest))
		}
		if _, err := file.WriteString(strings.Join(rest[:n], "\n") + "\n"); err != nil {
			return fmt.Errorf("feed the source: %w", err)
		}
		f.written.Add(int64(n))
		rest = rest[n:]
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *feeder) pluginSeen() bool {
	select {
	case <-f.seen:
		return true
	default:
		return false
	}
}

// Command flaky is a module of plugins whose trouble passes, or ends them, as the records say.
package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	guest "github.com/berth-connect/berth/guest-sdk/go"
)

func main() {
	guest.Run(guest.Plugin{Class: "flaky.Later", Version: "1.0.0", Doc: "Fails for a while, or for good.",
		NewTransform: func() guest.Transform { return &later{failures: map[string]int{}} }})
}

// later fails a record "later…" as retriable twice before it passes, "never…" always; it panics on "panic…", exits on
// "exit…" and never comes back from "loop…". Other records pass.
type later struct{ failures map[string]int }

func (l *later) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	text, _ := r.Value().(string)
	switch word, _, _ := strings.Cut(text, " "); word {
	case "later":
		if l.failures[text]++; l.failures[text] < 3 {
			return guest.Keep, guest.Retriable(errors.New("not yet"))
		}
	case "never":
		return guest.Keep, guest.Retriable(errors.New("never"))
	case "panic":
		panic("on " + text)
	case "exit":
		os.Exit(7)
	case "loop":
		for start := time.Now(); time.Since(start) >= 0; {
		}
	}
	return guest.Keep, nil
}

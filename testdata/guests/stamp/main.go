// Command stamp is a module whose transformation says in each record which version it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// Set by -ldflags -X.
var (
	version = "1.0.0"
	does    = "" // what this version is bad at: start, panic, fail or slow
)

func main() {
	guest.Run(guest.Plugin{Class: "test.Stamp", Version: version, Doc: "Appends task and version to a text.",
		NewTransform: func() guest.Transform { return &stamp{} }})
}

type stamp struct{ mark string }

// Start implements guest.Starter.
func (s *stamp) Start(_ context.Context, config guest.Config) error {
	s.mark = fmt.Sprintf(" %d/%s", config.Task, version)
	if does == "start" {
		return errors.New("this version does not start, on purpose")
	}
	return nil
}

// Transform stamps. A version that is bad at something is so at each record whose number ends in 99.
func (s *stamp) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	text, _ := r.Value().(string)
	number, _, _ := strings.Cut(text, " ")
	if strings.HasSuffix(number, "99") {
		switch does {
		case "panic":
			panic("on " + number + ", on purpose")
		case "fail":
			return guest.Keep, fmt.Errorf("record %s fails on purpose", number)
		}
	}
	if does == "slow" {
		for began := time.Now(); time.Since(began) < time.Millisecond/2; {
		}
	}
	r.SetValue(r.ValueSchema(), text+s.mark)
	return guest.Keep, nil
}

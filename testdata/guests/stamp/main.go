// Command stamp is a module whose transformation says in each record which version it is, and with a source beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

var version = "1.0.0" // set by -ldflags -X

var definition = abi.ConfigDef{Keys: []abi.ConfigKey{{Name: "does", Type: abi.ConfigString, Default: new(string),
	HasDefault: true, Importance: abi.Low,
	Doc: "What versions from 2.0.0 on are bad at: start, panic, fail, slow, export, import or trap (at its export)."}}}

func main() {
	guest.Run(guest.Plugin{Class: "test.Stamp", Version: version, Doc: "Appends a count, task and version to a text.",
		Config: definition, KeepsState: true, NewTransform: func() guest.Transform { return &stamp{} }},
		guest.Plugin{Class: "test.Numbers", Version: version, Doc: "Counts.", Config: numbersDefinition,
			ExactlyOnce:  func(map[string]*string) (guest.Support, error) { return guest.Supported, nil },
			NewConnector: func() guest.Connector { return &allTasks{} }, NewSource: func() guest.Source { return &numbers{} }})
}

// stamp counts records; the count goes from version to version.
type stamp struct {
	mark  string
	does  string
	count int
}

// Start implements guest.Starter.
func (s *stamp) Start(_ context.Context, config guest.Config) error {
	s.mark = fmt.Sprintf("%d/%s", config.Task, version)
	if version >= "2" {
		s.does = config.Text("does")
	}
	if s.does == "start" {
		return errors.New("this version does not start, on purpose")
	}
	return nil
}

// Transform stamps. A version that is bad at something is so at each record whose number ends in 99.
func (s *stamp) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	text, _ := r.Value().(string)
	number, _, _ := strings.Cut(text, " ")
	if strings.HasSuffix(number, "99") {
		switch s.does {
		case "panic":
			panic("on " + number + ", on purpose")
		case "fail":
			return guest.Keep, fmt.Errorf("record %s fails on purpose", number)
		}
	}
	if s.does == "slow" {
		for began := time.Now(); time.Since(began) < time.Millisecond/2; {
		}
	}
	s.count++
	r.SetValue(r.ValueSchema(), fmt.Sprintf("%s %d %s", text, s.count, s.mark))
	return guest.Keep, nil
}

// ExportState implements guest.StateKeeper.
func (s *stamp) ExportState(context.Context) ([]byte, error) {
	switch s.does {
	case "trap":
		panic("at the export of state, on purpose")
	case "export":
		return nil, errors.New("this version does not let its state go, on purpose")
	}
	return []byte(strconv.Itoa(s.count)), nil
}

// ImportState implements guest.StateKeeper.
func (s *stamp) ImportState(_ context.Context, _ string, state []byte) (err error) {
	if s.does == "import" {
		return errors.New("this version does not take state, on purpose")
	}
	s.count, err = strconv.Atoi(string(state))
	return err
}

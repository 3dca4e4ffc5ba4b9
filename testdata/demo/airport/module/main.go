// Command module is the plugin that the demo uploads to the running worker.
package main

import (
	"context"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/testdata/demo/airport"
)

func main() {
	guest.Run(guest.Plugin{
		Class: "demo.CsvToJson", Version: "1.0.0", Doc: "Turns lines of comma-separated values into JSON objects.",
		Config: abi.ConfigDef{Keys: []abi.ConfigKey{{
			Name: "columns", Type: abi.ConfigList, Importance: abi.High, Doc: "Names of the values, in order.",
			Order: -1, Width: abi.WidthLong, Display: "Columns",
		}}},
		NewTransform: func() guest.Transform { return &csvToJSON{} },
	})
}

type csvToJSON struct{ columns []string }

// Start implements guest.Starter.
func (t *csvToJSON) Start(_ context.Context, config guest.Config) error {
	t.columns = config.List("columns")
	return nil
}

// Transform implements guest.Transform.
func (t *csvToJSON) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	line, isText := r.Value().(string)
	if !isText {
		return guest.Keep, nil
	}
	object, err := airport.Object(t.columns, line)
	if err != nil {
		return guest.Keep, guest.DataError(err)
	}
	r.SetValue(r.ValueSchema(), object)
	return guest.Keep, nil
}

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/berth-connect/berth/testdata/demo/airport"
)

// arrival says what became of the lines.
type arrival struct {
	asLine, asObject int // records in the sink's file, before and after the uploaded plugin was in use
	twice            int // of these, written again after the connector was restarted: delivery is at least once
	missing          int
	foreign          string // a line of the file that is no record
}

func (a arrival) problem() error {
	switch {
	case a.foreign != "":
		return fmt.Errorf("the sink wrote a line that is no record: %s", a.foreign)
	case a.missing > 0:
		return fmt.Errorf("%d records did not arrive", a.missing)
	case a.asLine == 0 || a.asObject == 0:
		return fmt.Errorf("%d records arrived as lines and %d as objects; the plugin was to come in between",
			a.asLine, a.asObject)
	}
	return nil
}

// checkArrival compares the sink's file with the data set, record by record.
func checkArrival(file string, data dataset) (arrival, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return arrival{}, fmt.Errorf("read what arrived: %w", err)
	}
	lines, objects, err := index(data)
	if err != nil {
		return arrival{}, err
	}
	var a arrival
	seen := make([]bool, len(data.lines))
	a.missing = len(seen)
	for got := range strings.Lines(string(text)) {
		got = strings.TrimSuffix(got, "\n")
		i, isLine := lines[got]
		if isLine {
			a.asLine++
		} else if j, isObject := objects[got]; isObject {
			i = j
			a.asObject++
		} else {
			a.foreign = got
			break
		}
		if seen[i] {
			a.twice++
		} else {
			seen[i] = true
			a.missing--
		}
	}
	return a, nil
}

// index maps both forms of each record to its number.
func index(data dataset) (lines, objects map[string]int, err error) {
	lines, objects = make(map[string]int), make(map[string]int)
	for i, line := range data.lines {
		object, err := airport.Object(data.columns, line)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d of the data set: %w", i+1, err)
		}
		lines[line], objects[object] = i, i
	}
	return lines, objects, nil
}

package main

import (
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		series []series
		want   string
	}{
		"an odd number of repeats has a middle one": {
			[]series{{"P1", "Berth", []figure{{cpu: 9, rate: 10_000}, {cpu: 1, rate: 90_000}, {cpu: 2, rate: 20_000}}, true}},
			"| P1 | Berth | 1.00 | 2.00 | 9.00 |  | 10 | 20 | 90 |  |",
		},
		"an even number has a mean of two": {
			[]series{{"P1", "Berth", []figure{{cpu: 1, rate: 1000}, {cpu: 2, rate: 2000}}, true}},
			"| P1 | Berth | 1.00 | 1.50 | 2.00 |  | 1 | 2 | 2 |  |",
		},
		"ratios are of the medians, cold runs have none": {
			[]series{
				{"P2", "Berth, cold", []figure{{cpu: 4, rate: 1000}}, false},
				{"P2", "Berth", []figure{{cpu: 3, rate: 1000, broker: 0.5}}, true},
				{"P2", floorName, []figure{{cpu: 1, rate: 1000}, {cpu: 2, rate: 1000}, {cpu: 7, rate: 1000}}, true},
			},
			"| P2 | Berth, cold | 4.00 | 4.00 | 4.00 |  | 1 | 1 | 1 |  |\n" +
				"| P2 | Berth | 3.00 | 3.00 | 3.00 | 1.50 | 1 | 1 | 1 | 0.50 |\n" +
				"| P2 | floor | 1.00 | 2.00 | 7.00 | 1.00 | 1 | 1 | 1 |  |",
		},
		"a repeat that was too short is marked": {
			[]series{{"P1", "Berth", []figure{{cpu: 1, rate: 1000, whole: true}}, true}},
			"| P1 | Berth\\* | 1.00 | 1.00 | 1.00 |  | 1 | 1 | 1 |  |",
		},
	} {
		if got := strings.TrimSpace(rows(c.series)); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

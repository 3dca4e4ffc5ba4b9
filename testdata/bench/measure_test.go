package main

import (
	"testing"
	"time"
)

func TestStatFields(t *testing.T) {
	stat := "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 8 20 0 9 0 12345 0 0"
	got, err := parseStat(stat)
	if err != nil || got != 3*time.Second {
		t.Errorf("got %v, %v; want 3s", got, err)
	}
	for _, bad := range []string{"", "1 (x) S", "42 (x) S 1 2 3 4 5 6 7 8 9 10 eleven 12"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestFigureIsTheCostBetweenTwoLooks(t *testing.T) {
	start := time.Now()
	begin := look{100_000, 2 * time.Second, start}
	end := look{1_100_000, 3500 * time.Millisecond, start.Add(4 * time.Second)}
	got, err := between(begin, end)
	if err != nil || got.cpuSecondsPerMillion != 1.5 || got.recordsPerSecond != 250_000 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := between(end, end); err == nil {
		t.Error("a figure from a single look")
	}
	want := "| x                |  1.00 |  2.00 |  9.00 |     10 |     20 |     90 |"
	if got := summary("x", []figure{{9, 10_000}, {1, 90_000}, {2, 20_000}}); got != want {
		t.Errorf("row\n%s, want\n%s", got, want)
	}
}

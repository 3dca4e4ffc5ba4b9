package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestFigureIsTheCostBetweenTwoLooks(t *testing.T) {
	start := time.Now()
	begin := look{100_000, 2 * time.Second, 10 * time.Second, start}
	end := look{1_100_000, 3500 * time.Millisecond, 11 * time.Second, start.Add(4 * time.Second)}
	want := figure{cpu: 1.5, rate: 250_000, broker: 1}
	if got := between(begin, end, false); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMeasuringLeavesTheStartOut(t *testing.T) {
	for name, c := range map[string]struct {
		progress []int64
		whole    bool
	}{
		"in steps":        {[]int64{0, 49, 60, 500, 600, 700, 800, 1000}, false},
		"too few steps":   {[]int64{0, 60, 500, 1000}, true},
		"all in one step": {[]int64{0, 0, 1000}, true},
	} {
		looks := 0
		s := subject{pid: os.Getpid(), progress: func(context.Context) (int64, error) {
			looks++
			return c.progress[looks-1], nil
		}}
		start, err := s.look(0)
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.measure(t.Context(), start, 1000)
		if err != nil || f.whole != c.whole || looks != len(c.progress) || f.rate <= 0 {
			t.Errorf("%s: %+v, %v after %d looks", name, f, err, looks)
		}
	}
}

func TestMeasuringEndsWithAnError(t *testing.T) {
	lost := errors.New("the broker is gone")
	s := subject{pid: os.Getpid(), progress: func(context.Context) (int64, error) { return 0, lost }}
	if _, err := s.measure(t.Context(), look{}, 10); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
}

func TestCPUTimeOfAProcessGrowsWithItsWork(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now-before < time.Millisecond; {
		if now, err = cpuTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cpuTime(1 << 27); err == nil {
		t.Error("a process that is not there has a time")
	}
}

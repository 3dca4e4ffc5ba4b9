package task

import (
	"testing"
	"time"
)

func TestWhoTrapsAgainAndAgainWaitsLonger(t *testing.T) {
	var traps traps
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		at, wants time.Duration
		n         int
	}{
		{0, 0, 1},
		{0, 0, 2}, // one record costs two instances
		{time.Second, 10 * time.Millisecond, 3},
		{time.Second, 20 * time.Millisecond, 4},
		{2 * time.Second, 40 * time.Millisecond, 5},
		{60 * time.Second, 20 * time.Millisecond, 4}, // the first two are a minute ago
		{10 * time.Minute, 0, 1},
	} {
		if n, delay := traps.next(start.Add(c.at)); n != c.n || delay != c.wants {
			t.Errorf("at %v: %d in a minute, waits %v; want %d, %v", c.at, n, delay, c.n, c.wants)
		}
	}
	total := time.Duration(0)
	for range 1000 {
		n, delay := traps.next(start.Add(11 * time.Minute))
		if total += delay; n == 61 && total >= trapWindow {
			t.Errorf("the waits, %v, keep the limit of 60 a minute from being reached", total)
		}
		if delay > trapBackoffMax {
			t.Fatalf("waits %v", delay)
		}
	}
}

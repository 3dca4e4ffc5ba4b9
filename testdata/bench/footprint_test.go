package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestProcField(t *testing.T) {
	text := "55d0-7ffd ---p 00:00 0 [rollup]\nRss:     1024 kB\nPss:      512 kB\nPss_Anon:   4 kB\nThreads:\t7\nOdd:\n"
	fields := map[string]int{"Rss": 1024, "Pss": 512, "Pss_Anon": 4, "Threads": 7, "Odd": 0, "Gone": 0}
	for name, want := range fields {
		if got := procField(text, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

func TestResourcesOfThisProcess(t *testing.T) {
	got, err := readResources(os.Getpid())
	if err != nil || got.private <= 0 || got.rss < got.pss || got.pss < got.private || got.threads < 1 || got.files < 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseCounts(t *testing.T) {
	if got, err := parseCounts("0 1  10"); err != nil || !slices.Equal(got, []int{0, 1, 10}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"1 1", "10 2", "-1", "one"} {
		if _, err := parseCounts(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestGrid(t *testing.T) {
	g := &grid{columns: []string{"A", "B"}}
	g.set("start, s", "A", "%.1f", 0.25)
	g.set("memory", "A", "%d", 3)
	g.set("start, s", "B", "%.1f", 7.0)
	want := "| | A | B |\n|---|---:|---:|\n| start, s | 0.2 | 7.0 |\n| memory | 3 |  |\n"
	if got := g.String(); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 3, 2, 4}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 1: 5, 0.625: 3.5} {
		if got := quantile(values, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if got := quantile([]float64{1, 2}, 0.5); got != 1.5 {
		t.Errorf("the median of two is %v", got)
	}
}

func TestDelaysAreReadFromAGrowingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	hourAgo := strconv.FormatInt(time.Now().Add(-time.Hour).UnixNano(), 10)
	go func() { // a line in two writes, as a reader may see it
		f, err := os.Create(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for _, part := range []string{hourAgo[:7], hourAgo[7:] + "\n" + hourAgo[:3], hourAgo[3:] + "\n"} {
			time.Sleep(5 * time.Millisecond)
			if _, err := f.WriteString(part); err != nil {
				t.Error(err)
			}
		}
	}()
	delays, err := readDelays(t.Context(), path, 2)
	if err != nil || len(delays) != 2 {
		t.Fatalf("%v, %v", delays, err)
	}
	for _, delay := range delays {
		if hour := time.Hour.Seconds() * 1000; delay < hour || delay > 2*hour {
			t.Errorf("%v ms instead of an hour", delay)
		}
	}
}

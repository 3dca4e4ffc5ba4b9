package main

import (
	"runtime"
	"testing"
	"time"
)

func TestBusyPercentIsTheHeadroom(t *testing.T) {
	for live, want := range map[uint64]int{
		0:        1600, // nothing was collected yet
		16 << 20: 400,
		32 << 20: 200,
		64 << 20: 100,
		1 << 30:  100, // never less room than Go gives
	} {
		if got := busyPercent(live); got != want {
			t.Errorf("%d bytes live: GOGC %d, want %d", live, got, want)
		}
	}
	if runtime.GC(); liveHeapBytes() == 0 {
		t.Error("the size of the heap is not known")
	}
}

func TestEachCollectionIsHeardOf(t *testing.T) {
	cycles := make(chan struct{}, 1)
	afterEachGC(cycles)
	for n := range 3 {
		runtime.GC()
		select {
		case <-cycles:
		case <-time.After(30 * time.Second):
			t.Fatalf("collection %d was not heard of", n+1)
		}
	}
}

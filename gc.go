package main

import (
	"os"
	"runtime"
	"runtime/debug"
	gometrics "runtime/metrics"
	"time"
)

// How the worker's garbage is collected. A worker that moves records makes little that lives and much that does not, so
// collections are the cheaper the more room there is between them; a worker that is idle shall be small. So there is
// room only while there is garbage.
const (
	// gcHeadroomBytes is how much a busy worker allocates between two collections.
	gcHeadroomBytes = 64 << 20
	// gcBusyInterval: collections that follow each other sooner than this are those of a busy worker.
	gcBusyInterval = 2 * time.Second
	// gcIdleAfter is how long a busy worker does without a collection before it counts as idle, and what it held for
	// others to come is given back to the system.
	gcIdleAfter = 10 * time.Second
	// gcPercentIdle is Go's default, and the least for a busy worker too: with a large heap it is room enough.
	gcPercentIdle = 100
)

// tuneGC lets the collector follow the load until the process ends. Whoever sets GOGC has decided; GOMEMLIMIT holds in
// any case.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	cycles := make(chan struct{}, 1)
	afterEachGC(cycles)
	go func() {
		for {
			stayBusy(cycles) // a worker that starts is
			awaitBusy(cycles)
		}
	}()
}

// awaitBusy returns when one collection follows another soon.
func awaitBusy(cycles <-chan struct{}) {
	for last := (time.Time{}); ; {
		<-cycles
		now := time.Now()
		if now.Sub(last) < gcBusyInterval {
			return
		}
		last = now
	}
}

// stayBusy gives the collector headroom and returns when it was not needed for a while.
func stayBusy(cycles <-chan struct{}) {
	idle := time.NewTimer(gcIdleAfter)
	defer idle.Stop()
	for percent := 0; ; {
		// Setting it stops the world, so small changes are let be.
		if now := busyPercent(liveHeapBytes()); now > percent*5/4 || now < percent*3/4 {
			percent = now
			debug.SetGCPercent(percent)
		}
		select {
		case <-cycles:
			idle.Reset(gcIdleAfter)
		case <-idle.C:
			debug.SetGCPercent(gcPercentIdle)
			debug.FreeOSMemory()
			return
		}
	}
}

// busyPercent is the GOGC that gives a heap of that size the headroom. Go takes no heap for smaller than 4 MiB.
func busyPercent(liveBytes uint64) int {
	return int(max(gcPercentIdle, gcHeadroomBytes*100/max(liveBytes, 4<<20)))
}

func liveHeapBytes() uint64 {
	sample := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
	gometrics.Read(sample)
	if sample[0].Value.Kind() != gometrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// afterEachGC puts a token into cycles after every collection: an object that nothing refers to is found by each.
func afterEachGC(cycles chan<- struct{}) {
	sentinel := new(*int)
	runtime.AddCleanup(sentinel, func(cycles chan<- struct{}) {
		select {
		case cycles <- struct{}{}:
		default:
		}
		afterEachGC(cycles)
	}, cycles)
}

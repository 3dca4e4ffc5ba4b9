package worker

import (
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

func TestBytesPerSecondFollowWhatATaskDoes(t *testing.T) {
	b := newBench(t)
	b.holdTo(nil)
	account := b.book.Open("c")
	defer account.Close()
	start := time.Unix(1_000_000, 0)
	f := newTaskFlow(account, start)
	if got := f.bytesPerSecond(start); got != 0 {
		t.Errorf("at the start: %d", got)
	}
	for minute := 1; minute <= 10; minute++ { // 1,000 bytes a second
		f.In(1, 30_000)
		f.Out(1, 30_000)
		if got := f.bytesPerSecond(start.Add(time.Duration(minute) * time.Minute)); got != 1000 {
			t.Errorf("minute %d: %d bytes a second", minute, got)
		}
	}
	for minute := 11; minute <= 21; minute++ { // none
		f.bytesPerSecond(start.Add(time.Duration(minute) * time.Minute))
	}
	if got := f.bytesPerSecond(start.Add(22 * time.Minute)); got != 0 {
		t.Errorf("idle for two windows: %d bytes a second", got)
	}
}

func TestRunningTasksHaveLoads(t *testing.T) {
	b := newBench(t)
	b.start(t, config("name", "made", "connector.class", "Datagen", "kind", "line", "rate", "1000", "topic", "made"))
	id := host.TaskID{Connector: "made"}
	eventually(t, "a load", func() bool {
		load := b.taskLoads(time.Now().Add(loadAgeMin))[id]
		return load.BytesPerSecond > 0 && load.MemoryBytes > 0
	})
	if loads := b.taskLoads(time.Now().Add(-loadAgeMin)); len(loads) != 0 {
		t.Errorf("of a task that has just begun there is %v", loads)
	}
	b.StopTasks(t.Context(), id)
	if loads := b.taskLoads(time.Now().Add(loadAgeMin)); len(loads) != 0 {
		t.Errorf("of a stopped task there is %v", loads)
	}
}

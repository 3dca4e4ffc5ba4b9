package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	id := func(i int) host.TaskID { return host.TaskID{Connector: fmt.Sprint("c", i)} }
	for i := range failuresKeptMax + 5 {
		f.add(id(0), host.TaskFailure{Trace: fmt.Sprint(i)})
	}
	kept := f.of(id(0))
	if len(kept) != failuresKeptMax || kept[0].Trace != fmt.Sprint(failuresKeptMax+4) ||
		kept[failuresKeptMax-1].Trace != "5" {
		t.Errorf("kept %+v", kept)
	}
	f.add(id(1), host.TaskFailure{Trace: strings.Repeat("é", failureTraceBytesMax)})
	if trace := f.of(id(1))[0].Trace; len(trace) > failureTraceBytesMax+len("…") || !strings.HasSuffix(trace, "é…") {
		t.Errorf("a trace of %d bytes, ending in %q", len(trace), trace[len(trace)-6:])
	}
	for i := range failingTasksMax {
		f.add(id(i+1), host.TaskFailure{})
	}
	if len(f.of(id(0))) != 0 || len(f.of(id(1))) != 2 || len(f.tasks) != failingTasksMax {
		t.Errorf("%d tasks are kept; the one that failed first has %d", len(f.tasks), len(f.of(id(0))))
	}
	if none := f.of(id(-7)); none == nil || len(none) != 0 {
		t.Errorf("a task that has not failed: %v, want an empty list", none)
	}
}

package web

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

func (f *fakeHerder) TaskFailures(_ context.Context, id host.TaskID) ([]host.TaskFailure, error) {
	return []host.TaskFailure{{At: time.Unix(0, 0).UTC(), Action: host.FailureSkipped, Class: "a.B", Module: "ab",
		Stage: "TRANSFORMATION", Record: "record t-0@1", Trace: id.String()}}, f.err
}

func TestFailuresOfATaskAreAnswered(t *testing.T) {
	server := newServer(t, &fakeHerder{}, Config{AmbiguousPaths: true})
	for path, want := range map[string]string{
		"/connectors/a%2Fb/tasks/3/failures": `200 [{"at":"1970-01-01T00:00:00Z","action":"SKIPPED","class":"a.B",` +
			`"module":"ab","stage":"TRANSFORMATION","record":"record t-0@1","trace":"a/b-3"}]`,
		"/connectors/c/tasks/x/failures": `404 `,
	} {
		answer := call(server, "GET", path, "", nil)
		if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	unknown := newServer(t, &fakeHerder{err: host.NotFound("Unknown task: c-9")}, Config{})
	if answer := call(unknown, "GET", "/connectors/c/tasks/9/failures", "", nil); answer.Code != 404 {
		t.Errorf("an unknown task: %d", answer.Code)
	}
}

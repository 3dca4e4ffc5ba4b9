package e2e

import (
	"strconv"
	"testing"
)

// resumes is how often a connector is stopped and resumed at once.
const resumes = 5

// A connector that is resumed before all workers have seen that it was stopped runs all its tasks again: those of
// before are fenced, and none of them is taken for the one that came after.
func TestE2EStoppedAndResumedAtOnce(t *testing.T) {
	c := startCluster(t, 3, exactlyOnceOn)
	first := c.workers[0]
	const tasks = 6
	topic := first.name("again")
	first.CreateTopic(t, topic, 1)
	first.put("in", keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16", "rate": "500",
		"tasks.max": strconv.Itoa(tasks), "topic": topic})
	for i := range resumes {
		first.awaitState("in", "RUNNING", tasks)
		before := first.Count(t, topic)
		first.await("records", func() bool { return first.Count(t, topic) > before+500 })
		for _, what := range []string{"stop", "resume"} {
			c.workers[i%3].ask("PUT", "/connectors/in/"+what, nil, nil)
		}
	}
	first.awaitState("in", "RUNNING", tasks)
}

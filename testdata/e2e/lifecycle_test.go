package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// appendForever appends numbered lines to a file, at the pace of a busy log file, until stop is called, which returns
// their number.
func (p *process) appendForever(file string) (stop func() int) {
	p.t.Helper()
	return p.appendWhenDue(file, func(k int) int {
		if k%50 == 0 {
			time.Sleep(time.Millisecond)
		}
		return k + 1
	})
}

// appendAtPace is appendForever with 1,000 lines a second.
func (p *process) appendAtPace(file string) (stop func() int) {
	p.t.Helper()
	started := time.Now()
	return p.appendWhenDue(file, func(int) int {
		time.Sleep(10 * time.Millisecond)
		return int(time.Since(started) / time.Millisecond)
	})
}

// appendWhenDue appends numbered lines until stop is called: again and again due waits, and says how many there are to
// be then, of which it is told the number that there is.
func (p *process) appendWhenDue(file string, due func(int) int) (stop func() int) {
	p.t.Helper()
	f, err := os.Create(file)
	if err != nil {
		p.t.Fatal(err)
	}
	quit, done := make(chan struct{}), make(chan int, 1)
	go func() {
		defer f.Close()
		k := 0
		defer func() { done <- k }()
		for {
			select {
			case <-quit:
				return
			default:
			}
			var lines []byte
			for end := due(k); k < end; k++ {
				lines = append(numbered(lines, k), '\n')
			}
			if _, err := f.Write(lines); err != nil {
				p.t.Errorf("lines before %d: %v", k, err)
				return
			}
		}
	}()
	stop = sync.OnceValue(func() int {
		close(quit)
		return <-done
	})
	p.t.Cleanup(func() { stop() })
	return stop
}

// flow is a file that grows, a source that reads it, and a sink that writes what arrives into another.
type flow struct {
	*process
	topic, from, to, output string
	stop                    func() int
}

func startFlow(t *testing.T) flow {
	t.Helper()
	p := startProcess(t)
	f := flow{p, p.name("lines"), p.name("in"), p.name("out"), p.file("out.txt"), p.appendForever(p.file("in.txt"))}
	p.put(f.from, p.source(p.file("in.txt"), f.topic))
	p.put(f.to, p.sink(f.output, f.topic))
	f.awaitOutput()
	return f
}

// awaitOutput waits until the file at the end has grown.
func (f flow) awaitOutput() {
	f.t.Helper()
	before := fileSize(f.t, f.output)
	f.await("more lines in "+f.output, func() bool { return fileSize(f.t, f.output) > before+10_000 })
}

// finish ends the lines and waits until all have arrived.
func (f flow) finish() int {
	f.t.Helper()
	n := f.stop()
	f.awaitPosition(f.from, fileSize(f.t, f.file("in.txt")))
	f.awaitCommitted(f.to, f.topic, f.Count(f.t, f.topic))
	return n
}

func TestE2EPauseStopAndRestartWhileRecordsFlow(t *testing.T) {
	f := startFlow(t)
	for _, name := range []string{f.from, f.to} {
		f.ask("PUT", "/connectors/"+name+"/pause", nil, nil)
		f.awaitState(name, "PAUSED", 1)
		f.ask("PUT", "/connectors/"+name+"/resume", nil, nil)
		f.awaitState(name, "RUNNING", 1)
		f.awaitOutput()
		f.ask("PUT", "/connectors/"+name+"/stop", nil, nil)
		f.awaitState(name, "STOPPED", 0)
		f.ask("PUT", "/connectors/"+name+"/resume", nil, nil)
		f.awaitState(name, "RUNNING", 1)
		f.awaitOutput()
		for _, what := range []string{"/restart?includeTasks=true&onlyFailed=false", "/tasks/0/restart", "/restart"} {
			f.ask("POST", "/connectors/"+name+what, nil, nil)
			f.awaitOutput()
		}
		f.awaitState(name, "RUNNING", 1)
	}
	n := f.finish()
	f.checkTopic(f.topic, n)
	f.checkFile(f.output, n)
}

// While one side is paused or stopped, the other goes on: nothing arrives that should not, and all of it later.
func TestE2EPausedMeansNothingArrives(t *testing.T) {
	f := startFlow(t)
	for _, how := range []struct {
		path, state string
		tasks       int
	}{{"/pause", "PAUSED", 1}, {"/stop", "STOPPED", 0}} {
		f.ask("PUT", "/connectors/"+f.to+how.path, nil, nil)
		f.awaitState(f.to, how.state, how.tasks)
		before := fileSize(t, f.output)
		f.awaitMore(f.topic)
		f.awaitMore(f.topic)
		if after := fileSize(t, f.output); after != before {
			t.Errorf("a sink that is %s wrote %d bytes", how.state, after-before)
		}
		f.ask("PUT", "/connectors/"+f.to+"/resume", nil, nil)
		f.awaitOutput()
	}
	n := f.finish()
	f.checkTopic(f.topic, n)
	f.checkFile(f.output, n)
}

// A deleted connector that comes back under its name goes on where it was: Connect keeps the offsets of both kinds.
func TestE2EDeleteAndCreateAgain(t *testing.T) {
	f := startFlow(t)
	for _, name := range []string{f.from, f.to} {
		var config keys
		f.ask("GET", "/connectors/"+name+"/config", nil, &config)
		f.ask("DELETE", "/connectors/"+name, nil, nil)
		f.await(name+" being gone", func() bool {
			status, _ := f.call("GET", "/connectors/"+name+"/status", nil)
			return status == http.StatusNotFound
		})
		delete(config, "name")
		f.put(name, config)
		f.awaitState(name, "RUNNING", 1)
		f.awaitOutput()
	}
	n := f.finish()
	f.checkTopic(f.topic, n)
	f.checkFile(f.output, n)
}

// What a worker knew before it was ended it knows when it is back.
func TestE2EStateSurvivesTheWorker(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			f := startFlow(t)
			paused, stopped := f.name("paused"), f.name("stopped")
			f.create(paused, "PAUSED", f.sink(f.file("paused.txt"), f.topic))
			f.create(stopped, "STOPPED", f.sink(f.file("stopped.txt"), f.topic))
			f.awaitState(paused, "PAUSED", 0)
			f.awaitState(stopped, "STOPPED", 0)
			n := f.finish()
			before := f.known()
			e.end(f.process)
			f.start()
			f.awaitState(f.from, "RUNNING", 1)
			f.awaitState(f.to, "RUNNING", 1)
			f.awaitState(paused, "PAUSED", 0)
			f.awaitState(stopped, "STOPPED", 0)
			after := f.known()
			for path, was := range before {
				if is := after[path]; is != was {
					t.Errorf("GET /connectors/%s is\n%s\nand was\n%s", path, is, was)
				}
			}
			f.checkTopic(f.topic, n)
			f.checkFile(f.output, n)
		})
	}
}

// create makes a connector that does not run at first (KIP-980).
func (f flow) create(name, state string, config keys) {
	f.t.Helper()
	f.ask("POST", "/connectors", map[string]any{"name": name, "config": config, "initial_state": state}, nil)
}

// known is the answer to each question that outlives a worker, by path behind /connectors/.
func (f flow) known() map[string]string {
	f.t.Helper()
	known := map[string]string{}
	ask := func(path string) (answer any) {
		f.ask("GET", "/connectors/"+path, nil, &answer)
		text, err := json.Marshal(answer) // sorts the keys
		if err != nil {
			f.t.Fatal(err)
		}
		known[path] = string(text)
		return answer
	}
	for name := range ask("?expand=status&expand=info").(map[string]any) {
		for _, what := range []string{"", "/config", "/tasks", "/status", "/offsets", "/topics"} {
			ask(name + what)
		}
	}
	if len(known) != 1+4*6 {
		f.t.Fatalf("the worker knows %d things, not those of 4 connectors", len(known))
	}
	return known
}

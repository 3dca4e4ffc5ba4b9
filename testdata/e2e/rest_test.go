package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// call sends a request with a JSON body (nil: none) and returns status and answer.
func (p *process) call(method, path string, body any) (int, []byte) {
	p.t.Helper()
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		text = bytes.NewReader(encoded)
	}
	return p.send(method, path, "application/json", text)
}

func (p *process) send(method, path, mediaType string, body io.Reader) (int, []byte) {
	p.t.Helper()
	request, err := http.NewRequest(method, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", mediaType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// ask is call for what must succeed; answer is decoded into out unless that is nil. A group that is changing refuses
// writes for a moment, and they are sent again, as every client has to.
func (p *process) ask(method, path string, body, out any) {
	p.t.Helper()
	status, answer := p.call(method, path, body)
	for began := time.Now(); changing(status, answer) && time.Since(began) < e2ePatience; {
		time.Sleep(100 * time.Millisecond)
		status, answer = p.call(method, path, body)
	}
	if status >= http.StatusMultipleChoices {
		p.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			p.t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
}

// changing is whether a request was refused because the group is being rebalanced, or has just been.
func changing(status int, answer []byte) bool {
	return status == http.StatusConflict &&
		(bytes.Contains(answer, []byte("momentarily")) || bytes.Contains(answer, []byte("worker rebalance")))
}

// refused calls for what must fail and returns the error's message.
func (p *process) refused(want int, status int, answer []byte) string {
	p.t.Helper()
	var body struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		p.t.Fatalf("no error body: %d %s", status, answer)
	}
	if status != want || body.Code != want {
		p.t.Fatalf("got status %d, code %d, want %d: %s", status, body.Code, want, answer)
	}
	return body.Message
}

// upload adds a module, as the body itself.
func (p *process) upload(name string, wasm []byte) (int, []byte) {
	p.t.Helper()
	return p.send("POST", "/plugins?name="+name, "application/wasm", bytes.NewReader(wasm))
}

type keys map[string]string

const (
	fileSource   = "org.apache.kafka.connect.file.FileStreamSourceConnector"
	fileSink     = "org.apache.kafka.connect.file.FileStreamSinkConnector"
	asText       = "org.apache.kafka.connect.storage.StringConverter"
	asBytes      = "org.apache.kafka.connect.converters.ByteArrayConverter"
	asJSON       = "org.apache.kafka.connect.json.JsonConverter"
	transformsOf = "org.apache.kafka.connect.transforms."
)

// with adds keys to others.
func (s keys) with(more keys) keys {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

func (s keys) json(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p *process) source(file, topic string) keys {
	return keys{"connector.class": fileSource, "tasks.max": "1", "file": file, "topic": topic,
		"key.converter": asText, "value.converter": asText}
}

func (p *process) sink(file, topic string) keys {
	return keys{"connector.class": fileSink, "tasks.max": "1", "file": file, "topics": topic,
		"key.converter": asText, "value.converter": asText,
		"consumer.override.session.timeout.ms": sinkSession(), "consumer.override.heartbeat.interval.ms": "500"}
}

// sinkSession is for how many milliseconds a killed member blocks its group; it is 45 s by default. A worker that looks
// for data races may itself be so late with a heartbeat.
func sinkSession() string {
	if racing() {
		return strconv.Itoa(raceFactor * 3000)
	}
	return "3000"
}

// put creates a connector or gives it another configuration.
func (p *process) put(name string, config keys) {
	p.t.Helper()
	p.ask("PUT", "/connectors/"+name+"/config", config, nil)
}

// state is one entry of a connector's status.
type state struct {
	ID       int    `json:"id"`
	State    string `json:"state"`
	WorkerID string `json:"worker_id"`
	Trace    string `json:"trace"`
}

type status struct {
	Connector state   `json:"connector"`
	Tasks     []state `json:"tasks"`
}

// awaitState waits until the connector and all of its tasks are in a state; a task is never STOPPED.
func (p *process) awaitState(name, want string, tasks int) status {
	p.t.Helper()
	var s status
	p.await(name+" being "+want, func() bool {
		code, answer := p.call("GET", "/connectors/"+name+"/status", nil)
		s = status{}
		if code != http.StatusOK || json.Unmarshal(answer, &s) != nil {
			return false
		}
		if s.Connector.State != want || len(s.Tasks) != tasks {
			return false
		}
		for _, task := range s.Tasks {
			if task.State == "FAILED" {
				p.t.Fatalf("%s has failed: %s", name, task.Trace)
			}
			if task.State != want {
				return false
			}
		}
		return true
	})
	return s
}

// awaitFailure waits until task 0 has failed and returns its trace.
func (p *process) awaitFailure(name string) string {
	p.t.Helper()
	var s status
	p.await(name+" failing", func() bool {
		code, answer := p.call("GET", "/connectors/"+name+"/status", nil)
		s = status{}
		return code == http.StatusOK && json.Unmarshal(answer, &s) == nil &&
			(s.Connector.State == "FAILED" || len(s.Tasks) == 1 && s.Tasks[0].State == "FAILED")
	})
	if s.Connector.State == "FAILED" {
		return s.Connector.Trace
	}
	return s.Tasks[0].Trace
}

// position is what the worker has stored for a file source's file, -1 for nothing.
func (p *process) position(name string) int64 {
	p.t.Helper()
	var stored struct {
		Offsets []struct{ Offset struct{ Position *int64 } }
	}
	p.ask("GET", "/connectors/"+name+"/offsets", nil, &stored)
	for _, o := range stored.Offsets {
		if o.Offset.Position != nil {
			return *o.Offset.Position
		}
	}
	return -1
}

// awaitPosition waits until a file source has stored that it has read a file of this size.
func (p *process) awaitPosition(name string, size int64) {
	p.t.Helper()
	p.await(fmt.Sprintf("%s having stored position %d", name, size), func() bool {
		p.checkNoFailure(name)
		return p.position(name) >= size
	})
	if at := p.position(name); at != size {
		p.t.Fatalf("%s has stored position %d of %d bytes", name, at, size)
	}
}

// awaitCommitted waits until a sink has committed all that is in partition 0 of a topic.
func (p *process) awaitCommitted(name, topic string, end int64) {
	p.t.Helper()
	p.await(fmt.Sprintf("%s having committed offset %d of %s", name, end, topic), func() bool {
		p.checkNoFailure(name)
		return p.Committed(p.t, "connect-"+name, topic)[0] >= end
	})
}

func (p *process) checkNoFailure(name string) {
	p.t.Helper()
	code, answer := p.call("GET", "/connectors/"+name+"/status", nil)
	var s status
	if code == http.StatusNotFound || json.Unmarshal(answer, &s) != nil {
		return // not started yet
	}
	for _, part := range append(s.Tasks, s.Connector) {
		if part.State == "FAILED" {
			p.t.Fatalf("%s has failed: %s", name, part.Trace)
		}
	}
}

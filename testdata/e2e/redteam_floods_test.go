package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/testdata/guests"
)

// Clients of the REST API that are slow, many or greedy.

// dial opens a connection to the REST API.
func (p *process) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// holdOn opens connections, says something on each and goes on with more each second, until the worker has ended all.
func (p *process) holdOn(connections int, opening, more string) {
	p.t.Helper()
	var open sync.WaitGroup
	for range connections {
		conn := p.dial()
		open.Go(func() {
			defer conn.Close()
			stop := make(chan struct{})
			go func() {
				_, _ = io.WriteString(conn, opening)
				for tick := time.NewTicker(time.Second); ; {
					select {
					case <-stop:
						tick.Stop()
						return
					case <-tick.C:
						_, _ = io.WriteString(conn, more) // fails when the worker has had enough
					}
				}
			}()
			_, _ = io.Copy(io.Discard, conn)
			close(stop)
		})
	}
	ended := make(chan struct{})
	go func() {
		open.Wait()
		close(ended)
	}()
	p.await(fmt.Sprintf("the end of %d connections", connections), func() bool {
		select {
		case <-ended:
			return true
		default:
			p.ask("GET", "/connectors", nil, nil)
			return false
		}
	})
}

func (p *process) silentConnections() { p.holdOn(2000, "", "") }

func (p *process) slowHeaders() {
	p.holdOn(300, "GET /connectors HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n")
}

func (p *process) slowBodies() {
	p.holdOn(100, "POST /connectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Content-Length: 100000\r\n\r\n{",
		" ")
}

// unwantedBodies go to a path that is not there: the server would like to read them before it answers.
func (p *process) unwantedBodies() {
	p.holdOn(100, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", " ")
}

// unreadAnswers asks for a large answer and does not read it.
func (p *process) unreadAnswers() {
	wasm := padded(guests.Text{How: "sleep", Step: "stop", Kind: "sink"}.Build(p.t), 30<<20)
	if code, answer := p.upload("large", wasm); code != http.StatusCreated {
		p.t.Fatalf("upload: %d %s", code, answer)
	}
	before := p.gauge("go_goroutines")
	for range 60 {
		conn := p.dial()
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET /plugins/large/"+guests.Version+"/module HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	p.await("the worker giving up", func() bool {
		if now := p.residentBytes(); now > memoryMax() {
			p.t.Fatalf("the worker has %d MiB of memory, at most %d", now>>20, memoryMax()>>20)
		}
		return p.gauge("go_goroutines") < before+20
	})
}

// many sends requests at the same time, and looks at the memory meanwhile.
func (p *process) many(n int, send func(i int)) {
	p.t.Helper()
	var sending sync.WaitGroup
	for i := range n {
		sending.Go(func() { send(i) })
	}
	done := make(chan struct{})
	go func() {
		sending.Wait()
		close(done)
	}()
	var most int64
	for {
		most = max(most, p.residentBytes())
		select {
		case <-done:
			p.t.Logf("at most %d MiB of memory", most>>20)
			if most > memoryMax() {
				p.t.Errorf("the worker had %d MiB of memory, at most %d", most>>20, memoryMax()>>20)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *process) post(path, mediaType string, body io.Reader) {
	request, err := http.NewRequest("PUT", p.url+path, body)
	if err != nil {
		p.t.Error(err)
		return
	}
	if mediaType == "application/wasm" {
		request.Method = "POST"
	}
	request.Header.Set("Content-Type", mediaType)
	if response, err := http.DefaultClient.Do(request); err == nil { // a worker that has enough may hang up
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

func (p *process) fatBodies() {
	var body strings.Builder
	body.WriteString(`{"connector.class":"` + fileSource + `"`)
	for i := 0; body.Len() < 1<<20-40; i++ {
		fmt.Fprintf(&body, `,"k%d":"v"`, i)
	}
	body.WriteString("}")
	p.many(40, func(int) {
		p.post("/connector-plugins/"+fileSource+"/config/validate", "application/json", strings.NewReader(body.String()))
	})
}

func (p *process) fatUploads() {
	wasm := padded(guests.Text{How: "sleep", Step: "stop", Kind: "transform"}.Build(p.t), 63<<20)
	p.many(12, func(i int) {
		own := append(bytes.Clone(wasm[:len(wasm)-1]), byte(i))
		p.post(fmt.Sprint("/plugins?dry_run=true&name=fat", i), "application/wasm", bytes.NewReader(own))
	})
}

// endless is a body that does not end; it is sent in chunks.
type endless struct{ left atomic.Int64 } // the client may still send when it has its answer

func (e *endless) Read(p []byte) (int, error) {
	if e.left.Add(-int64(len(p))) < 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func (p *process) endlessBody() {
	for path, mediaType := range map[string]string{"/connectors/x/config": "application/json",
		"/plugins?name=endless": "application/wasm"} {
		body := &endless{}
		body.left.Store(1 << 30)
		p.post(path, mediaType, body)
		if body.left.Load() < 1<<29 {
			p.t.Errorf("%s read half a gigabyte of a body", path)
		}
	}
}

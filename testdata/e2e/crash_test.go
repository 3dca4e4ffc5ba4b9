package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// interruptions is how often a test of crashes ends the worker before it lets it finish.
const interruptions = 3

// ending is a way to end the worker in the middle of its work, and what may become of records then.
type ending struct {
	name  string
	end   func(p *process)
	twice bool // a record may be delivered again
	torn  int  // lines that may be cut off
}

var endings = []ending{
	{"kill -9", (*process).kill9, true, interruptions},
	{"SIGTERM", (*process).terminate, false, 0},
}

func TestE2EInterruptedSource(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) { interruptSource(t, e) })
	}
}

func interruptSource(t *testing.T, e ending) {
	p := startProcess(t)
	n, input, topic, name := lineCount(t), p.file("in.txt"), p.name("lines"), p.name("in")
	size := writeNumbered(t, input, n)
	p.put(name, p.source(input, topic))
	done := func() int64 { return p.Count(t, topic) }
	for i := range interruptions {
		p.interrupt(e, i, done, int64(n))
	}
	p.awaitPosition(name, size)
	check := sequence{t: t}
	p.Each(t, topic, func(r kafkatest.Record) { check.add(r.Value) })
	check.finish(e, n)
}

func TestE2EInterruptedSink(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) { interruptSink(t, e) })
	}
}

func interruptSink(t *testing.T, e ending) {
	p := startProcess(t)
	n, output, topic, name := lineCount(t), p.file("out.txt"), p.name("lines"), p.name("out")
	p.CreateTopic(t, topic, 1)
	var size int64
	p.ProduceEach(t, func(yield func(kafkatest.Record) bool) {
		for k := range n {
			line := numbered(nil, k)
			size += int64(len(line)) + 1
			if !yield(kafkatest.Record{Topic: topic, Value: line}) {
				return
			}
		}
	})
	p.put(name, p.sink(output, topic))
	done := func() int64 { return fileSize(t, output) }
	for i := range interruptions {
		p.interrupt(e, i, done, size)
	}
	p.awaitCommitted(name, topic, int64(n))
	check := sequence{t: t}
	eachLine(t, output, check.add)
	check.finish(e, n)
}

// interrupt ends the worker at a random moment, when done has grown by some part of all, and starts it again.
func (p *process) interrupt(e ending, i int, done func() int64, all int64) {
	p.t.Helper()
	before := done()
	until := min(before+all/20+rand.Int64N(all/8), all*9/10)
	p.await(fmt.Sprintf("%d of %d", until, all), func() bool { return done() >= until })
	e.end(p)
	p.start()
	after := done()
	p.t.Logf("%s %d: at %d, wanted at %d, now %d of %d", e.name, i+1, before, until, after, all)
	if (i == 0 || !e.twice) && after >= all {
		p.t.Fatalf("the worker was done before it was interrupted: raise BERTH_E2E_LINES")
	}
}

// numbered appends line k to a buffer, without line end; lines are of different lengths.
func numbered(to []byte, k int) []byte {
	to = fmt.Appendf(to, "%09d ", k)
	return append(to, filler[:k%len(filler)]...)
}

var filler = strings.Repeat("the quick brown fox jumps over the lazy dog. ", 2)

// writeNumbered writes n lines and returns the file's size.
func writeNumbered(t *testing.T, file string, n int) int64 {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for k := range n {
		line = append(numbered(line[:0], k), '\n')
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return fileSize(t, file)
}

func eachLine(t *testing.T, file string, each func([]byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		each(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// sequence checks that numbered lines arrive in order: each line is the next one or one that was there before.
type sequence struct {
	t     *testing.T
	next  int
	again int
	torn  []string
	want  []byte
}

func (s *sequence) add(line []byte) {
	k, err := strconv.Atoi(string(line[:min(len(line), 9)]))
	s.want = numbered(s.want[:0], k)
	switch {
	case err == nil && bytes.Equal(line, s.want) && k == s.next:
		s.next++
	case err == nil && bytes.Equal(line, s.want) && k < s.next:
		s.again++
	case err == nil && bytes.Equal(line, s.want):
		s.t.Fatalf("line %d came when line %d was due", k, s.next)
	default:
		s.torn = append(s.torn, string(line))
	}
}

// finish checks that all n lines were there, and whether there were more than the ending allows.
func (s *sequence) finish(e ending, n int) {
	s.t.Helper()
	s.t.Logf("%d lines, %d of them again, torn: %q", s.next, s.again, s.torn[:min(len(s.torn), 5)])
	if s.next != n {
		s.t.Errorf("%d of %d lines arrived", s.next, n)
	}
	if s.again > 0 && !e.twice {
		s.t.Errorf("%d lines arrived twice", s.again)
	}
	if len(s.torn) > e.torn {
		s.t.Fatalf("%d lines are broken, at most %d may be", len(s.torn), e.torn)
	}
	for _, line := range s.torn { // what a killed writer leaves is the begin of a line
		k := s.next
		if number, err := strconv.Atoi(line[:min(len(line), 9)]); err == nil && len(line) >= 9 {
			k = number
		}
		if len(line) >= 9 && !strings.HasPrefix(string(numbered(nil, k)), line) {
			s.t.Errorf("%q is no part of a line", line)
		}
	}
}

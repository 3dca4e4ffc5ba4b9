package guesttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// Case is one script of the conformance list (guest-sdk/CONFORMANCE.md).
type Case struct {
	Name, Doc string
	Steps     []Step
}

// Step is one step of a script: exactly one of its kinds.
type Step struct {
	Event  []byte   // hand this event over
	Put    *Message // expect this message
	Commit *Message // expect this commit
	Exit   *int32   // expect the end: 0 well, 1 not
}

// EncodeCases returns the list as the value body that conformance.bin is.
func EncodeCases(cases []Case) ([]byte, error) {
	var list []any
	for _, c := range cases {
		var steps []any
		for _, s := range c.Steps {
			steps = append(steps, s.encode())
		}
		list = append(list, &abi.OrderedMap{Pairs: []abi.Pair{{Key: "name", Value: c.Name}, {Key: "doc", Value: c.Doc},
			{Key: "steps", Value: steps}}})
	}
	v, err := abi.ToValue(list)
	return abi.AppendValueBody(nil, v), err
}

func (s Step) encode() *abi.OrderedMap {
	switch {
	case s.Put != nil:
		return &abi.OrderedMap{Pairs: []abi.Pair{{Key: "put", Value: int32(s.Put.Kind)},
			{Key: "seq", Value: int32(s.Put.Seq)}, {Key: "body", Value: s.Put.Body}}}
	case s.Commit != nil:
		return &abi.OrderedMap{Pairs: []abi.Pair{{Key: "commit", Value: int32(s.Commit.Seq)},
			{Key: "body", Value: s.Commit.Body}}}
	case s.Exit != nil:
		return &abi.OrderedMap{Pairs: []abi.Pair{{Key: "exit", Value: *s.Exit}}}
	}
	return &abi.OrderedMap{Pairs: []abi.Pair{{Key: "event", Value: s.Event}}}
}

// ParseCases reads the list.
func ParseCases(b []byte) ([]Case, error) {
	list, err := abi.ParseValueBody(b)
	if err != nil {
		return nil, fmt.Errorf("read conformance list: %w", err)
	}
	var cases []Case
	for i := range list.Len() {
		v := list.Item(i)
		name, _ := v.Get("name")
		doc, _ := v.Get("doc")
		steps, _ := v.Get("steps")
		c := Case{Name: name.String(), Doc: doc.String()}
		for j := range steps.Len() {
			s, err := parseStep(steps.Item(j))
			if err != nil {
				return nil, fmt.Errorf("read conformance list: %s: step %d: %w", c.Name, j, err)
			}
			c.Steps = append(c.Steps, s)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func parseStep(v abi.Value) (Step, error) {
	body, _ := v.Get("body")
	seq, _ := v.Get("seq")
	if event, ok := v.Get("event"); ok {
		return Step{Event: event.Bytes()}, nil
	}
	if kind, ok := v.Get("put"); ok {
		return Step{Put: &Message{abi.MessageKind(kind.Int32()), uint32(seq.Int32()), body.Bytes()}}, nil
	}
	if seq, ok := v.Get("commit"); ok {
		return Step{Commit: &Message{Seq: uint32(seq.Int32()), Body: body.Bytes()}}, nil
	}
	if exit, ok := v.Get("exit"); ok {
		status := exit.Int32()
		return Step{Exit: &status}, nil
	}
	return Step{}, errors.New("unknown kind")
}

// Player takes a script step by step: what poll, put and commit answer, and whether the guest did what it should.
type Player struct {
	steps  []Step
	at     int
	paused bool
	inputs map[uint32]abi.Batch
	err    error // the first difference
}

// NewPlayer starts a script. A Player is for one goroutine, or behind a lock.
func NewPlayer(c Case) *Player { return &Player{steps: c.Steps, inputs: map[uint32]abi.Batch{}} }

func (p *Player) step() Step {
	if p.at < len(p.steps) {
		return p.steps[p.at]
	}
	return Step{}
}

// Event returns the next event, nil when it is not the guest's turn to get one; Take hands it over.
func (p *Player) Event() []byte { return p.step().Event }

// Take goes on behind the event.
func (p *Player) Take() {
	event, err := abi.ParseEvent(p.step().Event)
	if err != nil {
		p.fail("%v", err)
	}
	switch event.Kind {
	case abi.EventPause, abi.EventResume:
		p.paused = event.Kind == abi.EventPause
	case abi.EventBatch:
		batch, err := abi.ParseBatch(event.Body, nil)
		if err != nil {
			p.fail("%v", err)
		}
		p.inputs[event.Seq] = batch
	}
	p.at++
}

// Ready tells whether the task fd is readable and whether it is writable.
func (p *Player) Ready() (readable, writable bool) {
	s := p.step()
	return s.Event != nil, s.Event == nil && (s.Exit == nil || p.at < len(p.steps)-1)
}

func (p *Player) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("step %d: %s", p.at, fmt.Sprintf(format, args...))
	}
}

// Put compares a message; see CONFORMANCE.md for what it answers. The body must stay as it is.
func (p *Player) Put(m Message) abi.PutStatus {
	s := p.step()
	switch {
	case m.Kind == abi.MessageRecords && p.paused:
		p.fail("RECORDS while paused")
	case s.Event != nil, s.Exit != nil && m.Kind == abi.MessageRecords:
		return abi.PutFull
	case s.Put == nil:
		p.fail("unexpected message of kind %d: %s", m.Kind, TextOfMessage(m, nil))
	default:
		if err := p.compare(*s.Put, m); err != nil {
			p.fail("%v", err)
		}
	}
	p.at++
	return abi.PutTaken
}

// Commit compares a commit.
func (p *Player) Commit(seq uint32, body []byte) abi.PutStatus {
	s := p.step()
	if s.Commit == nil || s.Commit.Seq != seq {
		p.fail("unexpected commit of seq %d", seq)
	} else if want, got := TextOfMessage(*s.Commit, nil), TextOfMessage(Message{Body: body}, nil); want != got {
		p.fail("commit\n got %s\nwant %s", got, want)
	}
	p.at++
	return abi.PutTaken
}

// End tells what became of the script when the guest ended.
func (p *Player) End(failed bool) error {
	s := p.step()
	switch {
	case p.err != nil:
		return p.err
	case s.Exit == nil || p.at != len(p.steps)-1:
		return fmt.Errorf("step %d of %d: the guest ended", p.at, len(p.steps))
	case failed != (*s.Exit != 0):
		return fmt.Errorf("the guest ended with failure %v", failed)
	}
	return nil
}

func (p *Player) compare(want, got Message) error {
	seqFree := want.Kind == abi.MessageManifest || want.Kind == abi.MessageFailed || want.Kind == abi.MessageReconfigure
	if want.Kind != got.Kind || want.Seq != got.Seq && !seqFree {
		return fmt.Errorf("message of kind %d and seq %d (%s), want %d and %d", got.Kind, got.Seq,
			TextOfMessage(got, nil), want.Kind, want.Seq)
	}
	switch want.Kind {
	case abi.MessageRecords, abi.MessageResult:
		return p.compareBatch(want, got)
	case abi.MessageManifest:
		return compareManifest(want.Body, got.Body)
	case abi.MessageFailed:
		return compareFailure(want.Body, got.Body)
	}
	if a, b := TextOfMessage(want, nil), TextOfMessage(got, nil); a != b {
		return fmt.Errorf("message of kind %d\n got %s\nwant %s", want.Kind, b, a)
	}
	return nil
}

func (p *Player) compareBatch(want, got Message) error {
	var ref []byte
	input, isAnswer := p.inputs[want.Seq]
	isAnswer = isAnswer && want.Kind == abi.MessageResult
	if isAnswer {
		ref = input.Data()
	}
	expected, err := abi.ParseBatch(want.Body, nil)
	if err != nil {
		return err
	}
	batch, err := abi.ParseBatch(got.Body, ref)
	if err == nil && isAnswer {
		err = batch.CheckAnswer(&input)
	}
	if err == nil {
		err = batch.ValidateValues()
	}
	if err != nil {
		return err
	}
	if a, b := TextOfBatch(&expected), TextOfBatch(&batch); a != b {
		return fmt.Errorf("batch\n got %s\nwant %s", b, a)
	}
	return compareErrors(&expected, &batch)
}

// compareErrors compares messages; the errors themselves are equal already.
func compareErrors(want, got *abi.Batch) error {
	for i := range want.ErrorCount() {
		w, found := want.Error(i), false
		for j := range got.ErrorCount() {
			g := got.Error(j)
			found = found || g.Record == w.Record && g.Stage == w.Stage && strings.HasPrefix(g.Message, w.Message)
		}
		if !found {
			return fmt.Errorf("no error of record %d with the message %q", int32(w.Record), w.Message)
		}
	}
	return nil
}

func compareManifest(want, got []byte) error {
	w, err := abi.ParseManifest(want)
	if err != nil {
		return err
	}
	g, err := abi.ParseManifest(got)
	if err != nil {
		return err
	}
	if g.ABI != w.ABI || g.SDK == "" || len(g.Plugins) != len(w.Plugins) {
		return fmt.Errorf("manifest of ABI %d, SDK %q with %d plugins, want %d", g.ABI, g.SDK, len(g.Plugins), len(w.Plugins))
	}
	texts := map[string]bool{}
	for _, p := range g.Plugins {
		texts[textOfPlugin(p)] = true
	}
	for _, p := range w.Plugins {
		if !texts[textOfPlugin(p)] {
			return fmt.Errorf("manifest lacks\n%s\nit has %v", textOfPlugin(p), texts)
		}
	}
	return nil
}

func textOfPlugin(p abi.Plugin) string {
	body := abi.Manifest{Plugins: []abi.Plugin{p}}.Encode()
	return TextOfMessage(Message{Body: body}, nil)
}

func compareFailure(want, got []byte) error {
	w, err := abi.ParseFailure(want)
	if err != nil {
		return err
	}
	g, err := abi.ParseFailure(got)
	if err != nil {
		return err
	}
	if w.Code != g.Code || w.Stage != g.Stage || w.Record != g.Record || !strings.HasPrefix(g.Message, w.Message) {
		return fmt.Errorf("failure\n got %+v\nwant %+v", g, w)
	}
	return nil
}

// playLimit ends a case whose guest does nothing; a case that goes well never comes near it.
const playLimit = 10 * time.Second

// Play plays one case natively and returns how the plugins differ from it.
func Play(c Case, plugins ...guest.Plugin) error {
	player := NewPlayer(c)
	host := newHost(player)
	watchdog := time.AfterFunc(playLimit, host.close)
	defer watchdog.Stop()
	err := guest.RunOn(context.Background(), host, plugins...)
	host.close()
	host.mu.Lock()
	defer host.mu.Unlock()
	if problem := player.End(err != nil); problem != nil {
		return fmt.Errorf("%s: %w (instance: %v)", c.Name, problem, err)
	}
	return nil
}

package guesttest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest/kit"
)

var update = flag.Bool("update", false, "write the conformance list anew from its cases")

const listFile = "../../../testdata/abi/conformance.bin"

// TestConformance plays the list as it stands in testdata, as every other SDK does.
func TestConformance(t *testing.T) {
	if *update {
		writeList(t)
	}
	list, err := os.ReadFile(listFile)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := ParseCases(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != len(allCases()) {
		t.Fatalf("the list has %d cases, the source %d: run with -update", len(cases), len(allCases()))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := Play(c, kit.Plugins()...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheListIsUpToDate(t *testing.T) {
	want, err := EncodeCases(allCases())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(listFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s differs from its cases (%v): run with -update", filepath.Base(listFile), err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(listFile, "bin") + "txt")
	if err != nil || string(text) != textOfCases(allCases()) {
		t.Fatalf("its text differs from its cases (%v): run with -update", err)
	}
}

// TestThePlayerNotices breaks each expectation of the list and wants the case to fail.
func TestThePlayerNotices(t *testing.T) {
	for _, c := range allCases() {
		for i, s := range c.Steps {
			broken := c
			broken.Steps = append([]Step(nil), c.Steps...)
			switch {
			case s.Put != nil:
				m := *s.Put
				m.Kind = m.Kind%8 + 1
				broken.Steps[i].Put = &m
			case s.Commit != nil:
				m := *s.Commit
				m.Seq++
				broken.Steps[i].Commit = &m
			default:
				continue
			}
			if Play(broken, kit.Plugins()...) == nil {
				t.Errorf("%s: a wrong step %d went unnoticed", c.Name, i)
			}
		}
	}
}

func writeList(t *testing.T) {
	t.Helper()
	list, err := EncodeCases(allCases())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(listFile), 0o755)
	}
	if err == nil {
		err = os.WriteFile(listFile, list, 0o644)
	}
	if err == nil {
		err = os.WriteFile(strings.TrimSuffix(listFile, "bin")+"txt", []byte(textOfCases(allCases())), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// textOfCases is the list for readers.
func textOfCases(cases []Case) string {
	var s strings.Builder
	s.WriteString("The conformance list, for readers; guest-sdk/CONFORMANCE.md says what it is and how it is played.\n")
	for _, c := range cases {
		fmt.Fprintf(&s, "\n== %s\n%s\n", c.Name, c.Doc)
		for _, step := range c.Steps {
			s.WriteString(textOfStep(step))
		}
	}
	return s.String()
}

func textOfStep(s Step) string {
	switch {
	case s.Put != nil:
		body := indent(TextOfMessage(*s.Put, nil)) + messages(*s.Put)
		return fmt.Sprintf("put kind=%d seq=%d\n%s", s.Put.Kind, s.Put.Seq, body)
	case s.Commit != nil:
		return fmt.Sprintf("commit seq=%d\n%s", s.Commit.Seq, indent(TextOfMessage(*s.Commit, nil)))
	case s.Exit != nil:
		return fmt.Sprintf("exit %d\n", *s.Exit)
	}
	e, err := abi.ParseEvent(s.Event)
	if err != nil {
		return err.Error()
	}
	m := Message{Body: e.Body}
	if e.Kind == abi.EventBatch {
		m.Kind = abi.MessageRecords
	}
	return fmt.Sprintf("event kind=%d seq=%d\n%s", e.Kind, e.Seq, indent(TextOfMessage(m, nil)))
}

// messages lists the messages of a batch's errors, which TextOfBatch leaves out.
func messages(m Message) string {
	if m.Kind != abi.MessageResult && m.Kind != abi.MessageRecords {
		return ""
	}
	b, err := abi.ParseBatch(m.Body, nil)
	if err != nil {
		return indent(err.Error())
	}
	var s strings.Builder
	for i := range b.ErrorCount() {
		fmt.Fprintf(&s, "    message of record %d: %q\n", int32(b.Error(i).Record), b.Error(i).Message)
	}
	return s.String()
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n" }

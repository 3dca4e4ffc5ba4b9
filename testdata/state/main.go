// Program state plays recordings of what Kafka Connect keeps in its state topics and says in its group, in files whose
// README tells their format, through the parts of the worker that do the same:
//
//	state [-disputed FILE] DIR [CASE]
//
// CASE, as takeover/healthy, is the only one to play then; without the slash all of that file or folder.
//
// Each step of a topics-*.jsonl is a case: workers on fresh topics must write what was recorded. A worker taking over
// must answer as recorded and write the same last values.
//
// It prints a line for each recorded case that came out otherwise, and "N passed, N failed" at the end. It exits with 1
// if any failed; with -disputed, which names a text with cases in it, as `takeover healthy`, if others than these
// failed. Files of DIR that it can't play are named on the standard error.
package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/berth-connect/berth/cluster/group/grouptest"
	"github.com/berth-connect/berth/testdata/disputed"
)

// recording is a file of DIR, or a folder, and how its cases are played.
type recording struct {
	name string                                     // or a pattern
	play func(path, only string) ([]outcome, error) // only: the case that is wanted; "" wants all
}

func (r recording) has(name string) bool {
	matches, _ := filepath.Match(r.name, name) // the patterns are ours
	return matches
}

// outcome is that of a case; failure is "" if it came out as recorded.
type outcome struct{ id, failure string }

var recordings = []recording{
	{"protocol.jsonl", eachLine(grouptest.CheckProtocol)},
	{"assignor.jsonl", eachLine(grouptest.CheckAssignor)},
	{"readers.jsonl", eachSubtest("./cluster/store", "Test(Config|Status|Offset)ReaderVectors")},
	{"takeover", playTakeovers},
	{"signatures.jsonl", eachSubtest("./cluster/sessionkey", "TestRecordedSignatures")},
	{"topics-*.jsonl", playScenario},
	{"trace", eachRequest("group.jsonl", grouptest.PlayTrace)},
	{"mixed", eachRequest("mixed.jsonl", grouptest.PlayMixed)},
}

func main() {
	flags := flag.NewFlagSet("state", flag.ExitOnError)
	o := options{out: os.Stdout, notes: os.Stderr}
	flags.StringVar(&o.disputed, "disputed", "", "a text with the cases that must fail")
	_ = flags.Parse(os.Args[1:]) // it exits
	if flags.NArg() != 1 && flags.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: state [-disputed FILE] DIR [CASE]")
		os.Exit(2)
	}
	o.dir, o.wanted = flags.Arg(0), flags.Arg(1)
	asExpected, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "state:", err)
		os.Exit(2)
	}
	if !asExpected {
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	dir, wanted string // wanted: a case; "": all
	disputed    string // a file; "": nothing is
	out, notes  io.Writer
}

// playedAtOnce is how many files are played at the same time: most of that is waiting for workers.
const playedAtOnce = 4

// run plays what there is, or the one case of it, and tells whether those cases failed that were expected to. Errors: a
// file that can't be read, nothing to play.
func run(o options) (asExpected bool, err error) {
	expected, err := disputed.Names(o.disputed, nameForm)
	if err != nil {
		return false, err
	}
	files, err := o.files()
	if err != nil {
		return false, err
	}
	_, only, _ := strings.Cut(o.wanted, "/")
	outcomes := make([][]outcome, len(files))
	var playing errgroup.Group
	playing.SetLimit(playedAtOnce)
	for i, f := range files {
		playing.Go(func() (err error) {
			if outcomes[i], err = f.play(filepath.Join(o.dir, f.name), only); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			return nil
		})
	}
	if err := playing.Wait(); err != nil {
		return false, err
	}
	passed, failed, asExpected := 0, 0, true
	for i, f := range files {
		for _, result := range outcomes[i] {
			isDisputed := expected[result.name(f.name)]
			asExpected = asExpected && (result.failure != "") == isDisputed
			switch {
			case result.failure != "":
				failed++
				fmt.Fprintf(o.out, "%s %s: %s\n", f.name, result.id, result.failure)
				continue
			case isDisputed:
				fmt.Fprintf(o.out, "%s %s: passed, although %s disputes it\n", f.name, result.id, o.disputed)
			}
			passed++
		}
	}
	if passed+failed == 0 {
		return false, fmt.Errorf("%s holds no recordings %s", o.dir, o.wanted)
	}
	fmt.Fprintf(o.out, "%d passed, %d failed\n", passed, failed)
	return asExpected, nil
}

// files are those that are wanted, each by its own name; it notes what nothing plays.
func (o options) files() (files []recording, err error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, err
	}
	wanted, _, _ := strings.Cut(o.wanted, "/")
	for _, entry := range entries {
		if wanted != "" && entry.Name() != wanted {
			continue
		}
		at := slices.IndexFunc(recordings, func(r recording) bool { return r.has(entry.Name()) })
		if at < 0 {
			noteUnplayed(entry, o.notes)
			continue
		}
		files = append(files, recording{entry.Name(), recordings[at].play})
	}
	return files, nil
}

// name is how a text names a case: by its file, without what says in words what the case is about.
func (o outcome) name(file string) string {
	id, _, _ := strings.Cut(o.id, " (")
	return strings.TrimSuffix(file, ".jsonl") + " " + id
}

// nameForm is how a text names a case.
const nameForm = "[a-z-]+ [^`]+"

func noteUnplayed(entry fs.DirEntry, notes io.Writer) {
	if entry.IsDir() || filepath.Ext(entry.Name()) == ".jsonl" {
		fmt.Fprintln(notes, "not played:", entry.Name())
	}
}

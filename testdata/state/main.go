// Program state plays recordings of what Kafka Connect keeps in its state topics and says in its group, in files whose
// README tells their format, through the parts of the worker that do the same:
//
//	state DIR [CASE]
//
// CASE, as takeover/healthy, is the only one to play then; without the slash all of that file or folder.
//
// Each step of a topics-*.jsonl is a case: workers on fresh topics must write what was recorded. Connect's file source
// counts characters and skips bytes, so its positions in a file beyond ASCII are not Berth's; and its reset writes
// tombstones to keys that it has not stored. Both stay failures.
//
// A worker taking over must answer as recorded and write the same last values, but for tasks-fencing records: Berth has
// no transactional source tasks.
//
// It prints a line for each recorded case that came out otherwise, and "N passed, N failed" at the end; it exits with 1
// if any failed. Files of DIR that it can't play are named on the standard error.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berth-connect/berth/cluster/group/grouptest"
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
}

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: state DIR [CASE]")
		os.Exit(2)
	}
	failed, err := run(os.Args[1], strings.Join(os.Args[2:], ""), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "state:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run plays what dir has, or the one case of it. Errors: a file that can't be read, nothing to play.
func run(dir, wanted string, out, notes io.Writer) (failed int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	passed := 0
	file, only, _ := strings.Cut(wanted, "/")
	for _, entry := range entries {
		if file != "" && entry.Name() != file {
			continue
		}
		at := slices.IndexFunc(recordings, func(r recording) bool { return r.has(entry.Name()) })
		if at < 0 {
			noteUnplayed(entry, notes)
			continue
		}
		outcomes, err := recordings[at].play(filepath.Join(dir, entry.Name()), only)
		if err != nil {
			return failed, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		for _, o := range outcomes {
			if o.failure == "" {
				passed++
				continue
			}
			failed++
			fmt.Fprintf(out, "%s %s: %s\n", entry.Name(), o.id, o.failure)
		}
	}
	if passed+failed == 0 {
		return 0, fmt.Errorf("%s holds no recordings %s", dir, wanted)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	return failed, nil
}

func noteUnplayed(entry fs.DirEntry, notes io.Writer) {
	if entry.IsDir() || filepath.Ext(entry.Name()) == ".jsonl" {
		fmt.Fprintln(notes, "not played:", entry.Name())
	}
}

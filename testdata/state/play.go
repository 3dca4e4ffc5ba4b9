package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berth-connect/berth/cluster/group/grouptest"
)

// lineBytesMax is the length of a recorded line at most.
const lineBytesMax = 64 << 20

// eachLine plays a file whose lines are cases with an id.
func eachLine(check func(line []byte) error) func(path, only string) ([]outcome, error) {
	return func(path, only string) ([]outcome, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		var outcomes []outcome
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, lineBytesMax)
		for lines.Scan() {
			if len(bytes.TrimSpace(lines.Bytes())) > 0 {
				outcomes = append(outcomes, checkLine(check, lines.Bytes()))
			}
		}
		return chosen(outcomes, only), lines.Err()
	}
}

func checkLine(check func(line []byte) error, line []byte) (o outcome) {
	var said struct{ ID json.Number }
	if err := json.Unmarshal(line, &said); err != nil {
		return outcome{"?", "no JSON: " + err.Error()}
	}
	o.id = said.ID.String()
	defer func() {
		if r := recover(); r != nil { // a case that breaks the program has failed, the others have not
			o.failure = fmt.Sprint(r)
		}
	}()
	if err := check(line); err != nil {
		o.failure = strings.Join(strings.Fields(err.Error()), " ")
	}
	return o
}

// eachRequest plays a file of a folder whose cases are what members of the group said.
func eachRequest(file string, play func([]byte) ([]grouptest.Played, error)) func(dir, only string) ([]outcome, error) {
	return func(dir, only string) ([]outcome, error) {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		played, err := play(text)
		if err != nil {
			return nil, err
		}
		var outcomes []outcome
		for _, request := range played {
			o := outcome{id: request.ID}
			if request.Err != nil {
				o.failure = strings.Join(strings.Fields(request.Err.Error()), " ")
			}
			outcomes = append(outcomes, o)
		}
		return chosen(outcomes, only), nil
	}
}

// testEvent is a line that go test -json prints.
type testEvent struct{ Action, Test, Output string }

// eachSubtest plays a file with a package's own tests, which have a subtest for each line.
func eachSubtest(pkg, tests string) func(path, only string) ([]outcome, error) {
	return func(path, only string) ([]outcome, error) {
		material, err := os.MkdirTemp("", "state")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(material) }()
		folder, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		if err := os.Symlink(folder, filepath.Join(material, "state")); err != nil {
			return nil, err
		}
		command := exec.Command("go", "test", "-count=1", "-json", "-run", "^("+tests+")$", pkg)
		command.Env = append(os.Environ(), "BERTH_CONFORMANCE="+material)
		printed, err := command.Output()
		outcomes := readEvents(printed)
		failed := slices.ContainsFunc(outcomes, func(o outcome) bool { return o.failure != "" })
		if len(outcomes) == 0 || err != nil && !failed {
			return nil, fmt.Errorf("go test %s did not get through: %v\n%s", pkg, err, printed)
		}
		return chosen(outcomes, only), nil
	}
}

// chosen leaves the wanted case.
func chosen(outcomes []outcome, only string) []outcome {
	return slices.DeleteFunc(outcomes, func(o outcome) bool { return only != "" && o.id != only })
}

// readEvents makes an outcome of each subtest.
func readEvents(printed []byte) (outcomes []outcome) {
	said := map[string][]string{}
	for line := range bytes.Lines(printed) {
		var event testEvent
		if json.Unmarshal(line, &event) != nil {
			continue // what the compiler says
		}
		_, name, isCase := strings.Cut(event.Test, "/")
		if !isCase {
			continue
		}
		switch event.Action {
		case "output":
			text := strings.TrimSpace(event.Output)
			if !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
				said[event.Test] = append(said[event.Test], text)
			}
		case "pass":
			outcomes = append(outcomes, outcome{id: name})
		case "fail":
			outcomes = append(outcomes, outcome{name, strings.Join(append(said[event.Test], "(failed)"), " ")})
		}
	}
	return outcomes
}

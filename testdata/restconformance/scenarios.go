package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// scenario is a recorded file; the replayer reads the rest of it.
type scenario struct {
	file    string
	Profile string
	Steps   []json.RawMessage
}

// readScenarios returns the scenarios of a folder by profile; names chooses among them.
func readScenarios(folder string, names []string) (map[string][]scenario, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		files = nil
		for _, name := range names {
			files = append(files, filepath.Join(folder, name+".json"))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no scenarios (*.json)", folder)
	}
	slices.Sort(files)
	groups := map[string][]scenario{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s := scenario{file: file}
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("read scenario %s: %w", file, err)
		}
		groups[s.Profile] = append(groups[s.Profile], s)
	}
	return groups, nil
}

func steps(scenarios []scenario) int {
	n := 0
	for _, s := range scenarios {
		n += len(s.Steps)
	}
	return n
}

// count is how many steps passed and failed.
type count struct{ passed, failed int }

func (c count) String() string { return fmt.Sprintf("%d passed, %d failed", c.passed, c.failed) }

func (c count) plus(other count) count {
	return count{c.passed + other.passed, c.failed + other.failed}
}

// patience stretches the replayer's waiting, for machines that do more at a time.
const patience = "2"

var closing = regexp.MustCompile(`(?m)^(\d+) passed, (\d+) failed\s*\z`)

// replay runs the replayer, prints what it says of failures, and returns its counts.
func replay(ctx context.Context, replayer string, args []string, scenarios []scenario) (count, error) {
	args = append([]string{replayer, "--patience", patience}, args...)
	for _, s := range scenarios {
		args = append(args, s.file)
	}
	cmd := exec.CommandContext(ctx, "python3", args...)
	cmd.Stderr = os.Stderr
	said, err := cmd.Output()
	if ctx.Err() != nil {
		return count{}, ctx.Err()
	}
	found := closing.FindSubmatchIndex(said)
	if found == nil {
		return count{}, errors.Join(fmt.Errorf("the replayer counted nothing:\n%s", said), err)
	}
	fmt.Print(string(said[:found[0]]))
	passed, _ := strconv.Atoi(string(said[found[2]:found[3]]))
	failed, _ := strconv.Atoi(string(said[found[4]:found[5]]))
	return count{passed, failed}, nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// scenario is a recorded life of workers on fresh state topics: steps, and what each left in the topics.
type scenario struct {
	Name      string            `json:"name"`
	Topics    map[string]string `json:"topics"` // config, offset and status
	described []topicLine
	steps     []step
	records   map[string][]recorded // by topic, as its partitions hold them
	committed groupLine

	transactions transactionLine
}

// topicLine is a topic as the worker made it.
type topicLine struct {
	Topic      string
	Partitions int
	Configs    map[string]string // that are not the broker's
}

// step is a request to a worker, or another event.
type step struct {
	Number     int                `json:"step"`
	What       string             `json:"what"` // of an event
	Worker     string             `json:"worker"`
	Properties map[string]string  `json:"properties"`
	Method     string             `json:"method"`
	Path       string             `json:"path"`
	Body       json.RawMessage    `json:"body"`
	Status     int                `json:"status"`
	Response   any                `json:"response"`
	Ends       map[string][]int64 `json:"end_offsets_after"` // by topic and partition
}

// groupLine tells what the consumer group of a sink had committed in the end, by "topic-partition".
type groupLine struct {
	Group     string
	Committed map[string]int64
}

// transactionLine tells the transactional ids of the group in the end.
type transactionLine struct {
	Transactions []struct {
		ID string `json:"transactional_id"`
	}
}

// playScenario plays a file, each step of which is a case.
func playScenario(path, only string) ([]outcome, error) {
	tmp, err := os.MkdirTemp("", "berth-topics-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	program, err := buildWorker(tmp)
	if err != nil {
		return nil, err
	}
	if err := buildGolden(filepath.Join(tmp, "plugins")); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	home := filepath.Join(tmp, "home")
	s, err := readScenario(string(text), home)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	bootstrap, stop, err := startBroker(filepath.Join(tmp, "kafka"))
	if err != nil {
		return nil, err
	}
	defer stop()
	p, err := newPlayer(ctx, s, program, home, bootstrap)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return chosen(p.play(ctx), only), nil
}

func buildWorker(dir string) (program string, err error) {
	program = filepath.Join(dir, "berth")
	if said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build berth: %w: %s", err, said)
	}
	return program, nil
}

func buildGolden(dir string) error {
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", filepath.Join(dir, "golden.wasm"),
		"./testdata/guests/golden")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the golden connector: %w: %s", err, said)
	}
	return nil
}

func readScenario(text, home string) (s scenario, err error) {
	s.records = map[string][]recorded{}
	for line := range strings.Lines(text) {
		var kind struct{ Type, Topic string }
		raw := []byte(rootedIn(home, line))
		if err := json.Unmarshal(raw, &kind); err != nil {
			return s, err
		}
		switch kind.Type {
		case "scenario":
			err = json.Unmarshal(raw, &s)
		case "topic":
			s.described, err = appendLine(s.described, raw)
		case "event", "rest":
			s.steps, err = appendLine(s.steps, raw)
		case "record":
			s.records[kind.Topic], err = appendLine(s.records[kind.Topic], raw)
		case "group_offsets":
			err = json.Unmarshal(raw, &s.committed)
		case "transactions":
			err = json.Unmarshal(raw, &s.transactions)
		}
		if err != nil {
			return s, fmt.Errorf("line of type %s: %w", kind.Type, err)
		}
	}
	return s, nil
}

func appendLine[T any](lines []T, raw []byte) ([]T, error) {
	var line T
	err := json.Unmarshal(raw, &line)
	return append(lines, line), err
}

// Command restconformance holds a worker's REST API against recorded exchanges of Kafka Connect: it starts a worker for
// each profile that the scenarios of a folder need, has the folder's replayer play them, and adds the counts up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/berth-connect/berth/testdata/disputed"
)

func main() {
	var s setting
	var only, disputes string
	flag.StringVar(&s.berth, "berth", "", "the program")
	flag.StringVar(&s.bootstrap, "kafka", "", "HOST:PORT of a Kafka")
	flag.StringVar(&s.plugins, "plugins", "", "the folder with the test connectors' module")
	flag.StringVar(&s.dir, "dir", "", "a folder for the workers' files; logs stay there")
	flag.StringVar(&only, "profiles", "", "a list of profiles, by comma; none: all")
	flag.StringVar(&disputes, "disputed", "", "a text with the steps that must fail, as `create-delete #3`; no others may")
	flag.Parse()
	if s.berth == "" || s.bootstrap == "" || s.plugins == "" || s.dir == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	total, err := run(ctx, s, flag.Args(), only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	unexpected, err := total.unexpected(disputes)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, line := range unexpected {
		fmt.Println(line)
	}
	fmt.Println(total)
	if len(unexpected) > 0 || total.passed == 0 {
		os.Exit(1)
	}
}

// stepForm is how a text names a step.
const stepForm = "[a-z-]+ #[0-9]+"

// unexpected tells of steps that failed and are not disputed in a file, and the other way round in scenarios that were
// played.
func (c count) unexpected(file string) (lines []string, err error) {
	expected, err := disputed.Names(file, stepForm)
	if err != nil {
		return nil, err
	}
	for _, step := range slices.Sorted(maps.Keys(expected)) {
		scenario, _, _ := strings.Cut(step, " ")
		if slices.Contains(c.played, scenario) && !slices.Contains(c.failures, step) {
			lines = append(lines, fmt.Sprintf("%s is disputed in %s, and has not failed", step, file))
		}
	}
	for _, step := range c.failures {
		if !expected[step] {
			lines = append(lines, step+" has failed and is not disputed")
		}
	}
	if more := c.failed - len(c.failures); more > 0 {
		lines = append(lines, fmt.Sprintf("%d steps were not played", more))
	}
	return lines, nil
}

// run plays all scenarios of a folder, or of the files named after it, profile by profile.
func run(ctx context.Context, s setting, args []string, only string) (count, error) {
	groups, err := readScenarios(args[0], args[1:])
	if err != nil {
		return count{}, err
	}
	replayer := filepath.Join(args[0], "replay")
	var total count
	for _, p := range profiles {
		scenarios := groups[p.name]
		delete(groups, p.name)
		if len(scenarios) == 0 || only != "" && !listed(only, p.name) {
			continue
		}
		got, err := p.play(ctx, s, replayer, scenarios)
		if errors.Is(err, context.Canceled) {
			return total, err
		}
		if err != nil { // a worker that does not even start has failed all that it was to answer
			fmt.Printf("%s: %v\n", p.name, err)
			got = count{failed: steps(scenarios)}
		}
		fmt.Printf("%s: %s\n", p.name, got)
		total = total.plus(got)
	}
	for name, scenarios := range groups {
		fmt.Printf("%s: no worker has this profile\n", name)
		total.failed += steps(scenarios)
	}
	return total, nil
}

func listed(list, name string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(item) == name {
			return true
		}
	}
	return false
}

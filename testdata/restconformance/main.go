// Command restconformance holds a worker's REST API against recorded exchanges of Kafka Connect: it starts a worker for
// each profile that the scenarios of a folder need, has the folder's replayer play them, and adds the counts up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	var s setting
	var only string
	flag.StringVar(&s.berth, "berth", "", "the program")
	flag.StringVar(&s.bootstrap, "kafka", "", "HOST:PORT of a Kafka")
	flag.StringVar(&s.plugins, "plugins", "", "the folder with the test connectors' module")
	flag.StringVar(&s.dir, "dir", "", "a folder for the workers' files; logs stay there")
	flag.StringVar(&only, "profiles", "", "a list of profiles, by comma; none: all")
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
	fmt.Println(total)
	if total.failed > 0 || total.passed == 0 {
		os.Exit(1)
	}
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

// Program vectors plays recorded answers of Kafka Connect, in files *.jsonl whose format their README tells, through
// the parts of the worker that give the same answers, and says which differ:
//
//	vectors [-v] [-stock FILE] [-probe FILE] [-disputed FILE] DIR
//
// It prints a line for each vector that failed and "N passed, N failed" at the end, and exits with 1 if any failed. A
// vector that can't be played has failed. -v prints a table by file, too. With -disputed, which names a text with the
// ids of vectors that Berth answers otherwise for a reason, it exits with 1 if others failed or some of those passed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/berth-connect/berth/testdata/disputed"
)

func main() {
	flags := flag.NewFlagSet("vectors", flag.ExitOnError)
	verbose := flags.Bool("v", false, "print a table by file, too")
	stock := flags.String("stock", filepath.Join("modules", "stock.wasm"), "the bundled module")
	probe := flags.String("probe", "", "the module that answers what no plugin is asked, see testdata/scripts/vectors.sh")
	disputed := flags.String("disputed", "", "a text with the ids of vectors that may fail")
	_ = flags.Parse(os.Args[1:]) // it exits on errors
	if flags.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: vectors [-v] [-stock FILE] [-probe FILE] [-disputed FILE] DIR")
		os.Exit(2)
	}
	asExpected, err := run(context.Background(), options{dir: flags.Arg(0), modules: modules{*stock, *probe},
		disputed: *disputed, verbose: *verbose}, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(2)
	}
	if !asExpected {
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	dir      string
	modules  modules
	disputed string // a file; "": none is
	verbose  bool
}

// modules names the files of the modules that answer.
type modules struct{ stock, probe string }

// run plays and prints; it tells whether those vectors failed that were expected to.
func run(ctx context.Context, o options, out io.Writer) (asExpected bool, err error) {
	all, err := readVectors(o.dir)
	if err != nil {
		return false, err
	}
	expected, err := disputed.Names(o.disputed, idForm)
	if err != nil {
		return false, err
	}
	log := slog.New(slog.DiscardHandler)
	w, err := newWorkers(ctx, o.modules, zonesOf(all), log)
	if err != nil {
		return false, err
	}
	defer w.close(context.WithoutCancel(ctx))
	outcomes := play(ctx, all, w.families())
	failed, asExpected := 0, true
	for _, v := range all {
		id := v.text("id")
		asExpected = asExpected && (outcomes[v] != "") == expected[id]
		switch {
		case outcomes[v] != "":
			failed++
			fmt.Fprintf(out, "%s (%s): %s\n", id, v.text("note"), outcomes[v])
		case expected[id]:
			fmt.Fprintf(out, "%s (%s): passed, although %s disputes it\n", id, v.text("note"), o.disputed)
		}
	}
	if o.verbose {
		printTable(out, all, outcomes)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", len(all)-failed, failed)
	return asExpected, nil
}

// idForm is how a text names a vector.
const idForm = "[A-Za-z-]+-[0-9a-f]{10}"

func printTable(out io.Writer, all []*vector, outcomes map[*vector]string) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "passed\tfailed\tfile\t")
	var files []string
	counts := map[string][2]int{}
	for _, v := range all {
		if !slices.Contains(files, v.file) {
			files = append(files, v.file)
		}
		c := counts[v.file]
		if outcomes[v] == "" {
			c[0]++
		} else {
			c[1]++
		}
		counts[v.file] = c
	}
	for _, file := range files {
		fmt.Fprintf(table, "%d\t%d\t%s\t\n", counts[file][0], counts[file][1], file)
	}
	_ = table.Flush() // what can't be written to standard output can't be said either
}

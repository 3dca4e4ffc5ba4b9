// Program vectors plays recorded answers of Kafka Connect, in files *.jsonl whose format their README tells, through
// the parts of the worker that give the same answers, and says which differ:
//
//	vectors [-v] [-stock FILE] [-probe FILE] DIR
//
// It prints a line for each vector that failed and "N passed, N failed" at the end, and exits with 1 if any failed. A
// vector that can't be played has failed. -v prints a table by file, too.
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
)

func main() {
	flags := flag.NewFlagSet("vectors", flag.ExitOnError)
	verbose := flags.Bool("v", false, "print a table by file, too")
	stock := flags.String("stock", filepath.Join("modules", "stock.wasm"), "the bundled module")
	probe := flags.String("probe", "", "the module that answers what no plugin is asked, see testdata/scripts/vectors.sh")
	_ = flags.Parse(os.Args[1:]) // it exits on errors
	if flags.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: vectors [-v] [-stock FILE] [-probe FILE] DIR")
		os.Exit(2)
	}
	failed, err := run(context.Background(), flags.Arg(0), modules{*stock, *probe}, *verbose, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// modules names the files of the modules that answer.
type modules struct{ stock, probe string }

func run(ctx context.Context, dir string, m modules, verbose bool, out io.Writer) (failed int, err error) {
	all, err := readVectors(dir)
	if err != nil {
		return 0, err
	}
	log := slog.New(slog.DiscardHandler)
	w, err := newWorkers(ctx, m, log)
	if err != nil {
		return 0, err
	}
	defer w.close(context.WithoutCancel(ctx))
	outcomes := play(ctx, all, w.families())
	for _, v := range all {
		if outcomes[v] != "" {
			failed++
			fmt.Fprintf(out, "%s (%s): %s\n", v.text("id"), v.text("note"), outcomes[v])
		}
	}
	if verbose {
		printTable(out, all, outcomes)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", len(all)-failed, failed)
	return failed, nil
}

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

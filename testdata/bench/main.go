// Command bench compares Berth with a bare client loop on a real Kafka, in processor seconds per million records.
//
// P1 moves lines of 100 bytes from a file to a topic, P2 from a topic to a file; converters are StringConverter,
// client settings are Connect's defaults. Systems take turns; a repeat whose output differs from the input by a byte is
// an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"
)

type options struct {
	bootstrap, program, dir string
	records, repeats        int
}

func main() {
	var o options
	flag.StringVar(&o.bootstrap, "bootstrap", "127.0.0.1:9092", "a Kafka broker")
	flag.StringVar(&o.program, "berth", "bin/berth", "the program under test")
	flag.StringVar(&o.dir, "dir", "", "a folder for the files")
	flag.IntVar(&o.records, "records", 2_000_000, "records of a repeat")
	flag.IntVar(&o.repeats, "repeats", 3, "repeats of each system")
	flag.Parse()
	if err := run(o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, args []string) error {
	if len(args) > 0 && args[0] == "floor" {
		return runFloor(o.bootstrap, args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	kafka, err := connectBroker(o.bootstrap)
	if err != nil {
		return err
	}
	defer kafka.close()
	prefix := "bench-" + strconv.FormatInt(time.Now().UnixMilli(), 36) + "-"
	b := &bench{options: o, kafka: kafka, prefix: prefix, input: filepath.Join(o.dir, "input.txt")}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Printf("%d records a repeat, %d repeats, load before: %s\n\n", o.records, o.repeats, loadAverage())
	fmt.Println("|                  | CPU s per million records   | thousand records/s         |")
	fmt.Println("|                  |   min |   med |   max |    min |    med |    max |")
	fmt.Println("|------------------|------:|------:|------:|-------:|-------:|-------:|")
	err = errors.Join(b.pipeline(ctx, "P1", b.sourceRepeat), b.pipeline(ctx, "P2", b.sinkRepeat))
	fmt.Println("\nload after:", loadAverage())
	return errors.Join(err, kafka.deleteTopics(context.WithoutCancel(ctx), prefix))
}

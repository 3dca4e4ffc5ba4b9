// Command bench compares Berth with a bare client loop, and with the JVM worker where there is one, on a real Kafka:
// in processor seconds per million records (bench speed), and in what a worker costs that has little to do (bench
// footprint), many tenants (bench tenants) or a candidate beside a live transformation (bench shadow).
//
// Systems take turns; a repeat whose output differs from the input by a byte is an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"
)

type options struct {
	bootstrap, program, dir, plugins, table, pipelines, jvm string
	records, repeats, brokerPID, tenantCount                int
	connectors                                              string
	jvmWarmUp, idleTime, latencyTime                        time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.bootstrap, "bootstrap", "127.0.0.1:9092", "a Kafka broker")
	flag.IntVar(&o.brokerPID, "broker-pid", 0, "the broker's process, to show its processor time apart")
	flag.StringVar(&o.program, "berth", "bin/berth", "the program under test")
	flag.StringVar(&o.jvm, "jvm", "", "class path of the JVM worker; none leaves it out")
	flag.DurationVar(&o.jvmWarmUp, "jvm-warm-up", time.Minute, "how long the JVM worker runs before it is measured")
	flag.StringVar(&o.dir, "dir", "", "a folder for the files")
	flag.StringVar(&o.plugins, "plugins", "", "the folder with the module of P4's source")
	flag.StringVar(&o.table, "table", "", "a file that gets the table, too")
	flag.StringVar(&o.pipelines, "pipelines", "", `names of pipelines, like "P1 P2"; none are all`)
	flag.IntVar(&o.records, "records", 1_000_000, "records of a repeat")
	flag.IntVar(&o.repeats, "repeats", 3, "repeats of each system")
	flag.StringVar(&o.connectors, "connectors", "0 1 10 100", "numbers of idle connectors")
	flag.IntVar(&o.tenantCount, "tenants", 100, "tenants of the worker that has many")
	flag.DurationVar(&o.idleTime, "idle", 15*time.Second, "how long idle CPU is measured")
	flag.DurationVar(&o.latencyTime, "latency", 20*time.Second, "how long latency is measured")
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
	out, closeTable, err := openTable(o.table)
	if err != nil {
		return err
	}
	kafka, err := connectBroker(o.bootstrap)
	if err != nil {
		return err
	}
	defer kafka.close()
	b := &bench{options: o, kafka: kafka, prefix: "bench-" + strconv.FormatInt(time.Now().UnixMilli(), 36) + "-"}
	switch {
	case len(args) == 1 && args[0] == "speed":
		err = b.speed(ctx, out)
	case len(args) == 1 && args[0] == "footprint":
		err = b.footprint(ctx, out)
	case len(args) == 1 && args[0] == "tenants":
		err = b.tenants(ctx, out)
	case len(args) == 1 && args[0] == "shadow":
		err = b.shadows(ctx, out)
	default:
		err = fmt.Errorf("%q is none of speed, footprint, tenants, shadow, floor", args)
	}
	return errors.Join(err, closeTable(), kafka.deleteTopics(context.WithoutCancel(ctx), b.prefix))
}

// openTable is the terminal and, where one is asked for, a file.
func openTable(path string) (io.Writer, func() error, error) {
	if path == "" {
		return os.Stdout, func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	return io.MultiWriter(os.Stdout, f), f.Close, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	options
	kafka  *broker
	prefix string // of all names of this run, so that a broker may be used again
	named  int
}

// name is a fresh one.
func (b *bench) name(what string) string {
	b.named++
	return fmt.Sprintf("%s%s-%d", b.prefix, what, b.named)
}

// floorOffsets is where the bare loop stores its position.
func (b *bench) floorOffsets() string { return b.prefix + "floor-offsets" }

// system is one of those that take turns: a connector in a worker, or the floor, whose worker is nil and which is a
// process per repeat.
type system struct {
	name   string
	worker *worker
	classes
	tuned   bool
	warmUp  warmUp // before the repeats; none for the floor, and none where a worker is warm already
	cold    *figure
	repeats []figure
}

// warmUp is over when either is reached; the first repeat of it is the cold one.
type warmUp struct {
	time    time.Duration
	records int
}

// contest runs one pipeline and returns its rows.
func (b *bench) contest(ctx context.Context, p pipeline) (rows []series, err error) {
	f, drop, err := b.prepare(ctx, p)
	defer func() { err = errors.Join(err, drop()) }()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	systems, stop, err := b.systems(ctx, p)
	defer stop()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	for _, s := range systems {
		if err := b.warm(ctx, f, s); err != nil {
			return nil, fmt.Errorf("%s, warming up %s: %w", p.name, s.name, err)
		}
	}
	for i := range b.repeats {
		for _, s := range systems {
			figure, err := b.repeat(ctx, f, s)
			if err != nil {
				return nil, fmt.Errorf("%s, repeat %d of %s: %w", p.name, i+1, s.name, err)
			}
			s.repeats = append(s.repeats, figure)
		}
	}
	for _, s := range systems {
		if s.cold != nil {
			rows = append(rows, series{p.name, s.name + ", cold", []figure{*s.cold}, false})
		}
		rows = append(rows, series{p.name, s.name, s.repeats, true})
	}
	return rows, nil
}

// systems starts the workers of one pipeline; stop ends those that came up. The floor stands twice in the turns: the
// distance between its two rows is the noise.
func (b *bench) systems(ctx context.Context, p pipeline) (all []*system, stop func(), err error) {
	var workers []*worker
	stop = func() {
		for _, w := range workers {
			w.stop()
		}
	}
	berth, err := b.startBerth(ctx, b.name(p.name), filepath.Join(b.dir, b.name("data")))
	if err != nil {
		return nil, stop, err
	}
	workers = append(workers, berth)
	all = []*system{
		{name: "Berth", worker: berth, classes: berthClasses, warmUp: warmUp{records: 1}},
		{name: "Berth, tuned", worker: berth, classes: berthClasses, tuned: true},
	}
	if p.floor != noFloor {
		all = append(all, &system{name: floorName}, &system{name: "floor again"})
	}
	if b.jvm == "" {
		return all, stop, nil
	}
	jvm, err := b.startJVM(ctx, b.name(p.name+"-jvm"), filepath.Join(b.dir, b.name("data")))
	if err != nil {
		return nil, stop, err
	}
	workers = append(workers, jvm)
	warm := warmUp{b.jvmWarmUp, jvmWarmRecords}
	return append(all,
		&system{name: "JVM", worker: jvm, classes: jvmClasses, warmUp: warm},
		&system{name: "JVM, tuned", worker: jvm, classes: jvmClasses, tuned: true}), stop, nil
}

// warm moves records until the system is warm and keeps the figure of the first time.
func (b *bench) warm(ctx context.Context, f flow, s *system) error {
	begin := time.Now()
	for moved := 0; moved < s.warmUp.records; moved += f.records {
		if s.cold != nil && time.Since(begin) >= s.warmUp.time {
			break
		}
		figure, err := b.repeat(ctx, f, s)
		if err != nil {
			return err
		}
		if s.cold == nil {
			s.cold = &figure
		}
	}
	return nil
}

// repeat moves all records once, through a fresh connector or a fresh floor process.
func (b *bench) repeat(ctx context.Context, f flow, s *system) (figure, error) {
	name := b.name(f.name)
	output := b.output(f, name)
	if f.hasOutputTopic() {
		if err := b.kafka.createTopic(ctx, output); err != nil {
			return figure{}, err
		}
	}
	result, err := b.move(ctx, f, s, name, output)
	if err != nil {
		return figure{}, err
	}
	return result, b.compare(ctx, f, output)
}

// move starts the work, measures it and stops it.
func (b *bench) move(ctx context.Context, f flow, s *system, name, output string) (figure, error) {
	watched := subject{brokerPID: b.brokerPID}
	if s.worker == nil {
		p, err := b.startFloor(f, name, output)
		if err != nil {
			return figure{}, err
		}
		defer p.stop()
		watched.pid, watched.progress = p.pid(), b.progress(f, output, name)
	} else {
		watched.pid, watched.progress = s.worker.pid(), b.progress(f, output, "connect-"+name)
	}
	start, err := watched.look(0)
	if err != nil {
		return figure{}, err
	}
	if s.worker != nil {
		if err := s.worker.create(ctx, name, f.connector(output, s)); err != nil {
			return figure{}, err
		}
		defer func() { _ = s.worker.delete(context.WithoutCancel(ctx), name) }()
	}
	return watched.measure(ctx, start, int64(f.records))
}

func (b *bench) startFloor(f flow, name, output string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startProcess(filepath.Join(b.dir, name+".log"), self, b.floorArguments(f, output, name)...)
}

// speed runs the pipelines one after the other and writes the table to out as it grows.
func (b *bench) speed(ctx context.Context, out io.Writer) error {
	chosen, err := choosePipelines(b.pipelines)
	if err != nil {
		return err
	}
	if err := b.kafka.createTopic(ctx, b.floorOffsets()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n\n%s", b.speedTitle(), tableHead)
	marked := false
	for _, p := range chosen {
		all, err := b.contest(ctx, p)
		if err != nil {
			return err
		}
		fmt.Fprint(out, rows(all))
		for _, s := range all {
			marked = marked || s.tooShort()
		}
	}
	if marked {
		fmt.Fprint(out, wholeNote)
	}
	fmt.Fprintf(out, "\nLoad average after: %s.\n", loadAverage())
	return nil
}

func (b *bench) speedTitle() string {
	title := fmt.Sprintf("%d records a repeat (P3, P5j: %d, P5s: %d), %d repeats in turns", b.records, 3*b.records,
		5*b.records, b.repeats)
	if b.jvm != "" {
		title += fmt.Sprintf(", JVM worker warmed up for %v or %d records", b.jvmWarmUp, jvmWarmRecords)
	}
	return title + fmt.Sprintf(". Load average before: %s.", loadAverage())
}

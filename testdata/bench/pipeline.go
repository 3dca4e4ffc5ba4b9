package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

type bench struct {
	options
	kafka  *broker
	prefix string // of all names of this run, so that a broker may be used again
	input  string // the file of lines
}

func (b *bench) inputTopic() string { return b.prefix + "lines" }

// floorOffsets is where the bare loop stores its position.
func (b *bench) floorOffsets() string { return b.prefix + "floor-offsets" }

// prepare makes the input of both pipelines.
func (b *bench) prepare(ctx context.Context) error {
	if err := writeLines(b.input, b.records); err != nil {
		return err
	}
	for _, topic := range []string{b.inputTopic(), b.floorOffsets()} {
		if err := b.kafka.createTopic(ctx, topic); err != nil {
			return err
		}
	}
	return b.kafka.fill(ctx, b.inputTopic(), b.records)
}

// repeat moves all records once, through the worker or, when that is nil, through a floor process.
type repeat func(ctx context.Context, name string, w *worker) (figure, error)

// pipeline prints the rows of one pipeline. The worker's first run is the warm-up and is shown apart as cold.
func (b *bench) pipeline(ctx context.Context, name string, once repeat) error {
	w, err := startWorker(ctx, b.program, b.bootstrap, b.prefix+name, b.dir)
	if err != nil {
		return err
	}
	defer w.stop()
	cold, err := once(ctx, b.prefix+name+"-cold", w)
	if err != nil {
		return fmt.Errorf("%s, cold: %w", name, err)
	}
	var warm, floor []figure
	for i := range b.repeats {
		f, err := once(ctx, fmt.Sprintf("%s%s-%d", b.prefix, name, i), w)
		if err != nil {
			return fmt.Errorf("%s, repeat %d: %w", name, i, err)
		}
		warm = append(warm, f)
		if f, err = once(ctx, fmt.Sprintf("%s%s-floor-%d", b.prefix, name, i), nil); err != nil {
			return fmt.Errorf("%s, repeat %d of the floor: %w", name, i, err)
		}
		floor = append(floor, f)
	}
	fmt.Println(summary(name+" Berth, cold", []figure{cold}))
	fmt.Println(summary(name+" Berth", warm))
	fmt.Println(summary(name+" bare loop", floor))
	return nil
}

// sourceRepeat is P1: file to topic.
func (b *bench) sourceRepeat(ctx context.Context, name string, w *worker) (figure, error) {
	if err := b.kafka.createTopic(ctx, name); err != nil {
		return figure{}, err
	}
	measured, end, err := b.launch(ctx, name, w, []string{"source", b.input, name, b.floorOffsets()}, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
		"file": b.input, "topic": name,
	})
	if err != nil {
		return figure{}, err
	}
	f, err := measure(ctx, measured, int64(b.records), func(ctx context.Context) (int64, error) {
		return b.kafka.endOffset(ctx, name)
	})
	if err == nil {
		err = b.kafka.compareTopic(ctx, name, b.records)
	}
	end()
	if err != nil {
		return figure{}, err
	}
	return f, b.kafka.deleteTopics(ctx, name)
}

// sinkRepeat is P2: topic to file.
func (b *bench) sinkRepeat(ctx context.Context, name string, w *worker) (figure, error) {
	file := filepath.Join(b.dir, name+".txt")
	measured, end, err := b.launch(ctx, name, w, []string{"sink", b.inputTopic(), file, name}, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1",
		"file": file, "topics": b.inputTopic(), "consumer.override.auto.offset.reset": "earliest",
	})
	if err != nil {
		return figure{}, err
	}
	f, err := measure(ctx, measured, int64(b.records), func(context.Context) (int64, error) {
		info, err := os.Stat(file)
		if os.IsNotExist(err) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return info.Size() / (lineBytes + 1), nil
	})
	end()
	if err == nil {
		err = compareFile(file, b.records)
	}
	if err != nil {
		return figure{}, err
	}
	return f, os.Remove(file)
}

// launch starts the work in the worker, or in a floor process when w is nil; end stops it.
func (b *bench) launch(ctx context.Context, name string, w *worker, floor []string, config map[string]string) (
	measured *process, end func(), err error) {
	if w != nil {
		return w.process, func() { _ = w.delete(ctx, name) }, w.create(ctx, name, config)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{"-bootstrap", b.bootstrap, "floor"}, floor...)
	p, err := startProcess(filepath.Join(b.dir, name+".log"), self, args...)
	if err != nil {
		return nil, nil, err
	}
	return p, p.stop, nil
}

// compareFile reports the first line that is not the generator's.
func compareFile(path string, n int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var want []byte
	next := uint64(0)
	for ; lines.Scan(); next++ {
		if want = appendLine(want[:0], next); !bytes.Equal(want, lines.Bytes()) {
			return fmt.Errorf("%s, line %d: %q instead of %q", path, next+1, lines.Bytes(), want)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if next != uint64(n) {
		return fmt.Errorf("%s holds %d lines, not %d", path, next, n)
	}
	return nil
}

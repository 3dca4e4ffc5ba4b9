package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
)

// shadowed are pipelines with one transformation, and what its shadow is configured with beside it: a candidate that
// makes the same, so that what is measured is the shadow and no report of differences.
var shadowed = []struct{ pipeline, alias, key, value string }{
	{"P5s1", "header", "value.literal", "bench"},
	{"P5j1", "insert", "static.value", "bench"},
}

// The systems that take turns; the live path stands twice, and the distance between its two columns is the noise.
var shadowSystems = []string{"live", "live again", "with a shadow"}

const shadowSystem = 2

// shadows writes what a shadow costs the live path. It fails if the candidate makes anything else.
func (b *bench) shadows(ctx context.Context, out io.Writer) error {
	group := b.name("shadows")
	w, err := b.startBerth(ctx, group, filepath.Join(b.dir, group))
	if err != nil {
		return err
	}
	defer w.stop()
	fmt.Fprintf(out, "%d records a repeat, times 5 for P5s1 and 3 for P5j1; %d repeats in turns, medians; latency of %d "+
		"records/s. Load average before: %s.\n\n", b.records, b.repeats, latencyRate, loadAverage())
	table := &grid{columns: append(append([]string{}, shadowSystems...), "shadow ÷ live")}
	for i := range shadowed {
		if err := b.shadowSpeed(ctx, w, i, table); err != nil {
			return fmt.Errorf("%s: %w", shadowed[i].pipeline, err)
		}
	}
	if err := b.shadowLatency(ctx, w, table); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	fmt.Fprintf(out, "%s\nLoad average after: %s.\n", table, loadAverage())
	return nil
}

// shadowSpeed fills the rows of a pipeline.
func (b *bench) shadowSpeed(ctx context.Context, w *worker, which int, table *grid) (err error) {
	chosen, err := choosePipelines(shadowed[which].pipeline)
	if err != nil {
		return err
	}
	f, drop, err := b.prepare(ctx, chosen[0])
	defer func() { err = errors.Join(err, drop()) }()
	if err != nil {
		return err
	}
	rates, cpus := make([][]float64, len(shadowSystems)), make([][]float64, len(shadowSystems))
	var compared []float64
	for repeat := range b.repeats + 1 {
		for i := range shadowSystems {
			got, told, err := b.moveBeside(ctx, w, f, which, i == shadowSystem)
			if err != nil {
				return err
			}
			if repeat == 0 {
				continue // compiles, and warms up
			}
			rates[i], cpus[i] = append(rates[i], got.rate), append(cpus[i], got.cpu)
			if i == shadowSystem {
				compared = append(compared, 100*float64(told.Compared)/float64(max(told.Compared+told.Dropped, 1)))
			}
		}
	}
	setRow(table, f.name+": k records/s", "%.0f", rates, 1000)
	setRow(table, f.name+": CPU s per million records, the shadow's among them", "%.2f", cpus, 1)
	table.set(f.name+": records that the shadow compared, %; it drops what it has no time for",
		shadowSystems[shadowSystem], "%.0f", quantile(compared, 0.5))
	return nil
}

// setRow fills a row with medians, and with the ratio of the last one to that of the live path's both.
func setRow(table *grid, name, format string, values [][]float64, unit float64) {
	for i, system := range shadowSystems {
		table.set(name, system, format, quantile(values[i], 0.5)/unit)
	}
	live := quantile(append(append([]float64{}, values[0]...), values[1]...), 0.5)
	table.set(name, table.columns[len(table.columns)-1], "%.2f", quantile(values[shadowSystem], 0.5)/live)
}

// shadowCounts are those of a shadow's report.
type shadowCounts struct{ Compared, Dropped, Different int64 }

// moveBeside moves all records once, with the shadow or without.
func (b *bench) moveBeside(ctx context.Context, w *worker, f flow, which int, shadow bool) (figure, shadowCounts,
	error) {
	name := b.name(f.name)
	config := f.connector("", &system{classes: berthClasses})
	watched := subject{pid: w.pid(), progress: b.progress(f, "", "connect-"+name)}
	start, err := watched.look(0)
	if err != nil {
		return figure{}, shadowCounts{}, err
	}
	if err := w.beginBeside(ctx, name, config, which, shadow); err != nil {
		return figure{}, shadowCounts{}, err
	}
	defer func() { _ = w.delete(context.WithoutCancel(ctx), name) }()
	got, err := watched.measure(ctx, start, int64(f.records))
	if err != nil || !shadow {
		return got, shadowCounts{}, err
	}
	var told shadowCounts
	if err := w.call(ctx, http.MethodGet, shadowPath(name, which), nil, &told); err != nil {
		return figure{}, told, err
	}
	if told.Different > 0 || told.Compared == 0 {
		return figure{}, told, fmt.Errorf("the shadow compared %d records and found %d different", told.Compared,
			told.Different)
	}
	return got, told, nil
}

func shadowPath(connector string, which int) string {
	return "/connectors/" + connector + "/transforms/" + shadowed[which].alias + "/shadow"
}

// beginBeside makes a connector that begins with its shadow, if it is to have one.
func (w *worker) beginBeside(ctx context.Context, name string, config map[string]string, which int,
	shadow bool) error {
	body := map[string]any{"name": name, "config": config, "initial_state": "STOPPED"}
	err := w.until(ctx, lookEvery, func(ctx context.Context) error {
		return w.call(ctx, http.MethodPost, "/connectors", body, nil)
	})
	if err == nil && shadow {
		candidate := map[string]any{"config": map[string]string{shadowed[which].key: shadowed[which].value}}
		err = w.call(ctx, http.MethodPut, shadowPath(name, which), candidate, nil)
	}
	return errors.Join(err, w.call(ctx, http.MethodPut, "/connectors/"+name+"/resume", nil, nil))
}

// shadowLatency fills the row of how long a record takes to a file, at a rate that nobody waits for.
func (b *bench) shadowLatency(ctx context.Context, w *worker, table *grid) error {
	warm, records := int(latencyWarmUp.Seconds()*latencyRate), int(b.latencyTime.Seconds()*latencyRate)
	p50, p99 := make([][]float64, len(shadowSystems)), make([][]float64, len(shadowSystems))
	for i := range shadowSystems {
		delays, err := b.delaysBeside(ctx, w, warm+records, i == shadowSystem)
		if err != nil {
			return err
		}
		p50[i] = []float64{quantile(delays[warm:], 0.5)}
		p99[i] = []float64{quantile(delays[warm:], 0.99)}
	}
	setRow(table, "topic → transformation → file sink: latency p50, ms", "%.1f", p50, 1)
	setRow(table, "topic → transformation → file sink: latency p99, ms", "%.1f", p99, 1)
	return nil
}

// delaysBeside are the ages of records as they come to a file, in milliseconds.
func (b *bench) delaysBeside(ctx context.Context, w *worker, n int, shadow bool) (delays []float64, err error) {
	name := b.name("latency")
	topic, file := name+"-topic", filepath.Join(b.dir, name+".txt")
	if err := b.kafka.createTopic(ctx, topic); err != nil {
		return nil, err
	}
	config := map[string]string{"connector.class": fileSink, "tasks.max": "1", "file": file, "topics": topic}
	maps.Copy(config, settings(firstOf(chainC)))
	if err := w.beginBeside(ctx, name, config, 0, shadow); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.delete(context.WithoutCancel(ctx), name), os.Remove(file)) }()
	if err := w.awaitRunning(ctx, 1); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, latencyWarmUp+b.latencyTime+stallTime)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- b.sendClock(ctx, topic, n) }()
	delays, err = readDelays(ctx, file, n)
	return delays, errors.Join(<-sent, err)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settleTime lets a worker finish what a change began before it is called idle.
const settleTime = 5 * time.Second

// contestant is a kind of worker of which footprints are taken.
type contestant struct {
	name     string
	nullSink string
	caches   bool   // keeps compiled modules in its data folder
	warm     string // a data folder that has been used
	launch   func(ctx context.Context, group, data string) (*worker, error)
	collect  func(pid int) error // asks for a garbage collection before memory is read
}

func (b *bench) contestants() []contestant {
	all := []contestant{{"Berth", berthClasses.nullSink, true, filepath.Join(b.dir, b.name("warm")), b.startBerth,
		func(int) error { return nil }}}
	if b.jvm != "" {
		all = append(all, contestant{"JVM worker", jvmClasses.nullSink, false, b.dir, b.startJVM, collectJVM})
	}
	return all
}

func collectJVM(pid int) error {
	if out, err := exec.Command("jcmd", strconv.Itoa(pid), "GC.run").CombinedOutput(); err != nil {
		return fmt.Errorf("ask the JVM for a collection: %w: %s", err, out)
	}
	return nil
}

// footprint writes one table: a row per figure, a column per kind of worker.
func (b *bench) footprint(ctx context.Context, out io.Writer) error {
	counts, err := parseCounts(b.connectors)
	if err != nil {
		return err
	}
	table := &grid{}
	before := loadAverage()
	for _, c := range b.contestants() {
		table.columns = append(table.columns, c.name)
		err := errors.Join(b.starts(ctx, c, table), b.idle(ctx, c, fileSources, counts, table),
			b.idle(ctx, c, nullSinks, counts, table), b.latency(ctx, c, table))
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	fmt.Fprintf(out, "Starts: median of %d. Idle CPU: share of a core over %v. Load average before: %s; after: %s.\n\n%s",
		b.repeats, b.idleTime, before, loadAverage(), table)
	return nil
}

// parseCounts reads numbers of connectors, which must grow.
func parseCounts(text string) ([]int, error) {
	var counts []int
	for _, word := range strings.Fields(text) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || len(counts) > 0 && n <= counts[len(counts)-1] {
			return nil, fmt.Errorf("numbers of connectors, each more than the one before: %q is not", text)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// starts measures from the start of the process to the first answer: on internal topics that it has to make and with
// no compiled module, then again on what is there, then on empty topics with compiled modules.
func (b *bench) starts(ctx context.Context, c contestant, table *grid) error {
	kinds := []struct {
		label              string
		sameTopics, cached bool
	}{
		{"first start: topics empty, cache cold", false, false},
		{"start again: topics there, cache warm", true, true},
		{"start with topics empty, cache warm", false, true},
	}
	times, cpus := make([][]float64, len(kinds)), make([][]float64, len(kinds))
	if _, _, err := start(ctx, c, b.name("start"), c.warm); err != nil {
		return err
	}
	for range b.repeats {
		group := ""
		for i, kind := range kinds {
			data := c.warm
			if !kind.cached {
				data = filepath.Join(b.dir, b.name("data"))
			}
			if !kind.sameTopics {
				group = b.name("start")
			}
			if i == 2 && !c.caches {
				continue
			}
			took, cpu, err := start(ctx, c, group, data)
			if err != nil {
				return err
			}
			times[i], cpus[i] = append(times[i], took.Seconds()), append(cpus[i], cpu.Seconds())
		}
	}
	for i, kind := range kinds {
		if len(times[i]) > 0 {
			table.set(kind.label+", s", c.name, "%.2f", quantile(times[i], 0.5))
			table.set(kind.label+", CPU s", c.name, "%.2f", quantile(cpus[i], 0.5))
		}
	}
	return nil
}

// start measures one start; the worker is stopped again.
func start(ctx context.Context, c contestant, group, data string) (took, cpu time.Duration, err error) {
	begin := time.Now()
	w, err := c.launch(ctx, group, data)
	if err != nil {
		return 0, 0, err
	}
	defer w.stop()
	took = time.Since(begin)
	cpu, err = cpuTime(w.pid())
	return took, cpu, err
}

// idleKind is a kind of connector that has nothing to do.
type idleKind struct {
	name   string
	config func(b *bench, c contestant, topic string) map[string]string
}

var (
	fileSources = idleKind{"file source", func(b *bench, _ contestant, topic string) map[string]string {
		return map[string]string{"connector.class": fileSource, "file": b.oneLineFile(), "topic": topic}
	}}
	nullSinks = idleKind{"null sink", func(_ *bench, c contestant, topic string) map[string]string {
		return map[string]string{"connector.class": c.nullSink, "topics": topic}
	}}
)

func (b *bench) oneLineFile() string { return filepath.Join(b.dir, "one-line.txt") }

// idle measures a worker, its cache warm, with more and more connectors of one kind.
func (b *bench) idle(ctx context.Context, c contestant, kind idleKind, counts []int, table *grid) error {
	group := b.name("idle")
	if err := writeLines(b.oneLineFile(), 1, line100); err != nil {
		return err
	}
	if err := b.kafka.createTopic(ctx, group+"-topic"); err != nil {
		return err
	}
	w, err := c.launch(ctx, group, c.warm)
	if err != nil {
		return err
	}
	defer w.stop()
	created := 0
	var empty resources
	for _, n := range counts {
		for ; created < n; created++ {
			config := kind.config(b, c, group+"-topic")
			config["tasks.max"] = "1"
			if err := w.create(ctx, fmt.Sprintf("%s-%d", group, created), config); err != nil {
				return err
			}
		}
		if err := w.awaitRunning(ctx, n); err != nil {
			return err
		}
		used, err := b.rest(ctx, c, w)
		if err != nil {
			return err
		}
		if n == 0 {
			empty = used
		}
		used.fill(table, c.name, label(n, kind.name))
		if n > 0 && counts[0] == 0 {
			each := (used.private - empty.private) / float64(n)
			table.set(label(n, kind.name)+": private MiB each", c.name, "%.2f", each)
		}
	}
	return nil
}

func label(n int, kind string) string {
	if n == 1 {
		return "1 " + kind
	}
	return fmt.Sprintf("%d %ss", n, kind)
}

// rest lets a worker idle, then reads what it uses.
func (b *bench) rest(ctx context.Context, c contestant, w *worker) (resources, error) {
	if err := pause(ctx, settleTime); err != nil {
		return resources{}, err
	}
	before, err := cpuTime(w.pid())
	if err != nil {
		return resources{}, err
	}
	begin := time.Now()
	if err := pause(ctx, b.idleTime); err != nil {
		return resources{}, err
	}
	after, err := cpuTime(w.pid())
	if err != nil {
		return resources{}, err
	}
	share := (after - before).Seconds() / time.Since(begin).Seconds() * 100
	if err := c.collect(w.pid()); err != nil {
		return resources{}, err
	}
	used, err := readResources(w.pid())
	used.cpuPercent = share
	return used, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resources are what an idle process holds, sizes in MiB.
type resources struct {
	rss, pss, private float64
	threads, files    int
	cpuPercent        float64
}

func (r resources) fill(table *grid, column, label string) {
	table.set(label+": RSS / PSS / private MiB", column, "%.1f / %.1f / %.1f", r.rss, r.pss, r.private)
	table.set(label+": threads / open files", column, "%d / %d", r.threads, r.files)
	table.set(label+": idle CPU %", column, "%.2f", r.cpuPercent)
}

func readResources(pid int) (resources, error) {
	folder := fmt.Sprintf("/proc/%d/", pid)
	memory, err := os.ReadFile(folder + "smaps_rollup")
	if err != nil {
		return resources{}, err
	}
	status, err := os.ReadFile(folder + "status")
	if err != nil {
		return resources{}, err
	}
	files, err := os.ReadDir(folder + "fd")
	if err != nil {
		return resources{}, err
	}
	threads := procField(string(status), "Threads")
	mib := func(name string) float64 { return float64(procField(string(memory), name)) / 1024 }
	if threads == 0 || mib("Pss") == 0 {
		return resources{}, fmt.Errorf("read %s: a figure is missing", folder)
	}
	return resources{rss: mib("Rss"), pss: mib("Pss"), private: mib("Private_Clean") + mib("Private_Dirty"),
		threads: threads, files: len(files)}, nil
}

// procField is the number behind "Name:" in a file of proc(5), 0 where there is none.
func procField(text, name string) int {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			if words := strings.Fields(rest); len(words) > 0 {
				n, _ := strconv.Atoi(words[0])
				return n
			}
		}
	}
	return 0
}

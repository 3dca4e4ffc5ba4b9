package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	// tenantsMemoryMax bounds the resident memory of the worker of the tenants, in MiB, at its peak.
	tenantsMemoryMax = 1024
	// tenantsMemoryLimit is what the worker's Go runtime is told, so that its collector has room below the bound.
	tenantsMemoryLimit = "400MiB"
	tenantPairs        = 5   // of a source and a sink, in each tenant
	tenantRecords      = 200 // that each source makes
	tenantRate         = 10  // of them a second
	tenantRequests     = 500 // that are timed once all run; sources that were made early have ended by then
)

// crowd is one worker with many tenants, each with sources that make records and sinks that write them to files.
type crowd struct {
	*bench
	w     *worker
	names []string
}

// tenants writes what a worker costs that has all the crowd's connectors at once. It fails unless each connector runs,
// each record arrives once and in order, and the worker's memory stays within tenantsMemoryMax.
func (b *bench) tenants(ctx context.Context, out io.Writer) error {
	if err := os.Setenv("GOMEMLIMIT", tenantsMemoryLimit); err != nil {
		return err
	}
	group := b.name("tenants")
	w, err := b.startBerth(ctx, group, filepath.Join(b.dir, group))
	if err != nil {
		return err
	}
	defer w.stop()
	empty, err := readResources(w.pid())
	if err != nil {
		return err
	}
	c := &crowd{bench: b, w: w}
	for i := range b.tenantCount {
		c.names = append(c.names, fmt.Sprintf("t%03d", i))
	}
	begin := time.Now()
	if err := c.fill(ctx); err != nil {
		return err
	}
	running := time.Since(begin)
	answers, err := c.timeREST(ctx)
	if err != nil {
		return err
	}
	if err := c.awaitRecords(ctx); err != nil {
		return err
	}
	if err := c.awaitAllRunning(ctx); err != nil {
		return err
	}
	arrived := time.Since(begin)
	used, err := b.rest(ctx, contestant{collect: func(int) error { return nil }}, w)
	if err != nil {
		return err
	}
	peak, err := peakMemory(w.pid())
	if err != nil {
		return err
	}
	n := c.connectors()
	fmt.Fprintf(out, "%d tenants with %d sources and %d sinks each; GOMEMLIMIT=%s. Load average after: %s.\n\n",
		len(c.names), tenantPairs, tenantPairs, tenantsMemoryLimit, loadAverage())
	table := &grid{columns: []string{"Berth"}}
	table.set(fmt.Sprintf("%d connectors created and RUNNING, s", n), "Berth", "%.1f", running.Seconds())
	table.set(fmt.Sprintf("%d records of %d sources in the sinks' files, s", len(c.names)*tenantPairs*tenantRecords,
		len(c.names)*tenantPairs), "Berth", "%.1f", arrived.Seconds())
	table.set("peak RSS, MiB", "Berth", "%.0f", peak)
	table.set("without connectors: RSS, MiB", "Berth", "%.0f", empty.rss)
	table.set("peak RSS of each connector, MiB", "Berth", "%.2f", (peak-empty.rss)/float64(n))
	used.fill(table, "Berth", "all idle")
	table.set("REST, right after the last connector is RUNNING: p50 / p99, ms", "Berth", "%.1f / %.1f",
		quantile(answers, 0.5), quantile(answers, 0.99))
	fmt.Fprint(out, table)
	if peak > tenantsMemoryMax {
		return fmt.Errorf("the worker's resident memory was %.0f MiB, at most %d", peak, tenantsMemoryMax)
	}
	return nil
}

func (c *crowd) connectors() int { return 2 * tenantPairs * len(c.names) }

// in is a tenant's API.
func (c *crowd) in(tenant string) *worker {
	return &worker{c.w.process, c.w.url + "/tenants/" + tenant}
}

// topic is the one between a source and its sink.
func (c *crowd) topic(tenant string, pair int) string {
	return fmt.Sprintf("%s%s-%d", c.prefix, tenant, pair)
}

func (c *crowd) file(tenant string, pair int) string {
	return filepath.Join(c.dir, fmt.Sprintf("%s-%d.out", tenant, pair))
}

// fill makes tenants and connectors and returns when all are running.
func (c *crowd) fill(ctx context.Context) error {
	for _, tenant := range c.names {
		record := map[string]any{"topics": []string{c.prefix + tenant + "-*"}, "directories": []string{c.dir}}
		if err := c.w.call(ctx, http.MethodPut, "/tenants/"+tenant, record, nil); err != nil {
			return err
		}
		for pair := range tenantPairs {
			if err := c.fillPair(ctx, tenant, pair); err != nil {
				return fmt.Errorf("tenant %s: %w", tenant, err)
			}
		}
	}
	return c.awaitAllRunning(ctx)
}

func (c *crowd) fillPair(ctx context.Context, tenant string, pair int) error {
	topic := c.topic(tenant, pair)
	if err := c.kafka.createTopic(ctx, topic); err != nil {
		return err
	}
	source := map[string]string{"connector.class": "berth.Datagen", "kind": "line", "topic": topic, "tasks.max": "1",
		"rate": fmt.Sprint(tenantRate), "count": fmt.Sprint(tenantRecords), "transforms": "h",
		"transforms.h.type":   "org.apache.kafka.connect.transforms.InsertHeader",
		"transforms.h.header": "tenant", "transforms.h.value.literal": tenant}
	sink := map[string]string{"connector.class": fileSink, "topics": topic, "tasks.max": "1",
		"file": c.file(tenant, pair)}
	api := c.in(tenant)
	return errors.Join(api.create(ctx, fmt.Sprintf("in-%d", pair), source),
		api.create(ctx, fmt.Sprintf("out-%d", pair), sink))
}

func (c *crowd) awaitAllRunning(ctx context.Context) error {
	for _, tenant := range c.names {
		if err := c.in(tenant).awaitRunning(ctx, 2*tenantPairs); err != nil {
			return fmt.Errorf("tenant %s: %w", tenant, err)
		}
	}
	return nil
}

// timeREST asks for the states of one tenant after the other, and returns how long the answers took, in ms.
func (c *crowd) timeREST(ctx context.Context) ([]float64, error) {
	var took []float64
	for i := range tenantRequests {
		begin := time.Now()
		path := "/connectors?expand=status"
		if err := c.in(c.names[i%len(c.names)]).call(ctx, http.MethodGet, path, nil, nil); err != nil {
			return nil, err
		}
		took = append(took, float64(time.Since(begin).Microseconds())/1000)
	}
	return took, nil
}

// awaitRecords returns when each sink has written its source's records, and checks that these are numbers 0 and on.
func (c *crowd) awaitRecords(ctx context.Context) error {
	for _, tenant := range c.names {
		for pair := range tenantPairs {
			var lines [][]byte
			err := c.w.until(ctx, lookEvery, func(context.Context) error {
				text, err := os.ReadFile(c.file(tenant, pair))
				if lines = bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")); len(lines) < tenantRecords {
					return errors.Join(err, fmt.Errorf("%d of %d records have arrived", len(lines), tenantRecords))
				}
				return err
			})
			if err == nil {
				err = checkNumbers(lines)
			}
			if err != nil {
				return fmt.Errorf("tenant %s, sink out-%d: %w", tenant, pair, err)
			}
		}
	}
	return nil
}

// checkNumbers checks that lines begin with the numbers of a source's records, in order.
func checkNumbers(lines [][]byte) error {
	if len(lines) != tenantRecords {
		return fmt.Errorf("%d lines of %d records", len(lines), tenantRecords)
	}
	for i, line := range lines {
		if !bytes.HasPrefix(line, fmt.Appendf(nil, "%d ", i)) {
			return fmt.Errorf("line %d is %q", i, line)
		}
	}
	return nil
}

// peakMemory is the most resident memory that a process ever had, in MiB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	kib := procField(string(status), "VmHWM")
	if kib == 0 {
		return 0, fmt.Errorf("process %d does not say its peak memory", pid)
	}
	return float64(kib) / 1024, nil
}

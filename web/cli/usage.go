package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/berth-connect/berth/host"
)

// runUsage is "berth usage": what guests of a worker used since it started.
func runUsage(args []string, out io.Writer) error {
	flags := NewFlags("usage", "[-url URL] [-tenant NAME] [-json]", out)
	remote := addRemote(flags, defaultURL)
	tenant := flags.String("tenant", "", "one tenant; without it: all")
	asJSON := flags.Bool("json", false, "print JSON")
	if _, err := ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	path := "/usage"
	if *tenant != "" {
		path += "?tenant=" + url.QueryEscape(*tenant)
	}
	var usage host.Usage
	if err := remote.ask(http.MethodGet, path, nil, &usage); err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(usage)
	}
	return printUsage(out, usage, time.Now())
}

// printUsage prints a table: a line for each tenant, connector and plugin, the sum before its parts.
func printUsage(out io.Writer, usage host.Usage, now time.Time) error {
	fmt.Fprintf(out, "worker %s since %s (%s)\n", usage.Worker, usage.Since.UTC().Format(time.RFC3339),
		now.Sub(usage.Since).Round(time.Second))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "CPU\tFUEL\tRECORDS IN\tOUT\tBYTES IN\tOUT\tMEMORY\tPEAK\tNET READ\tWRITTEN\tCONNS\tLINES\t"+
		"TRAPS\t WHO")
	for _, t := range usage.Tenants {
		usageLine(table, t.Used, "tenant "+shownTenant(t.Tenant)+shownSlowed(t.Slowed))
		for _, c := range t.Connectors {
			_, local := host.SplitTenant(c.Connector)
			usageLine(table, c.Used, "  "+local)
			for _, p := range c.Plugins {
				usageLine(table, p.Used, fmt.Sprintf("    %s %.12s", p.Class, p.Digest))
			}
		}
	}
	return table.Flush()
}

func usageLine(table io.Writer, u host.Used, who string) {
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t %s\n",
		time.Duration(u.CPUMillis)*time.Millisecond, count(u.Fuel), count(u.RecordsIn), count(u.RecordsOut),
		size(u.BytesIn), size(u.BytesOut), size(u.MemoryBytes), size(u.MemoryPeakBytes), size(u.NetworkReadBytes),
		size(u.NetworkWrittenBytes), u.Connections, u.LogLines, u.Traps, who)
}

func shownTenant(name string) string {
	if name == "" {
		return "(default)"
	}
	return name
}

// shownSlowed says what the tenant's quota did, if it did anything.
func shownSlowed(s host.Slowed) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{s.Waits, fmt.Sprintf("waits, %s", time.Duration(s.Millis)*time.Millisecond)}, {s.MemoryRefusals, "growths refused"},
		{s.TaskRefusals, "tasks refused"}, {s.LogLinesDropped, "lines dropped"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (over its quota: " + strings.Join(parts, "; ") + ")"
}

// count and size shorten numbers to four digits, in steps of 1000 and of 1024.
func count(n int64) string { return shortened(n, 1000, []string{"", "k", "M", "G", "T", "P"}) }

func size(n int64) string {
	return shortened(n, 1024, []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"})
}

func shortened(n int64, step float64, units []string) string {
	value, unit := float64(n), 0
	for value >= step && unit < len(units)-1 {
		value /= step
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d%s", n, units[0])
	}
	return fmt.Sprintf("%.1f%s", value, units[unit])
}

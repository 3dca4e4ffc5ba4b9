package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/berth-connect/berth/host"
)

// shadowPoll is how often a shadow is looked at while it is waited for.
const shadowPoll = 500 * time.Millisecond

// shadowCommand is "berth shadow …": a candidate for a transformation beside the live one, on the same records, with no
// effect but a report, and what becomes of it.
type shadowCommand struct {
	*remote
	set, unset           TextList
	network              bool
	promote, end, asJSON bool
	await                int64
	path                 string // of the shadow
	promotion            string
	out                  io.Writer
}

// toldShadow is a shadow as GET of it tells.
type toldShadow struct {
	host.ShadowWish
	host.ShadowCounts
	CPURatio float64 `json:"cpu_ratio"`
	Tasks    []struct {
		Task     int
		WorkerID string `json:"worker_id"`
		State    string
		Problem  string
		host.ShadowCounts
	}
	Differences []struct {
		Task int
		host.ShadowDifference
	}
	Unreached []string
}

func runShadow(args []string, out io.Writer) error {
	c := shadowCommand{out: out}
	flags := NewFlags("shadow", "CONNECTOR ALIAS [VERSION]", out)
	c.addOptions(flags)
	positional, err := ParseFlags(flags, args, 2, 3)
	if err != nil {
		return err
	}
	version := ""
	if len(positional) == 3 {
		version = positional[2]
	}
	stage := "/connectors/" + url.PathEscape(positional[0]) + "/transforms/" + url.PathEscape(positional[1])
	c.path, c.promotion = stage+"/shadow", stage+"/promote"
	starts := version != "" || len(c.set) > 0 || len(c.unset) > 0
	switch {
	case c.promote && c.end, (c.promote || c.end) && (starts || c.network || c.await > 0):
		return errors.New("berth shadow takes VERSION, -set and -unset to start a candidate, -promote to make it live, " +
			"-end to end it, or none of these to show what it has seen")
	case c.network && !starts:
		return errors.New("-network is for a candidate that starts: name its VERSION, or what -set and -unset change")
	case c.await < 0:
		return fmt.Errorf("-await %d: it must be 1 or more", c.await)
	case c.promote:
		return c.makeLive()
	case c.end:
		return c.finish()
	case starts:
		if err := c.start(version); err != nil {
			return err
		}
	}
	return c.show()
}

func (c *shadowCommand) addOptions(flags *flag.FlagSet) {
	c.remote = addRemote(flags, defaultURL)
	flags.Var(&c.set, "set", "KEY=VALUE, without prefix, that the candidate has and the live one not; may be repeated")
	flags.Var(&c.unset, "unset", "KEY that the candidate does not have; may be repeated")
	flags.BoolVar(&c.network, "network", false, "let the candidate use the network as far as it is granted")
	flags.Int64Var(&c.await, "await", 0, "wait until so many records were compared or dropped; fail if any came out "+
		"otherwise, or ended an instance")
	flags.BoolVar(&c.promote, "promote", false, "make the candidate live, without a restart, and end the shadow")
	flags.BoolVar(&c.end, "end", false, "end the shadow")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
}

func (c *shadowCommand) start(version string) error {
	config := map[string]*string{}
	for _, setting := range c.set {
		key, value, found := strings.Cut(setting, "=")
		if !found || key == "" {
			return fmt.Errorf("-set %s: it must be KEY=VALUE", setting)
		}
		config[key] = &value
	}
	for _, key := range c.unset {
		if _, both := config[key]; both {
			return fmt.Errorf("-unset %s: -set gives it a value", key)
		}
		config[key] = nil
	}
	wish := map[string]any{"network": c.network}
	if version != "" {
		wish["version"] = version
	}
	if len(config) > 0 {
		wish["config"] = config
	}
	return c.ask(http.MethodPut, c.path, wish, nil)
}

// show prints what the shadow has seen, with -await when that is enough.
func (c *shadowCommand) show() error {
	if c.await == 0 {
		_, err := c.print()
		return err
	}
	return UntilSignal(func(ctx context.Context, _ <-chan os.Signal) error {
		for {
			seen, _, err := c.get()
			if err != nil {
				return err
			}
			if seen.Compared+seen.Dropped >= c.await || seen.failed() != "" {
				return c.judge()
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%d of %d records were compared", seen.Compared+seen.Dropped, c.await)
			case <-time.After(shadowPoll):
			}
		}
	})
}

// judge prints the shadow and fails unless all records came out the same.
func (c *shadowCommand) judge() error {
	seen, err := c.print()
	switch {
	case err != nil:
		return err
	case seen.failed() != "":
		return errors.New(seen.failed())
	case seen.Different > 0 || seen.Traps > 0:
		return fmt.Errorf("the candidate differs: %d of %d records came out otherwise, %d ended its instance", seen.Different,
			seen.Compared, seen.Traps)
	case seen.Compared == 0:
		return fmt.Errorf("none of %d records was compared: the shadow is behind; wait for more", seen.Dropped)
	}
	return nil
}

// failed says which task's shadow compares no more, and why; "": all do.
func (s *toldShadow) failed() string {
	for _, t := range s.Tasks {
		if t.State == host.ShadowFailed {
			return fmt.Sprintf("the shadow beside task %d has failed: %s", t.Task, t.Problem)
		}
	}
	return ""
}

func (c *shadowCommand) get() (seen toldShadow, text []byte, err error) {
	if text, err = c.send(http.MethodGet, c.path, "", nil); err != nil {
		return seen, nil, err
	}
	if err := json.Unmarshal(text, &seen); err != nil {
		return seen, nil, fmt.Errorf("%s gives no JSON that a worker would (%w); -url must name its REST API", c.url, err)
	}
	return seen, text, nil
}

func (c *shadowCommand) print() (toldShadow, error) {
	seen, text, err := c.get()
	if err != nil {
		return seen, err
	}
	if c.asJSON {
		_, err := fmt.Fprintln(c.out, string(text))
		return seen, err
	}
	return seen, printShadow(c.out, &seen)
}

func (c *shadowCommand) makeLive() error {
	text, err := c.send(http.MethodPost, c.promotion, "", nil)
	if err != nil {
		return err
	}
	if c.asJSON {
		_, err := fmt.Fprintln(c.out, string(text))
		return err
	}
	var swap listedSwap
	if err := json.Unmarshal(text, &swap); err != nil {
		return fmt.Errorf("%s gives no JSON that a worker would (%w); -url must name its REST API", c.url, err)
	}
	return printSwaps(c.out, []listedSwap{swap})
}

func (c *shadowCommand) finish() error {
	return c.ask(http.MethodDelete, c.path, nil, nil)
}

// printShadow prints what the candidate is, a line for each task, their sum, and the first differences.
func printShadow(out io.Writer, s *toldShadow) error {
	var text strings.Builder
	fmt.Fprintf(&text, "candidate  %s\n", candidateOf(&s.ShadowWish))
	fmt.Fprintf(&text, "since      %s\n", time.UnixMilli(s.SinceMs).UTC().Format(time.RFC3339))
	if s.CPURatio > 0 {
		fmt.Fprintf(&text, "CPU        %.2f times that of the live chain\n", s.CPURatio)
	}
	for _, worker := range s.Unreached {
		fmt.Fprintf(&text, "unreached  %s\n", worker)
	}
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TASK\tWORKER\tSTATE\tCOMPARED\tEQUAL\tDIFFERENT\tBOTH FAILED\tDROPPED\tTRAPS\tPROBLEM")
	for i := range s.Tasks {
		t := &s.Tasks[i]
		shadowLine(table, fmt.Sprintf("%d\t%s\t%s", t.Task, t.WorkerID, t.State), &t.ShadowCounts, dashed(t.Problem))
	}
	shadowLine(table, "all\t\t", &s.ShadowCounts, dashed(s.LastTrap))
	if err := table.Flush(); err != nil {
		return err
	}
	for i := range s.Differences {
		d := &s.Differences[i]
		fmt.Fprintf(&text, "\ndifference of task %d: %s\n", d.Task, originOf(&d.Record))
		writeOutcome(&text, "live", &d.Live)
		writeOutcome(&text, "candidate", &d.Candidate)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func shadowLine(table io.Writer, who string, n *host.ShadowCounts, problem string) {
	fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", who, n.Compared, n.Equal, n.Different, n.BothFailed, n.Dropped,
		n.Traps, problem)
}

// candidateOf says what of the live transformation the candidate has of its own.
func candidateOf(w *host.ShadowWish) string {
	var parts []string
	if w.Version != "" {
		parts = append(parts, "version "+w.Version)
	}
	for _, key := range slices.Sorted(maps.Keys(w.Config)) {
		if value := w.Config[key]; value != nil {
			parts = append(parts, key+"="+*value)
		} else {
			parts = append(parts, "without "+key)
		}
	}
	return fmt.Sprintf("%s of %s: %s", w.Alias, w.Connector, strings.Join(parts, ", "))
}

// originOf says where a record is from, in Kafka or in a source's system.
func originOf(o *host.ShadowOrigin) string {
	switch {
	case o.Partition != nil && o.Offset != nil:
		return fmt.Sprintf("record %s-%d@%d", o.Topic, *o.Partition, *o.Offset)
	case len(o.SourcePartition) > 0:
		return fmt.Sprintf("record to %s from %s %s", o.Topic, o.SourcePartition, o.SourceOffset)
	}
	return "record to " + o.Topic
}

func writeOutcome(text *strings.Builder, who string, o *host.ShadowOutcome) {
	name := fmt.Sprintf("  %-9s  ", who)
	for _, r := range o.Records {
		writeRecord(text, name, r)
	}
	if o.Error != nil {
		fmt.Fprintf(text, "%s%s at %s: %s: %s\n", name, o.Outcome, o.Stage, o.Error.Class, o.Error.Message)
	} else if len(o.Records) == 0 {
		fmt.Fprintf(text, "%s%s\n", name, o.Outcome)
	}
}

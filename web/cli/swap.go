package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
)

// listedSwap is a swap as GET /connectors/{c}/swaps tells it.
type listedSwap struct {
	Revision int64
	State    string
	Stage    *string
	Version  *string
	Reason   *string
	Tasks    []struct {
		ID        int
		WorkerID  *string `json:"worker_id"`
		State     string
		Reason    *string
		PauseUs   *int64 `json:"pause_us"`
		Restarted bool
		Changes   []struct {
			Stage    string
			Old, New *struct{ Version, Digest string }
		}
		After []struct{ Partition, Offset json.RawMessage }
	}
}

// runSwap is "berth swap …": another version of a transformation, predicate or converter in a running connector.
func runSwap(args []string, out io.Writer) error {
	flags := NewFlags("swap", "CONNECTOR [ALIAS [VERSION]]", out)
	remote := addRemote(flags, defaultURL)
	back := flags.Bool("rollback", false, "go back to the version before the last swap of ALIAS")
	asJSON := flags.Bool("json", false, "print JSON")
	positional, err := ParseFlags(flags, args, 1, 3)
	if err != nil {
		return err
	}
	connector := "/connectors/" + url.PathEscape(positional[0])
	var swaps []listedSwap
	switch n := len(positional); {
	case n == 1 && !*back:
		err = remote.ask(http.MethodGet, connector+"/swaps", nil, &swaps)
	case n == 2 && *back:
		err = remote.swap(http.MethodPost, connector+stagePath(positional[1])+"/rollback", nil, &swaps)
	case n == 3 && !*back:
		err = remote.swap(http.MethodPut, connector+stagePath(positional[1])+"/version",
			map[string]string{"version": positional[2]}, &swaps)
	default:
		return errors.New("berth swap takes CONNECTOR ALIAS VERSION to swap, -rollback CONNECTOR ALIAS to go back, " +
			"or CONNECTOR to list what was swapped")
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(swaps)
	}
	return printSwaps(out, swaps)
}

// stagePath is where a stage is in the REST API: predicates.ALIAS, key.converter and the like by their keys in
// configurations, all else is the alias of a transformation.
func stagePath(stage string) string {
	list, alias, _ := strings.Cut(stage, ".")
	switch {
	case list == "predicates" || list == "transforms":
		return "/" + list + "/" + url.PathEscape(alias)
	case slices.Contains([]string{"key.converter", "value.converter", "header.converter"}, stage):
		return "/converters/" + list
	}
	return "/transforms/" + url.PathEscape(stage)
}

// swap makes a request whose answer is what has become of a swap: a list of one.
func (r *remote) swap(method, path string, body any, swaps *[]listedSwap) error {
	var one listedSwap
	err := r.ask(method, path, body, &one)
	*swaps = []listedSwap{one}
	return err
}

// printSwaps prints a line for each task.
func printSwaps(out io.Writer, swaps []listedSwap) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SWAP\tTASK\tSTATE\tSTAGE\tFROM\tTO\tPAUSE\tAFTER\tREASON")
	for _, s := range swaps {
		for _, task := range s.Tasks {
			stage, from, to := dashedText(s.Stage), "-", dashedText(s.Version)
			for _, change := range task.Changes {
				stage = change.Stage
				if change.Old != nil {
					from = fmt.Sprintf("%s (%.8s)", change.Old.Version, change.Old.Digest)
				}
				if change.New != nil {
					to = fmt.Sprintf("%s (%.8s)", change.New.Version, change.New.Digest)
				}
			}
			pause, after := "-", "-"
			if task.PauseUs != nil {
				pause = fmt.Sprintf("%d µs", *task.PauseUs)
			}
			if len(task.After) > 0 {
				after = fmt.Sprintf("%s %s", task.After[0].Partition, task.After[0].Offset)
			}
			if more := len(task.After) - 1; more > 0 {
				after += fmt.Sprintf(" and %d more", more)
			}
			fmt.Fprintf(table, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Revision, task.ID, task.State, stage, from, to,
				pause, after, dashedText(task.Reason))
		}
	}
	return table.Flush()
}

func dashedText(text *string) string {
	if text == nil {
		return "-"
	}
	return dashed(*text)
}

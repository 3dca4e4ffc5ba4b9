package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// putVersion swaps a stage of a running connector: PUT …/transforms/{alias}/version, …/predicates/{alias}/version,
// …/converters/{key|value|header}/version with {"version": "2.0.0"}.
func (s *Server) putVersion(c echo.Context) error {
	name, stage, err := stageParams(c)
	if err != nil {
		return err
	}
	body, err := readConfig(c)
	if err != nil {
		return err
	}
	version := body["version"]
	if version == nil || strings.TrimSpace(*version) == "" || len(body) != 1 {
		return host.BadRequest(`The body must be {"version": "…"} with a version that GET /plugins lists, or a range of them`)
	}
	swap, err := s.herder(c).Swap(c.Request().Context(), name,
		herder.SwapRequest{Stage: stage, Version: *version, By: userOf(c)})
	return answerSwap(c, swap, err)
}

// rollBack puts the version back that a stage had before its newest swap: POST …/transforms/{alias}/rollback and so on.
func (s *Server) rollBack(c echo.Context) error {
	name, stage, err := stageParams(c)
	if err != nil {
		return err
	}
	swap, err := s.herder(c).RollBack(c.Request().Context(), name, stage, userOf(c))
	return answerSwap(c, swap, err)
}

// answerSwap is 200 once every task has said what became of the swap, 202 while some have not.
func answerSwap(c echo.Context, swap herder.Swap, err error) error {
	if err != nil {
		return err
	}
	status := http.StatusOK
	if !swap.Settled() {
		status = http.StatusAccepted
	}
	return writeJSON(c, status, newSwap(swap))
}

func (s *Server) listSwaps(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	swaps, err := s.herder(c).Swaps(c.Request().Context(), name)
	if err != nil {
		return err
	}
	list := make([]swap, 0, len(swaps))
	for _, known := range swaps {
		list = append(list, newSwap(known))
	}
	return writeJSON(c, http.StatusOK, list)
}

// stageParams reads which stage of which connector a path names, by the keys of its configuration.
func stageParams(c echo.Context) (connector, stage string, err error) {
	if connector, err = param(c, "connector"); err != nil {
		return "", "", err
	}
	alias, err := param(c, "alias")
	if err != nil {
		return "", "", err
	}
	switch list := strings.Split(c.Path(), "/")[3]; list { // of the route
	case "converters":
		if !slices.Contains([]string{"key", "value", "header"}, alias) {
			return "", "", host.NotFound(fmt.Sprintf("There is no converter %q; there are key, value and header", alias))
		}
		return connector, alias + ".converter", nil
	default:
		return connector, list + "." + alias, nil
	}
}

// swap is a swap in answers.
type swap struct {
	Revision int64          `json:"revision"`
	State    host.SwapState `json:"state"`
	Stage    *string        `json:"stage"`    // null: it came with a configuration
	Version  *string        `json:"version"`  // null: the same
	AskedBy  *string        `json:"asked_by"` // null: nobody had to say
	AskedAt  *string        `json:"asked_at"`
	Reason   *string        `json:"reason"` // of a rollback that nobody asked for
	Tasks    []taskSwap     `json:"tasks"`
}

type taskSwap struct {
	ID        int                 `json:"id"`
	WorkerID  *string             `json:"worker_id"`
	State     host.SwapState      `json:"state"`
	Reason    *string             `json:"reason"`
	Restarted bool                `json:"restarted"`
	Changes   []host.StageChange  `json:"changes"`
	After     []host.SwapPosition `json:"after"`
	PauseUs   *int64              `json:"pause_us"`
	At        *string             `json:"at"`
}

func newSwap(s herder.Swap) swap {
	answer := swap{Revision: s.Revision, State: host.SwapDone, Tasks: []taskSwap{}}
	if r := s.Request; r != nil {
		answer.Stage, answer.Version = &r.Stage, &r.Version
		answer.AskedBy, answer.Reason, answer.AskedAt = orNull(r.By), orNull(r.Reason), timeOf(r.AtUnixMs)
	}
	for task, told := range s.Tasks {
		answer.Tasks = append(answer.Tasks, newTaskSwap(task, told))
	}
	for _, task := range s.Missing {
		answer.Tasks = append(answer.Tasks, taskSwap{ID: task, State: host.SwapPending, Changes: []host.StageChange{},
			After: []host.SwapPosition{}})
	}
	slices.SortFunc(answer.Tasks, func(a, b taskSwap) int { return a.ID - b.ID })
	for _, state := range []host.SwapState{host.SwapPending, host.SwapRolledBack, host.SwapFailed} { // the last one counts
		if slices.ContainsFunc(answer.Tasks, func(t taskSwap) bool { return t.State == state }) {
			answer.State = state
		}
	}
	return answer
}

func newTaskSwap(task int, told store.TaskSwap) taskSwap {
	return taskSwap{ID: task, WorkerID: orNull(told.WorkerID), State: told.State, Reason: orNull(told.Reason),
		Restarted: told.Restarted, Changes: orEmpty(told.Changes), After: orEmpty(told.After), PauseUs: &told.PauseUs,
		At: timeOf(told.AtUnixMs)}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOf(unixMs int64) *string {
	if unixMs == 0 {
		return nil
	}
	text := time.UnixMilli(unixMs).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &text
}

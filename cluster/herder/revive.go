package herder

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// RestartPolicy says whether failed tasks start again by themselves, which Connect leaves to operators. A connector's
// configuration may have the same keys, which are stronger.
type RestartPolicy struct {
	Max        int           // berth.restart.max: restarts of a task within Window; 0: none
	Window     time.Duration // berth.restart.window.ms
	Backoff    time.Duration // berth.restart.backoff.ms: before the first restart within Window; it doubles with each
	BackoffMax time.Duration // berth.restart.backoff.max.ms
}

// Keys of a RestartPolicy.
const (
	restartMaxKey        = "berth.restart.max"
	restartWindowKey     = "berth.restart.window.ms"
	restartBackoffKey    = "berth.restart.backoff.ms"
	restartBackoffMaxKey = "berth.restart.backoff.max.ms"
)

// of returns the policy of a connector, and what is wrong with its keys.
func (p RestartPolicy) of(config host.Config) (RestartPolicy, []error) {
	var problems []error
	read := func(key string, least int64, set func(int64)) {
		text := config[key]
		if text == nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(*text), 10, 32)
		switch {
		case err != nil:
			problems = append(problems, abi.InvalidValue(key, *text, "Not a number of type INT"))
		case n < least:
			problems = append(problems, abi.InvalidValue(key, *text, fmt.Sprintf("Value must be at least %d", least)))
		default:
			set(n)
		}
	}
	millis := func(to *time.Duration) func(int64) {
		return func(n int64) { *to = time.Duration(n) * time.Millisecond }
	}
	read(restartMaxKey, 0, func(n int64) { p.Max = int(n) })
	read(restartWindowKey, 1, millis(&p.Window))
	read(restartBackoffKey, 0, millis(&p.Backoff))
	read(restartBackoffMaxKey, 0, millis(&p.BackoffMax))
	read(host.TrapMaxKey, 0, func(int64) {}) // the host's, which the same request may get wrong
	return p, problems
}

// delay is the back-off before a restart that follows others.
func (p RestartPolicy) delay(others int) time.Duration {
	delay := p.Backoff
	for range others {
		if delay >= p.BackoffMax {
			break
		}
		delay *= 2
	}
	return min(delay, max(p.Backoff, p.BackoffMax))
}

// revival is the history of a task's restarts.
type revival struct {
	at      []time.Time // restarts within the window
	failure int         // counts failures
}

// reviveLater plans the restart of a task that has failed and returns what is to be added to the trace of its status;
// "" without a policy.
func (h *Herder) reviveLater(id host.TaskID) string {
	connector, _ := h.configs.Snapshot().Connector(id.Connector)
	policy, problems := h.config.Restarts.of(connector.Config)
	if policy.Max == 0 || len(problems) > 0 { // written by a worker that does not check them
		return ""
	}
	r := h.revivals[id]
	if r == nil {
		r = &revival{}
		h.revivals[id] = r
	}
	now := time.Now()
	r.failure++
	r.at = slices.DeleteFunc(r.at, func(at time.Time) bool { return now.Sub(at) >= policy.Window })
	if len(r.at) >= policy.Max {
		return fmt.Sprintf("Not restarted: %s=%d restarts within %s=%d have not helped%s", restartMaxKey, policy.Max,
			restartWindowKey, policy.Window.Milliseconds(), r.history())
	}
	failure, delay := r.failure, policy.delay(len(r.at))
	time.AfterFunc(delay, func() { h.inbox.post(func() { h.revive(id, failure) }) })
	return fmt.Sprintf("Restart %d of %d (%s) follows at %s%s", len(r.at)+1, policy.Max, restartMaxKey,
		now.Add(delay).UTC().Format(time.RFC3339), r.history())
}

// history lists the restarts that were.
func (r *revival) history() string {
	if len(r.at) == 0 {
		return "."
	}
	times := make([]string, len(r.at))
	for i, at := range r.at {
		times[i] = at.UTC().Format(time.RFC3339)
	}
	return "; restarted at " + strings.Join(times, ", ") + "."
}

// revive restarts a task unless it has been started again, or failed again, since it was planned, or moved away.
func (h *Herder) revive(id host.TaskID, failure int) {
	r, c := h.revivals[id], h.conductors[id.Connector]
	if r == nil || r.failure != failure || c == nil || !c.runs(id.Task) || h.reports.last(id).state != host.Failed {
		return
	}
	h.log.Info("Restarting a failed task", "connector", id.Connector, "task", id.Task, "restarts", len(r.at))
	r.at = append(r.at, time.Now())
	restarting := h.status(host.Restarting, "Restarted after a failure"+r.history(), h.reports.last(id).version)
	h.statuses.PutTask(id, restarting)
	c.restart(restart{tasks: []int{id.Task}, revival: true})
}

// forgetRevivals begins the history of a connector's tasks anew.
func (h *Herder) forgetRevivals(name string) {
	for id := range h.revivals {
		if id.Connector == name {
			delete(h.revivals, id)
		}
	}
}

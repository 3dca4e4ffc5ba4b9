package task

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// load is what passed stages of late, and what it cost.
type load struct {
	records, failed float64
	spent           time.Duration
}

// loadRecords is how many records a load remembers: with twice as many, half is forgotten.
const loadRecords = 50_000

func (l *load) add(records, failed int, spent time.Duration) {
	l.records, l.failed, l.spent = l.records+float64(records), l.failed+float64(failed), l.spent+spent
	if l.records > 2*loadRecords {
		l.records, l.failed, l.spent = l.records/2, l.failed/2, l.spent/2
	}
}

// untimed forgets what records cost: it was measured with other stages in the connector's instance.
func (l *load) untimed() load { return load{records: l.records, failed: l.failed} }

func (l *load) errorRate() float64 { return l.failed / max(l.records, 1) }

func (l *load) perRecord() time.Duration { return l.spent / time.Duration(max(l.records, 1)) }

// Below so many records, or that time, what is measured says nothing.
const (
	ratedRecordsMin = 100
	timedRecordsMin = 1000
	timedSpentMin   = 20 * time.Millisecond
)

// probation holds new stages to a policy, by what the stages before them did.
type probation struct {
	policy host.SwapPolicy
	before load
	slow   string // why the next boundary is the last one; "": it is not
}

func newProbation(policy *host.SwapPolicy, before *load) *probation {
	if policy == nil {
		return nil
	}
	return &probation{policy: *policy, before: *before}
}

// breach tells why stages must not have the outcome of these n records; "": they may.
func (p *probation) breach(tolerance *Tolerance, n, failed int, since *load, err error) string {
	var ended *pipeline.StageError
	switch {
	case errors.As(err, &ended):
		return fmt.Sprintf("an instance ended: %s (%s)", firstLine(ended), ended.Where())
	case err != nil || failed == 0:
		return ""
	case !tolerance.All:
		return "a record failed, which would have ended the task (errors.tolerance=none)"
	}
	total := load{records: since.records + float64(n), failed: since.failed + float64(failed)}
	rate, before := total.failed/max(total.records, ratedRecordsMin), p.before.errorRate()
	if rate-before <= p.policy.ErrorRateMax {
		return ""
	}
	return fmt.Sprintf("%.0f of %.0f records failed, a share of %.4f after %.4f before, which is over "+
		"berth.swap.error.rate.max=%g", total.failed, total.records, rate, before, p.policy.ErrorRateMax)
}

// watch looks whether the stages are too slow.
func (p *probation) watch(since *load) {
	if p.policy.LatencyRatio == 0 || p.before.records < timedRecordsMin || p.before.spent == 0 ||
		since.records < timedRecordsMin || since.spent < timedSpentMin {
		return
	}
	limit := time.Duration(float64(p.before.perRecord()) * p.policy.LatencyRatio)
	if took := since.perRecord(); took > limit {
		p.slow = fmt.Sprintf("a record took %s after %s before, which is over berth.swap.latency.ratio.max=%g", took,
			p.before.perRecord(), p.policy.LatencyRatio)
	}
}

// lost counts the failures that are not tried again.
func (t *Tolerance) lost(failures []pipeline.RecordFailure) int {
	n := 0
	for i := range failures {
		if f := &failures[i]; !f.Stage.IsConnector() && !(f.Retriable() && t.retries()) {
			n++
		}
	}
	return n
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

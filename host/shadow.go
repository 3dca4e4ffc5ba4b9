package host

import (
	"context"
	"encoding/json"
	"time"
)

// Limits of shadows.
const (
	ShadowQueueBatches   = 4       // of a task's batches that wait for a shadow; what comes then is dropped
	ShadowDifferencesMax = 20      // that a task keeps, the first ones
	ShadowDatumBytesMax  = 2 << 10 // of a key, value or header in a difference; what is longer is cut
	ShadowRestartsMax    = 100     // instances of a candidate that may end before its shadow does
	ShadowsMax           = 8       // of one connector
	// ShadowSecondCPU is what each of a shadow's instances may compute in a second, so that a busy worker's cores stay
	// with its tasks; what the shadow is behind with then is dropped.
	ShadowSecondCPU = 250 * time.Millisecond
)

// ShadowWish asks for a candidate for one of a connector's transformations to run beside the live one, on the same
// records, without any effect but a report.
type ShadowWish struct {
	ID        string `json:"id"` // of this wish: reports of one before do not count
	Connector string `json:"connector"`
	Alias     string `json:"alias"`
	Version   string `json:"version,omitempty"` // of the plugin; "": as the live one's
	Config    Config `json:"config,omitempty"`  // the transformation's keys that differ, without prefix; null: it has none
	Network   bool   `json:"network,omitempty"` // its chain may use the network as far as the operator grants it
	SinceMs   int64  `json:"since_ms"`          // since the epoch
}

// Patch is what of a connector's configuration makes a candidate the live transformation; null: without the key.
func (w *ShadowWish) Patch() Config {
	patch, prefix := Config{}, "transforms."+w.Alias+"."
	for key, value := range w.Config {
		patch[prefix+key] = value
	}
	if w.Version != "" {
		patch[prefix+"plugin.version"] = &w.Version
	}
	return patch
}

// Shadower runs shadows beside tasks. A Runtime may implement it.
type Shadower interface {
	// CheckShadow tells what is wrong with a wish. Errors: ErrNotFound (no such transformation), ErrBadRequest.
	CheckShadow(ctx context.Context, connector Config, wish ShadowWish) error
	// SetShadows sets what is to run beside the tasks of a connector on this worker, those to come too. It returns at
	// once.
	SetShadows(connector string, wishes []ShadowWish)
	// ShadowReports are those of the tasks that run here.
	ShadowReports(connector, alias string) []ShadowReport
}

// States of a shadow beside a task.
const (
	ShadowStarting = "starting"
	ShadowRunning  = "running"
	ShadowFailed   = "failed" // for Problem; it compares no more
)

// ShadowReport is what the shadow beside one task has seen.
type ShadowReport struct {
	ID       string `json:"id"` // of the wish
	Task     int    `json:"task"`
	WorkerID string `json:"worker_id"`
	State    string `json:"state"`
	Problem  string `json:"problem,omitempty"`
	ShadowCounts
	Differences []ShadowDifference `json:"differences"` // the first ones
}

// ShadowCounts counts records, as they entered the chain.
type ShadowCounts struct {
	Compared   int64 `json:"compared"`
	Equal      int64 `json:"equal"`
	Different  int64 `json:"different"`
	BothFailed int64 `json:"both_failed"` // of the equal ones: failed in both chains, in the same way
	Dropped    int64 `json:"dropped"`     // not compared, because the shadow was behind or a chain could not be tried

	Traps     int64  `json:"traps"` // of the candidate chain: instances that ended on a record
	LastTrap  string `json:"last_trap,omitempty"`
	LiveCPU   int64  `json:"live_cpu_us"` // of a copy of the live chain that runs beside the candidate
	Candidate int64  `json:"candidate_cpu_us"`
}

// CPURatio is the candidate's CPU time in proportion to the live chain's; 0: nothing was compared.
func (c *ShadowCounts) CPURatio() float64 {
	if c.LiveCPU == 0 {
		return 0
	}
	return float64(c.Candidate) / float64(c.LiveCPU)
}

// Add sums counts of tasks.
func (c *ShadowCounts) Add(o *ShadowCounts) {
	c.Compared += o.Compared
	c.Equal += o.Equal
	c.Different += o.Different
	c.BothFailed += o.BothFailed
	c.Dropped += o.Dropped
	c.Traps += o.Traps
	c.LiveCPU += o.LiveCPU
	c.Candidate += o.Candidate
	if o.LastTrap != "" {
		c.LastTrap = o.LastTrap
	}
}

// ShadowDifference is a record of which the chains made different things.
type ShadowDifference struct {
	Record    ShadowOrigin  `json:"record"`
	Live      ShadowOutcome `json:"live"`
	Candidate ShadowOutcome `json:"candidate"`
}

// ShadowOrigin says where a record is from: in Kafka, or in a source's system.
type ShadowOrigin struct {
	Topic           string          `json:"topic"`
	Partition       *int32          `json:"partition,omitempty"`
	Offset          *int64          `json:"offset,omitempty"`
	SourcePartition json.RawMessage `json:"source_partition,omitempty"`
	SourceOffset    json.RawMessage `json:"source_offset,omitempty"`
}

// ShadowOutcome is what a chain made of a record.
type ShadowOutcome struct {
	Outcome string          `json:"outcome"` // passed, dropped or failed
	Stage   string          `json:"stage,omitempty"`
	Records []PreviewRecord `json:"records,omitempty"`
	Error   *PreviewError   `json:"error,omitempty"`
}

package host

import "encoding/json"

// SwapState is how far a task is with a swap: a change of its transformations, predicates and converters while it runs.
type SwapState string

// States of swaps.
const (
	SwapPending    SwapState = "pending"     // the new stages start beside the old ones, or wait for a batch to end
	SwapDone       SwapState = "done"        // the new stages have the records
	SwapRolledBack SwapState = "rolled back" // the old stages have them again: what is new has failed its probation
	SwapFailed     SwapState = "failed"      // the old stages have them still
	SwapStarted    SwapState = "started"     // no swap: the task begins, with the stages of its configuration
)

// SwapReport is what became of a swap in one task.
type SwapReport struct {
	Revision  int64         `json:"revision"` // of the connector's configuration that asked for it
	State     SwapState     `json:"state"`
	Reason    string        `json:"reason,omitempty"`    // of a failure or a rollback
	Restarted bool          `json:"restarted,omitempty"` // the task was started anew to have its stages replaced
	Changes   []StageChange `json:"changes"`
	// After is where the last record was that the stages before had, at the last switch: of each partition that has had
	// records since the start of the task, or, if it was started anew, of each one of the connector that has an offset.
	After    []SwapPosition `json:"after"`
	PauseUs  int64          `json:"pause_us"` // how long no record could pass at the last switch
	AtUnixMs int64          `json:"at"`
}

// StageChange is a place in a task's pipeline where another plugin, or another configuration, takes over.
type StageChange struct {
	Stage string         `json:"stage"` // by the key of the connector's configuration, such as transforms.mask
	Old   *PluginVersion `json:"old"`   // nil: the stage is new
	New   *PluginVersion `json:"new"`   // nil: it is gone
}

// PluginVersion names a plugin and the module that it is from.
type PluginVersion struct {
	Class   string `json:"class"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // SHA-256 of the module, hex
}

// SwapPosition is an offset within a partition, both as the JSON objects of the offsets API (KIP-875). Of a sink's
// partition it is the offset of the last record itself.
type SwapPosition struct {
	Partition json.RawMessage `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

// SwapOrder asks a running task to go on with the stages of another configuration of its connector.
type SwapOrder struct {
	Revision  int64
	Connector Config
	Task      Config
	// VersionsOnly: it differs from the configuration before in plugin versions alone. Such a change is on probation:
	// what fails goes back to the version before. Any other change is carried out as Connect does, though without a
	// restart: a task that fails with it has failed.
	VersionsOnly bool
}

// SwapPositionsMax is how many positions of a task a report names at most.
const SwapPositionsMax = 1000

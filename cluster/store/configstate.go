package store

import (
	"math"
	"slices"

	"github.com/berth-connect/berth/host"
)

// NoTaskCount is the TaskCount of a connector without a commit record; a record can say -1.
const NoTaskCount = math.MinInt32

// Connector is what the config topic says of one connector. Nil Config: the connector is unknown or deleted and the
// rest is what was left behind. It is never changed in place.
type Connector struct {
	Config        host.Config
	Revision      int64               // offset of the record that Config is from
	AppliedConfig host.Config         // Config as of the last applied commit; nil when there was none
	Target        host.TargetState    // "" only when unknown
	TaskCount     int                 // of the last commit record, also of an incomplete one; NoTaskCount: none
	TaskConfigs   map[int]host.Config // of the last applied commit; may hold ids >= TaskCount
	Inconsistent  bool                // the last commit was incomplete: there are no tasks
	Generation    int                 // counts applied commits, the first is 0; -1: none
	FencedCount   *int                // of the last tasks-fencing record (KIP-618); nil: none
	PendingFence  bool                // a commit came after the last tasks-fencing record
	Shadows       []host.ShadowWish   // by alias
}

// Tasks lists the tasks that can run: none while inconsistent.
func (c Connector) Tasks(name string) []host.TaskID {
	if c.Inconsistent {
		return nil
	}
	ids := make([]host.TaskID, 0, max(c.TaskCount, 0))
	for i := range max(c.TaskCount, 0) {
		ids = append(ids, host.TaskID{Connector: name, Task: i})
	}
	return ids
}

// SessionKey signs requests between workers (KIP-507).
type SessionKey struct {
	Key           []byte
	Algorithm     string
	CreatedUnixMs int64
}

// RestartRequest is a restart-connector record (KIP-745).
type RestartRequest struct {
	Connector    string
	IncludeTasks bool
	OnlyFailed   bool
}

// ConfigSnapshot is the state of the config topic up to an offset. It is read only.
type ConfigSnapshot struct {
	Offset     int64                // last record's offset + 1, -1 when nothing was read; goes into the group's metadata
	Connectors map[string]Connector // unknown ones with leftovers too: check Config
	Tenants    map[string]host.Tenant
	SessionKey *SessionKey
}

// Names lists the known connectors, sorted.
func (s *ConfigSnapshot) Names() []string {
	var names []string
	for name, c := range s.Connectors {
		if c.Config != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Connector returns a known connector.
func (s *ConfigSnapshot) Connector(name string) (Connector, bool) {
	c, ok := s.Connectors[name]
	return c, ok && c.Config != nil
}

// EventKind tells what a ConfigEvent is about.
type EventKind int

// Kinds of events.
const (
	ConnectorUpdated EventKind = iota // Connector
	ConnectorRemoved                  // Connector
	TasksUpdated                      // Tasks: those that are new or whose configuration was written again
	TargetChanged                     // Connector
	RestartRequested                  // Restart
	SessionKeyUpdated
	LoggerLevelSet // Namespace, Level
	ShadowsChanged // Connector
	TenantChanged  // Tenant: its connectors may reach other things than before
	TenantDoomed   // Tenant: all that it has is to go
	TenantDeleted  // Tenant
)

// ConfigEvent is a change read from the config topic after start-up.
type ConfigEvent struct {
	Kind             EventKind
	Connector        string
	Tasks            []host.TaskID
	Restart          RestartRequest
	Namespace, Level string
	Tenant           string
}

// Package group is Kafka Connect's group membership: which worker leads and which connectors and tasks are whose. It
// speaks the protocols of the original (KIP-415, KIP-507), so that workers of both kinds may share a group.
package group

import (
	"context"
	"time"

	"github.com/berth-connect/berth/host"
)

// Protocol is what the members of a group agree on for a round; the values are the versions on the wire.
type Protocol int16

// Protocols of a group (ConnectProtocolCompatibility).
const (
	Eager      Protocol = 0 // every round stops all work first
	Compatible Protocol = 1 // incremental cooperative (KIP-415)
	Sessioned  Protocol = 2 // Compatible, and requests between workers are signed (KIP-507)
)

// Codes of Assignment.Error.
const (
	NoError        int16 = 0
	ConfigMismatch int16 = 1 // the leader has not read as much of the config topic as some member
)

// Work is a set of connectors and tasks. Order carries no meaning but is kept.
type Work struct {
	Connectors []string
	Tasks      []host.TaskID
}

// Assignment is what the leader tells a member in a round.
type Assignment struct {
	Error        int16         // NoError or ConfigMismatch; any other means a failed round too
	Leader       string        // member id
	LeaderURL    string        // advertised URL, ends with a slash
	ConfigOffset int64         // the state of the config topic that the work was taken from
	Work                       // Eager: all that is the member's; else what it gets on top of what it holds
	Revoked      Work          // never with Eager
	Delay        time.Duration // until the members must join again, whole milliseconds; 0: no such need
}

// Failed says that nothing was assigned and the members have to read the config topic and join again.
func (a *Assignment) Failed() bool { return a.Error != NoError }

// Session is a completed round.
type Session struct {
	Generation int32
	MemberID   string
	Protocol   Protocol
	IsLeader   bool
	Assignment Assignment // as it came, for logs; Failed is never true here
	Held       Work       // all that this worker has to run from now on, the new and the kept
	Owners     *Owners    // who runs what, as of this round; nil unless IsLeader
}

// Event is Revoking, Joined or Lost.
type Event interface{ event() }

// Revoking names work to stop. The member goes on only when Stopped was called.
type Revoking struct{ Work }

// Joined ends a round: the worker runs what Session.Held names. Config topic and assignment are at the same offset.
type Joined struct{ Session Session }

// Lost says that the worker is no member any more and nothing is its own: it was expelled, or could not reach the
// group's coordinator for the session timeout, after which others may run its work. Everything has to stop at once;
// then Stopped must be called. The member joins anew by itself.
type Lost struct{ Reason string }

func (Revoking) event() {}
func (Joined) event()   {}
func (Lost) event()     {}

// ConfigView is what the leader distributes: the state of the config topic at an offset.
type ConfigView struct {
	Offset int64          // of the last record read + 1; -1 when the topic is empty
	Tasks  map[string]int // connector → number of its tasks

	// Inconsistent are connectors whose task set was written only in part; their tasks are not assigned.
	Inconsistent []string
}

// State is the worker's view of the config topic.
type State interface {
	// Ready is closed when the config topic has been read once.
	Ready() <-chan struct{}
	// ConfigOffset is that of the configurations the worker acts on; see ConfigView.Offset.
	ConfigOffset() int64
	// FreshConfigs returns configurations of offset atLeast or later. When what has been read is older, it reads the
	// topic to its end first and returns what that gave, be it older or not. The error is that of ctx or of Kafka.
	FreshConfigs(ctx context.Context, atLeast int64) (ConfigView, error)
}

package herder

import (
	"context"
	"errors"
	"time"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// NotLeader is the error of a request that another worker has to serve: the leader of the group, or, for a restart, the
// worker that runs what is to be restarted. Its kind is host.ErrConflict.
type NotLeader struct {
	LeaderURL string // that worker's advertised URL, ends with a slash; "" when nobody is known
}

func elsewhere(url string) error { return &NotLeader{url} }

// Error is Kafka's text of an answer to a request that is not forwarded.
func (e *NotLeader) Error() string {
	if e.LeaderURL == "" {
		return "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
	}
	return "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
}

// Unwrap makes it a conflict.
func (e *NotLeader) Unwrap() error { return host.ErrConflict }

// errRebalance is the answer to requests whose place is not known before the next round has ended.
var errRebalance = &host.Error{Kind: host.ErrConflict, Message: "Cannot complete request momentarily due to stale " +
	"configuration (typically caused by a concurrent config change)"}

func (h *Herder) leads() bool { return h.group == nil || h.session.IsLeader }

// lead returns an error unless this worker leads the group.
func (h *Herder) lead() error {
	if h.leads() {
		return nil
	}
	return elsewhere(h.session.Assignment.LeaderURL)
}

// connectorElsewhere is where a request for a connector that does not run here has to go: the leader knows its owner.
func (h *Herder) connectorElsewhere(name string) error {
	if h.leads() && h.session.Owners != nil {
		return elsewhere(h.session.Owners.Connector(name))
	}
	return elsewhere(h.session.Assignment.LeaderURL)
}

func (h *Herder) taskElsewhere(id host.TaskID) error {
	if h.leads() && h.session.Owners != nil {
		return elsewhere(h.session.Owners.Task(id))
	}
	return elsewhere(h.session.Assignment.LeaderURL)
}

// awaitRound waits for the end of a rebalance, for limit at most. Connect's worker is busy with a round and takes the
// request after it.
func (h *Herder) awaitRound(ctx context.Context, limit time.Duration) error {
	if err := h.await(ctx); err != nil || h.group == nil {
		return err
	}
	patience := time.After(limit)
	for {
		next := h.rounds.next()
		if !h.group.Rebalancing() {
			return nil
		}
		select {
		case <-next:
		case <-patience:
			return errRebalance
		case <-h.ended:
			return errStopping
		case <-ctx.Done():
			return h.timedOut(ctx, h.stage.Load())
		}
	}
}

// publishTasks writes a connector's task configurations when they differ from what is stored, by way of the leader,
// or, to mend, when what is stored is incomplete. Called by conductors.
func (h *Herder) publishTasks(ctx context.Context, name string, configEpoch int, tasks []host.Config,
	mend bool) error {
	what := "writing task configurations of connector " + name
	sendTo, err := decide(ctx, h, what, func(ctx context.Context) (string, error) {
		connector, known := h.configs.Snapshot().Connector(name)
		c := h.conductors[name]
		if !known || c == nil || !c.wish.here || c.wish.configEpoch != configEpoch ||
			connector.Target == host.TargetStopped {
			return "", errStale
		}
		if !tasksChanged(connector, tasks) && !(mend && connector.Inconsistent) {
			return "", nil
		}
		if h.leads() {
			return "", h.putTasks(ctx, name, connector, tasks)
		}
		if h.session.Assignment.LeaderURL == "" {
			return "", errNoLeader
		}
		return h.session.Assignment.LeaderURL, nil
	})
	if err != nil || sendTo == "" {
		return err
	}
	return h.leader.PutTaskConfigs(ctx, sendTo, name, tasks, h.signer())
}

var errNoLeader = errors.New("request to leader to reconfigure connector tasks failed because the URL of the " +
	"leader's REST interface is empty")

// tasksChanged tells whether tasks must be written: also when the connector's configuration has changed since the last
// commit, because converters, transformations and overrides reach tasks without being in their configurations. A commit
// that was repeated without its tasks leaves the connector without any, as in Connect, until a user restarts it.
func tasksChanged(stored store.Connector, tasks []host.Config) bool {
	if len(tasks) != max(stored.TaskCount, 0) {
		return true
	}
	for i, task := range tasks {
		if !sameConfig(task, stored.TaskConfigs[i]) {
			return true
		}
	}
	return len(tasks) > 0 && !sameConfig(stored.Config, stored.AppliedConfig)
}

func sameConfig(a, b host.Config) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		other, has := b[key]
		if !has || (value == nil) != (other == nil) || value != nil && *value != *other {
			return false
		}
	}
	return true
}

// pruneStatuses deletes statuses of what is no longer configured; the topics that it used stay known, as in Connect.
func (h *Herder) pruneStatuses() {
	snapshot := h.configs.Snapshot()
	for _, name := range h.statuses.Connectors() {
		if _, known := snapshot.Connector(name); known {
			h.pruneTasks(name)
		} else {
			h.deleteStates(name)
		}
	}
}

// pruneTasks deletes the statuses of tasks that a connector no longer has.
func (h *Herder) pruneTasks(name string) {
	for task := range h.statuses.Tasks(name) {
		id := host.TaskID{Connector: name, Task: task}
		if !h.hasTask(id) {
			h.statuses.PutTask(id, h.status(host.Destroyed, "", ""))
		}
	}
}

// deleteStatuses leaves nothing of a connector that was deleted while this worker led.
func (h *Herder) deleteStatuses(name string) {
	h.deleteStates(name)
	h.statuses.DeleteTopics(name)
	h.statuses.DeleteSwaps(name)
}

func (h *Herder) deleteStates(name string) {
	destroyed := h.status(host.Destroyed, "", "")
	for task := range h.statuses.Tasks(name) {
		h.statuses.PutTask(host.TaskID{Connector: name, Task: task}, destroyed)
	}
	h.statuses.PutConnector(name, destroyed)
}

// signer signs requests to the leader, where the group does so.
func (h *Herder) signer() sessionkey.Signer {
	if !h.signs.Load() {
		return nil
	}
	return func(body []byte) (sessionkey.Signature, error) {
		key := h.configs.Snapshot().SessionKey
		if key == nil {
			return sessionkey.Signature{}, errNoKey
		}
		return sessionkey.Sign(key.Key, h.config.SessionKeys.SignatureAlgorithm, body)
	}
}

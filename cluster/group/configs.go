package group

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// syncRetriesMax is how often a member tries again to read the configurations of its new work before it gives up what
// it holds (BACKOFF_RETRIES of the original's herder).
const syncRetriesMax = 5

// errUnsynced says that the config topic can't be read up to where the assignment was made from.
var errUnsynced = errors.New("the config topic can't be read in time (worker.sync.timeout.ms)")

// awaitReadable returns when the config topic can be read again: a worker that can't is of no use to the group.
func (m *Member) awaitReadable(ctx context.Context) {
	pause := m.config.WorkerUnsyncBackoff
	if m.protocol.Incremental() {
		pause = m.config.ScheduledRebalanceMaxDelay / 10 / syncRetriesMax
	}
	for ctx.Err() == nil {
		m.sleep(ctx, max(pause, m.config.RetryBackoff))
		reading, cancel := context.WithTimeout(ctx, m.config.WorkerSyncTimeout)
		_, err := m.ports.State.FreshConfigs(reading, math.MaxInt64)
		cancel()
		if err == nil {
			return
		}
		m.log.Warn("the config topic still can't be read", "error", err)
	}
}

// catchUp returns nil when the worker's configurations are just those that the assignment was made from; otherwise
// another round is needed.
func (m *Member) catchUp(a *Assignment) error {
	offset := m.ports.State.ConfigOffset()
	if a.Failed() || offset < a.ConfigOffset {
		var err error
		if offset, err = m.readConfigs(a.ConfigOffset); err != nil {
			return err
		}
	}
	switch {
	case a.Failed():
		return fmt.Errorf("the leader %s has not read the config topic up to offset %d, which some worker announced, "+
			"yet (error %d)", a.LeaderURL, a.ConfigOffset, a.Error)
	case offset != a.ConfigOffset:
		return fmt.Errorf("%w: the assignment was made from offset %d of the config topic, this worker is at %d",
			errAgain, a.ConfigOffset, offset)
	}
	return nil
}

// dropDeleted gives up work that is not configured any more, and tells whether there was some. A leader revokes it,
// too, but a new one does not, as it does not know where it comes from.
func (m *Member) dropDeleted() (dropped bool, err error) {
	view, err := m.ports.State.FreshConfigs(m.session.ctx, m.allocation.ConfigOffset)
	if err != nil {
		return false, fmt.Errorf("look for deleted connectors: %w", err)
	}
	held := worksetOf(m.held())
	deleted := held.without(worksetOf(view.work()))
	if err := m.stop(deleted); err != nil {
		return false, err
	}
	m.allocation.Work = held.without(deleted).work()
	return !deleted.empty(), nil
}

// readConfigs reads the config topic, which should reach atLeast. The work that is held already goes on meanwhile.
func (m *Member) readConfigs(atLeast int64) (offset int64, err error) {
	for {
		ctx, cancel := context.WithTimeout(m.session.ctx, m.config.WorkerSyncTimeout)
		view, err := m.ports.State.FreshConfigs(ctx, atLeast)
		cancel()
		if err == nil {
			m.syncRetries = syncRetriesMax
			return view.Offset, nil
		}
		m.log.Warn("reading the config topic failed", "error", err, "up_to", atLeast, "retries_left", m.syncRetries)
		if err := m.awaitRetry(); err != nil {
			return 0, err
		}
	}
}

// awaitRetry waits a fraction of the scheduled rebalance's delay that grows with each retry; all of them together stay
// below it. A member of an eager group holds nothing and gives up at once.
func (m *Member) awaitRetry() error {
	if !m.protocol.Incremental() || m.syncRetries == 0 {
		m.syncRetries = syncRetriesMax
		return errUnsynced
	}
	timer := time.NewTimer(m.config.ScheduledRebalanceMaxDelay / 10 / time.Duration(m.syncRetries))
	defer timer.Stop()
	m.syncRetries--
	select {
	case <-timer.C:
		return nil
	case <-m.session.rebalance:
		return errAgain
	case <-m.session.ctx.Done():
		return context.Cause(m.session.ctx)
	}
}

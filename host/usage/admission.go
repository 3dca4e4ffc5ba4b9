package usage

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/berth-connect/berth/host"
)

// admittedPercent is up to where a worker's, and a tenant's, memory may be filled by starting tasks. The rest is for
// those that run: they grow, and one that must not ends.
const admittedPercent = 90

// Admission is a task's place in its tenant's quota.
type Admission struct {
	book    *Book
	tenant  *Tenant
	needs   int64
	started sync.Once
}

// Admit lets a task start that will have so many bytes at first, or tells what it has no room in: a *host.LimitError.
// used and limit are those of the whole worker. Who is admitted must call Started or Ended, and Ended at last.
func (b *Book) Admit(c *Connector, needs, used, limit int64) (*Admission, error) {
	b.admitting.Lock()
	defer b.admitting.Unlock()
	t := c.Tenant
	err := t.admitTask()
	if err == nil {
		if err = b.admitMemory(t, needs, used, limit); err != nil {
			t.tasks.Add(-1)
		}
	}
	if err != nil {
		t.slowed.tasks.Add(1)
		return nil, err
	}
	return &Admission{book: b, tenant: t, needs: needs}, nil
}

func (t *Tenant) admitTask() error {
	limit := int64(t.quota().Tasks)
	if n := t.tasks.Add(1); limit > 0 && n > limit {
		t.tasks.Add(-1)
		return &host.LimitError{Name: host.LimitTenantTasks, Limit: fmt.Sprint(limit),
			What: "was not started: tenant " + displayName(t.name) + " has that many on this worker"}
	}
	return nil
}

func (b *Book) admitMemory(t *Tenant, needs, used, limit int64) error {
	if !reserve(&b.needed, needs, used, limit) {
		return notAdmitted(host.LimitWorkerMemory, "the guests on this worker", used+b.needed.Load(), needs, limit)
	}
	if limit = t.quota().MemoryBytes; !reserve(&t.needed, needs, t.memory.now.Load(), limit) {
		b.needed.Add(-needs)
		return notAdmitted(host.LimitTenantMemory, "tenant "+displayName(t.name), t.memory.now.Load()+t.needed.Load(), needs,
			limit)
	}
	return nil
}

// reserve adds to what is needed if it fits beside what is used; limit 0: it always does.
func reserve(needed *atomic.Int64, n, used, limit int64) bool {
	if all := needed.Add(n); limit > 0 && used+all > limit/100*admittedPercent {
		needed.Add(-n)
		return false
	}
	return true
}

func notAdmitted(name, who string, has, needs, limit int64) error {
	return &host.LimitError{Name: name, Limit: mebibytes(limit), What: fmt.Sprintf(
		"was not started: it needs %s, and %s already has %s; tasks start up to %d %% of the limit", mebibytes(needs), who,
		mebibytes(has), admittedPercent)}
}

// Started says that the task's instances run: what they have counts by itself now.
func (a *Admission) Started() {
	a.started.Do(func() {
		a.tenant.needed.Add(-a.needs)
		a.book.needed.Add(-a.needs)
	})
}

// Ended frees the task's place.
func (a *Admission) Ended() {
	a.Started()
	a.tenant.tasks.Add(-1)
}

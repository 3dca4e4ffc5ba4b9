package group

import (
	"maps"
	"slices"

	"github.com/berth-connect/berth/host"
)

// loadsTag begins the loads in a member's metadata, so that a field which Kafka Connect may add one day is not taken
// for them.
const loadsTag = "berth.loads.1"

// loads writes nothing for a member that does not tell.
func (w *writer) loads(loads map[host.TaskID]host.TaskLoad) {
	if loads == nil {
		return
	}
	w.string("loads", loadsTag)
	w.int32(int32(len(loads)))
	for _, id := range slices.SortedFunc(maps.Keys(loads), compareTask) {
		w.string("loads.connector", id.Connector)
		w.int32(int32(id.Task))
		w.int64(loads[id].BytesPerSecond)
		w.int64(loads[id].MemoryBytes)
	}
}

// loads reads what follows the metadata of Kafka Connect; bytes that are no loads are ignored, as any that follow.
func (r *reader) loads() map[host.TaskID]host.TaskLoad {
	if r.err != nil {
		return nil
	}
	own := reader{rest: r.rest}
	if own.atEnd() || own.string("loads") != loadsTag {
		return nil
	}
	count := own.int32("loads")
	own.checkCount("loads", count)
	if own.err != nil {
		return nil
	}
	loads := map[host.TaskID]host.TaskLoad{}
	for range count {
		id := host.TaskID{Connector: own.string("loads.connector"), Task: int(own.int32("loads.task"))}
		load := host.TaskLoad{BytesPerSecond: max(own.int64("loads.bytes"), 0),
			MemoryBytes: max(own.int64("loads.memory"), 0)}
		if own.err != nil {
			return nil
		}
		loads[id] = load
	}
	return loads
}

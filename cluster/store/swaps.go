package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/host"
)

// swapKey is the prefix of a swap's records in the status topic, which Connect's workers pass over: one of who asked,
// and one for each task. They are `status-swap-REVISION-request-CONNECTOR` and `status-swap-REVISION-TASK-CONNECTOR`.
const swapKey = "status-swap-"

const swapRequestTask = "request"

// swapsKeptMax is how many swaps of a connector are remembered; older ones are deleted.
const swapsKeptMax = 100

// SwapRequest says who asked for a swap.
type SwapRequest struct {
	Revision int64  `json:"revision"` // of the connector's configuration that was written for it
	Stage    string `json:"stage"`    // transforms.ALIAS, predicates.ALIAS or key.converter and the like
	Version  string `json:"version"`
	Before   string `json:"before"` // the version in the configuration of before; "": none
	By       string `json:"by"`     // the user; "": nobody had to say
	Reason   string `json:"reason"` // of a rollback that nobody asked for; ""
	AtUnixMs int64  `json:"at"`
}

// TaskSwap is what became of a swap in one task, and where.
type TaskSwap struct {
	WorkerID string `json:"worker_id"`
	host.SwapReport
}

// Swap is a change of a connector's transformations, predicates and converters while its tasks run.
type Swap struct {
	Revision int64
	Request  *SwapRequest // nil: it came with a configuration
	Tasks    map[int]TaskSwap
}

// PutSwapRequest records who asked for a swap and returns at once, as PutConnector.
func (s *StatusStore) PutSwapRequest(connector string, request SwapRequest) {
	s.putSwap(connector, request.Revision, swapRequestTask, request, nil)
}

// PutTaskSwap records what became of a swap in a task and returns at once, as PutTask; written is called when the topic
// has the record, or a newer one takes its place.
func (s *StatusStore) PutTaskSwap(id host.TaskID, swap TaskSwap, written func()) {
	s.putSwap(id.Connector, swap.Revision, strconv.Itoa(id.Task), swap, written)
}

func (s *StatusStore) putSwap(connector string, revision int64, task string, body any, written func()) {
	value, err := json.Marshal(body)
	if err != nil { // a position that is not JSON
		s.log.Error("a swap can't be recorded", "connector", connector, "task", task, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pending{key: swapRecordKey(connector, revision, task), value: value, written: written})
	known := slices.Sorted(maps.Keys(s.reader.swaps[connector]))
	for len(known) >= swapsKeptMax {
		s.deleteSwap(connector, known[0])
		known = known[1:]
	}
}

// DeleteSwaps forgets all swaps of a connector.
func (s *StatusStore) DeleteSwaps(connector string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for revision := range s.reader.swaps[connector] {
		s.deleteSwap(connector, revision)
	}
}

// deleteSwap writes tombstones for the records of a swap. It must be called with mu held.
func (s *StatusStore) deleteSwap(connector string, revision int64) {
	swap := s.reader.swaps[connector][revision]
	if swap.Request != nil {
		s.put(pending{key: swapRecordKey(connector, revision, swapRequestTask)})
	}
	for task := range swap.Tasks {
		s.put(pending{key: swapRecordKey(connector, revision, strconv.Itoa(task))})
	}
}

// Swaps lists the swaps of a connector, the newest first.
func (s *StatusStore) Swaps(connector string) []Swap {
	s.mu.Lock()
	defer s.mu.Unlock()
	swaps := slices.Collect(maps.Values(s.reader.swaps[connector]))
	slices.SortFunc(swaps, func(a, b Swap) int { return cmp.Compare(b.Revision, a.Revision) })
	return swaps
}

// Swap returns a swap; one of which nothing is known is empty.
func (s *StatusStore) Swap(connector string, revision int64) Swap {
	s.mu.Lock()
	defer s.mu.Unlock()
	swap, known := s.reader.swaps[connector][revision]
	if !known {
		swap.Revision = revision
	}
	return swap
}

func swapRecordKey(connector string, revision int64, task string) string {
	return fmt.Sprintf("%s%d-%s-%s", swapKey, revision, task, connector)
}

// swap takes over a record of a swap. What Swaps has handed out stays as it is.
func (s *statusReader) swap(key string, value []byte) {
	number, rest, _ := strings.Cut(key[len(swapKey):], "-")
	task, connector, _ := strings.Cut(rest, "-")
	revision, err := strconv.ParseInt(number, 10, 64)
	if err != nil || connector == "" {
		s.ignored(key, "its key names no swap of a connector")
		return
	}
	swap := s.swaps[connector][revision]
	swap.Revision, swap.Tasks = revision, maps.Clone(swap.Tasks)
	if err := swap.take(task, value); err != nil {
		s.ignored(key, err.Error())
		return
	}
	if swap.Request == nil && len(swap.Tasks) == 0 {
		delete(s.swaps[connector], revision)
		return
	}
	if s.swaps[connector] == nil {
		s.swaps[connector] = map[int64]Swap{}
	}
	s.swaps[connector][revision] = swap
}

func (s *Swap) take(task string, value []byte) error {
	if task == swapRequestTask {
		s.Request = nil
		if len(value) == 0 {
			return nil
		}
		s.Request = &SwapRequest{}
		return json.Unmarshal(value, s.Request)
	}
	n, err := strconv.Atoi(task)
	if err != nil {
		return fmt.Errorf("its key names no task: %w", err)
	}
	if len(value) == 0 {
		delete(s.Tasks, n)
		return nil
	}
	var swap TaskSwap
	if err := json.Unmarshal(value, &swap); err != nil {
		return err
	}
	if s.Tasks == nil {
		s.Tasks = map[int]TaskSwap{}
	}
	s.Tasks[n] = swap
	return nil
}

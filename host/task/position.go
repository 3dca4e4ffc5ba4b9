package task

import (
	"encoding/json"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/offset"
)

// positions are the source offsets of the last records that left the stages, by encoded source partition. Of a source
// with more partitions than host.SwapPositionsMax some are forgotten.
type positions map[string][]byte

// add notes the first n records of a batch.
func (p positions) add(batch *abi.Batch, n int) {
	left := batch.PartitionCount()
	seen := make([]bool, left)
	for i := n - 1; i >= 0 && left > 0; i-- {
		e := batch.Entry(i)
		partition := e.SourcePartition()
		if partition == abi.None || seen[partition] {
			continue
		}
		seen[partition] = true
		left--
		p.set(batch.Partition(int(partition)).Payload, e.SourceOffsetBlock().Bytes)
	}
}

func (p positions) set(partition, offset []byte) {
	if offset == nil { // nothing that could be named
		return
	}
	if _, known := p[string(partition)]; !known && len(p) >= host.SwapPositionsMax {
		for any := range p {
			delete(p, any)
			break
		}
	}
	p[string(partition)] = append(p[string(partition)][:0], offset...)
}

// underway is the batch whose records are in the stages: those before that index have left them.
type underway struct {
	batch  *abi.Batch
	before int
}

// position tells of each source partition which record left the stages last.
func (t *Source) position() []host.SwapPosition {
	if len(t.sent) == 0 && t.under.batch == nil {
		return t.stored.told()
	}
	now := make(positions, len(t.sent))
	for partition, offset := range t.sent {
		now.set([]byte(partition), offset)
	}
	if t.under.batch != nil {
		now.add(t.under.batch, t.under.before)
	}
	return now.told()
}

// told is the form of reports.
func (p positions) told() []host.SwapPosition {
	all := []host.SwapPosition{}
	for partition, value := range p {
		key, err := offset.AppendJSON(nil, []byte(partition))
		if err != nil { // it could not be stored either, which is reported there
			continue
		}
		if o, err := offset.AppendJSON(nil, value); err == nil {
			all = append(all, host.SwapPosition{Partition: key, Offset: o})
		}
	}
	return all
}

// position tells of each partition which record left the stages last; the connector has answered for it.
func (t *Sink) position() []host.SwapPosition {
	all := []host.SwapPosition{}
	for tp, next := range t.current {
		if len(all) == host.SwapPositionsMax {
			break
		}
		topic, _ := json.Marshal(tp.Topic) // text is always JSON
		all = append(all, host.SwapPosition{
			Partition: fmt.Appendf(nil, `{"kafka_topic":%s,"kafka_partition":%d}`, topic, tp.Partition),
			Offset:    fmt.Appendf(nil, `{"kafka_offset":%d}`, next-1),
		})
	}
	return all
}

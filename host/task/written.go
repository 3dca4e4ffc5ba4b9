package task

import (
	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// written keeps where Kafka put the records of batches that are on their way, for connectors that want to know. The
// producer notes offsets before it acknowledges, so they are there when the ledger says that a batch is durable.
type written struct {
	offsets map[uint32][]int64 // of each polled record, by the seq of the batch
}

// note asks for the offsets of the records that are sent of a batch.
func (w *written) note(b *sourceBatch, records []host.ProducerRecord) {
	if w.offsets == nil {
		w.offsets = map[uint32][]int64{}
	}
	offsets := make([]int64, b.polled.Batch.InputCount())
	for i := range offsets {
		offsets[i] = abi.NotWritten
	}
	i := 0
	for origin := range b.origins {
		records[i].Offset = &offsets[b.polled.Batch.Entry(origin).Origin()]
		i++
	}
	w.offsets[b.message.Seq] = offsets
}

// take returns what is known of durable batches and forgets them.
func (w *written) take(seqs []int64) []abi.Written {
	if len(w.offsets) == 0 {
		return nil
	}
	var list []abi.Written
	for _, seq := range seqs {
		if offsets, has := w.offsets[uint32(seq)]; has {
			list = append(list, abi.Written{Seq: seq, Offsets: offsets})
			delete(w.offsets, uint32(seq))
		}
	}
	return list
}

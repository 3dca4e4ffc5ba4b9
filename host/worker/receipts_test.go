package worker

import (
	"testing"
	"time"
)

// What is stored is durable, and a source hears of that first: of the second it forgets what it was told of.
func TestASourceHearsThatARecordIsDurableBeforeItsOffsetIsStored(t *testing.T) {
	b := newBench(t)
	b.config.OffsetFlushInterval = time.Millisecond
	b.addGuest(t, "courier")
	b.start(t, config("name", "receipts", "connector.class", "test.Receipts", "topic", "receipts"))
	eventually(t, "3000 records", func() bool { return len(b.kafka.records("receipts")) >= 3000 })
	for i, r := range b.kafka.records("receipts") {
		if got := string(r.Value); got != "kept" {
			t.Fatalf("%s behind %d records", got, i)
		}
	}
}

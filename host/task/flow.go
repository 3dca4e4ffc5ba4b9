package task

import (
	"time"

	"github.com/berth-connect/berth/host"
)

// Flow is told what a task takes in and gives out, and says when it has to wait because its tenant is over a rate.
type Flow interface {
	In(records int, bytes int64)
	Out(records int, bytes int64)
	// Wait is how long the task may take nothing in; 0: it may.
	Wait() time.Duration
	// Waited hears how long a task waited for that.
	Waited(d time.Duration)
	// RecordsMax is how many records to take at a time, at most most.
	RecordsMax(most int) int
}

// consumedBytes is what records have of key, value and headers.
func consumedBytes(records []host.ConsumerRecord) int64 {
	n := int64(0)
	for i := range records {
		r := &records[i]
		n += int64(len(r.Key) + len(r.Value) + headerBytes(r.Headers))
	}
	return n
}

func producedBytes(records []host.ProducerRecord) int64 {
	n := int64(0)
	for i := range records {
		r := &records[i]
		n += int64(len(r.Key) + len(r.Value) + headerBytes(r.Headers))
	}
	return n
}

func headerBytes(headers []host.Header) int {
	n := 0
	for i := range headers {
		n += len(headers[i].Key) + len(headers[i].Value)
	}
	return n
}

// rateLookInterval bounds how long a task waits for its tenant's rates before it looks at what else is due.
const rateLookInterval = 250 * time.Millisecond

// pacing is a timer for a source that has to wait, nil for one that may go on.
func (t *Source) pacing() (<-chan time.Time, time.Duration) {
	wait := min(t.config.Flow.Wait(), rateLookInterval)
	if wait == 0 || t.paused {
		return nil, 0
	}
	return time.After(wait), wait
}

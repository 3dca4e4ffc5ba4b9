package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// TestE2EMirrorOfManyTopics: the number of topics is no limit of what a connector or task does when it starts, be it
// that none has a copy, or that each has a stored offset.
func TestE2EMirrorOfManyTopics(t *testing.T) {
	m := startMirrored(t)
	m.patience = 10 * time.Minute // a broker on a busy disk makes a topic in a tenth of a second
	defer m.DeleteTopics(t, m.remote(""))
	topics := make([]string, 2000)
	for i := range topics {
		topics[i] = fmt.Sprintf("orders.%05d", i)
	}
	m.source.CreateTopics(t, topics...)
	name := m.copySource(keys{"refresh.topics.interval.seconds": "600"})
	for round := range 2 {
		if round > 0 {
			m.terminate() // which stores the offsets of what is copied
			m.start()
		}
		m.source.ProduceEach(t, func(yield func(kafkatest.Record) bool) {
			for _, topic := range topics {
				if !yield(kafkatest.Record{Topic: topic, Value: fmt.Append(nil, round)}) {
					return
				}
			}
		})
		m.awaitState(name, "RUNNING", 2)
		m.awaitCopies(topics, int64(round+1))
		m.awaitSyncs(len(topics))
	}
}

// awaitCopies waits until each copy has n records.
func (m *mirrored) awaitCopies(topics []string, n int64) {
	m.t.Helper()
	m.await(fmt.Sprintf("%d records in each of %d copies", n, len(topics)), func() bool {
		for len(topics) > 0 && m.Count(m.t, m.remote(topics[0])) == n {
			topics = topics[1:]
		}
		return len(topics) == 0
	})
}

// awaitSyncs waits until n partitions have offset syncs: each has one once its first record is copied.
func (m *mirrored) awaitSyncs(n int) {
	m.t.Helper()
	topic := "mm2-offset-syncs." + m.config["target.cluster.alias"] + ".internal"
	m.await(fmt.Sprintf("offset syncs of %d partitions", n), func() bool {
		partitions := map[string]bool{}
		m.source.Each(m.t, topic, func(r kafkatest.Record) { partitions[string(r.Key)] = true })
		return len(partitions) == n
	})
}

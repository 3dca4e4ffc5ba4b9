package offset

import "testing"

func BenchmarkAck(b *testing.B) {
	const records = 2000
	l := NewLedger()
	for seq := uint32(1); b.Loop(); seq++ {
		batch := l.Begin(seq, func() {})
		batch.Add([]byte("partition"), []byte("offset"), records)
		batch.Seal()
		for i := range records {
			batch.Ack(i)
		}
		l.Commit(l.Snapshot())
		l.TakeDurable()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

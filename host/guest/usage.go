package guest

// Usage is told what passes between host and guest. Its methods are cheap and are called from several goroutines.
type Usage interface {
	Handed(bytes int)    // to the guest, in events
	Took(bytes int)      // from the guest, in messages
	Records(in, out int) // of a batch and of its answer
	Line(kept bool) bool // for the log; kept: the instance's limit has room for it; false: drop it
}

type uncounted struct{}

func (uncounted) Handed(int)          {}
func (uncounted) Took(int)            {}
func (uncounted) Records(int, int)    {}
func (uncounted) Line(kept bool) bool { return kept }

// CountRecords tells who pays for the instance how many records went in and came out.
func (i *Instance) CountRecords(in, out int) { i.link.usage.Records(in, out) }

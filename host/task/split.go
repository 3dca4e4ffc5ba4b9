package task

// split cuts a batch into the parts that go through the stages together: all of it, unless a record is tried again or
// is suspected to be what an instance died of. Such a record goes alone, behind those before it.
type split struct {
	n, at   int
	suspect int // index of the record that goes alone; -1: none
}

func newSplit(n int) split { return split{n: n, suspect: -1} }

func (s *split) done() bool { return s.at >= s.n }

// next is the part that is to go.
func (s *split) next() (lo, hi int) {
	switch {
	case s.suspect < s.at:
		return s.at, s.n
	case s.suspect == s.at:
		return s.at, s.at + 1
	}
	return s.at, s.suspect
}

// settled goes on behind what has its outcome.
func (s *split) settled(v *verdict) {
	s.at += v.done
	if v.retry != nil {
		s.suspect = s.at
	}
}

// suspects lets a record go alone that an instance may have ended on; true: it was alone already, so it is to blame.
func (s *split) suspects(i int) bool {
	lo, hi := s.next()
	s.suspect = i
	return hi == lo+1
}

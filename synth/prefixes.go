package synth

// prefixes are the entries of a table of IPv4.
type prefixes struct {
	entries sorted[prefix]
	lengths [33]int // how many entries have each length
}

func (s *prefixes) put(p prefix, row uint16) {
	if s.entries.put(p, row) {
		s.lengths[p.len()]++
	}
}

func (s *prefixes) drop(p prefix) bool {
	if !s.entries.drop(p) {
		return false
	}
	s.lengths[p.len()]--
	return true
}

// cover finds the longest entry of at most length bits that covers p.
func (s *prefixes) cover(p prefix, length int) (prefix, bool) {
	for ; length >= 0; length-- {
		if s.lengths[length] == 0 {
			continue
		}
		shorter := newPrefix(p.addr(), length)
		if _, ok := s.entries.get(shorter); ok {
			return shorter, true
		}
	}
	return 0, false
}

// above is the answer, and the length of its prefix, for what p covers if p is not there.
func (s *prefixes) above(p prefix) (row uint16, depth uint8) {
	if shorter, ok := s.cover(p, p.len()-1); ok {
		row, _ = s.entries.get(shorter)
		depth = uint8(shorter.len())
	}
	return row, depth
}

func (s *prefixes) entry(p prefix) (uint16, bool) { return s.entries.get(p) }

func (s *prefixes) each(visit func(prefix, uint16)) {
	for e := range s.entries.from(0) {
		visit(e.p, e.row)
	}
}

func (s *prefixes) size() int { return s.entries.n }

package synth

import (
	"iter"
	"slices"
)

// sorted holds the rows of prefixes in the order of their addresses, shorter ones first, in chunks that are cheap to
// move about. It needs less memory than a map, and the prefixes that one covers follow it.
type sorted[P point[P]] struct {
	chunks [][]entry[P]
	n      int
}

type entry[P point[P]] struct {
	p   P
	row uint16
}

// mostInChunk is the number of entries at which a chunk is cut in two. With one more they fill the memory that is given
// out for them.
const mostInChunk = 511

// search finds where p is, or would be.
func (s *sorted[P]) search(p P) (chunk, at int, there bool) {
	chunk, _ = slices.BinarySearchFunc(s.chunks, p, func(c []entry[P], p P) int {
		if c[0].p.compare(p) <= 0 {
			return -1
		}
		return 1
	})
	if chunk > 0 {
		chunk--
	}
	if len(s.chunks) > 0 {
		at, there = slices.BinarySearchFunc(s.chunks[chunk], p, func(e entry[P], p P) int { return e.p.compare(p) })
	}
	return chunk, at, there
}

func (s *sorted[P]) get(p P) (uint16, bool) {
	chunk, at, there := s.search(p)
	if !there {
		return 0, false
	}
	return s.chunks[chunk][at].row, true
}

// put gives p a row and tells whether there was none.
func (s *sorted[P]) put(p P, row uint16) (added bool) {
	chunk, at, there := s.search(p)
	if there {
		s.chunks[chunk][at].row = row
		return false
	}
	s.n++
	if len(s.chunks) == 0 {
		s.chunks = append(s.chunks, newChunk[P](nil))
	}
	c := slices.Insert(s.chunks[chunk], at, entry[P]{p, row})
	s.chunks[chunk] = c
	if len(c) > mostInChunk {
		cut := len(c) / 2
		if chunk == len(s.chunks)-1 && at == len(c)-1 { // what comes in order leaves full chunks behind
			cut = len(c) - 1
		}
		s.chunks[chunk] = c[:cut]
		s.chunks = slices.Insert(s.chunks, chunk+1, newChunk(c[cut:]))
	}
	return true
}

// newChunk copies entries to a chunk that never has to grow.
func newChunk[P point[P]](entries []entry[P]) []entry[P] {
	return append(make([]entry[P], 0, mostInChunk+1), entries...)
}

// drop takes p out and tells whether it was there.
func (s *sorted[P]) drop(p P) bool {
	chunk, at, there := s.search(p)
	if !there {
		return false
	}
	s.n--
	if s.chunks[chunk] = slices.Delete(s.chunks[chunk], at, at+1); len(s.chunks[chunk]) == 0 {
		s.chunks = slices.Delete(s.chunks, chunk, chunk+1)
	}
	return true
}

// atMost finds the last prefix that does not come after p.
func (s *sorted[P]) atMost(p P) (P, bool) {
	chunk, at, there := s.search(p)
	switch {
	case there:
		return p, true
	case at > 0:
		return s.chunks[chunk][at-1].p, true
	}
	return p, false
}

// from visits the entries in order, from the first that does not come before p.
func (s *sorted[P]) from(p P) iter.Seq[entry[P]] {
	return func(yield func(entry[P]) bool) {
		chunk, at, _ := s.search(p)
		for ; chunk < len(s.chunks); chunk, at = chunk+1, 0 {
			for _, e := range s.chunks[chunk][at:] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

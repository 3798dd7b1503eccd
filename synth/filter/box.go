package filter

import (
	"cmp"
	"slices"
)

// Key is what is compared: the bits of a mask of a field, all others cleared.
type Key struct {
	Field Field
	Mask  uint64
}

// span is the numbers from lo to hi, both included.
type span struct{ lo, hi uint64 }

func exactly(n uint64) span { return span{n, n} }

func (s span) has(n uint64) bool { return s.lo <= n && n <= s.hi }

func (s span) single() bool { return s.lo == s.hi }

// all is the span of every number that a key can have.
func (k Key) all() span { return span{0, k.Mask} }

// box is a span for each of some keys: packets are in it whose keys are all in their spans.
type box []span

func (b box) has(numbers []uint64) bool {
	for i, s := range b {
		if !s.has(numbers[i]) {
			return false
		}
	}
	return true
}

func (b box) exact() bool { return !slices.ContainsFunc(b, func(s span) bool { return !s.single() }) }

// test asks whether a packet is in a region, or whether it is not.
type test struct {
	not bool
	in  *region
	set *inset // asked instead of a region
}

// settled tells whether the outcome is known without a packet.
func (t *test) settled() (holds, known bool) {
	switch {
	case len(t.in.boxes) == 0:
		return t.not, true
	case len(t.in.keys) == 0:
		return !t.not, true
	}
	return false, false
}

// mostComplement bounds the spans whose complement is worked out.
const mostComplement = 8

// positive is the region in which a test holds, where that is a simple one.
func (t *test) positive() (*region, bool) {
	if t.set != nil {
		return nil, false
	}
	if !t.not {
		return t.in, true
	}
	if len(t.in.keys) != 1 || len(t.in.boxes) > mostComplement {
		return nil, false
	}
	r, most := &region{keys: t.in.keys}, t.in.keys[0].Mask
	spans := make([]span, 0, len(t.in.boxes))
	for _, b := range t.in.boxes {
		spans = append(spans, b[0])
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	from := uint64(0)
	for _, s := range spans {
		if s.lo > from {
			r.boxes = append(r.boxes, box{{from, s.lo - 1}})
		}
		if s.hi >= most {
			return r, true
		}
		from = max(from, s.hi+1)
	}
	r.boxes = append(r.boxes, box{{from, most}})
	return r, true
}

// meet is what two boxes of the same keys have in common.
func (b box) meet(o box) (box, bool) {
	m := make(box, len(b))
	for i := range b {
		m[i] = span{max(b[i].lo, o[i].lo), min(b[i].hi, o[i].hi)}
		if m[i].lo > m[i].hi {
			return nil, false
		}
	}
	return m, true
}

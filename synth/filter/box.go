package filter

import (
	"cmp"
	"math/bits"
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

// fit is a span of the same numbers with ends that a key can have, as masks leave numbers out; false if it can have none
// of them. Only such spans are in boxes: lookups clear the other bits of the numbers that they keep.
func (k Key) fit(s span) (span, bool) {
	fits := span{k.upTo(s.lo), k.upTo(s.hi)}
	if fits.lo < s.lo {
		fits.lo = ((fits.lo | ^k.Mask) + 1) & k.Mask // the next one, or zero
	}
	return fits, s.lo <= fits.lo && fits.lo <= fits.hi
}

// upTo is the greatest number up to n that a key can have.
func (k Key) upTo(n uint64) uint64 {
	return (n | (1<<bits.Len64(n&^k.Mask) - 1)) & k.Mask
}

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
	not   bool
	in    *region
	set   *inset // asked instead of a region
	alone bool   // it may leave packets to the kernel, and so has to be asked by itself
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
	if t.set != nil || t.alone {
		return nil, false
	}
	if !t.not {
		return t.in, true
	}
	if len(t.in.keys) != 1 || len(t.in.boxes) > mostComplement {
		return nil, false
	}
	r, key := &region{keys: t.in.keys}, t.in.keys[0]
	spans := make([]span, 0, len(t.in.boxes))
	for _, b := range t.in.boxes {
		spans = append(spans, b[0])
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	add := func(from, to uint64) {
		if s, ok := key.fit(span{from, to}); ok {
			r.boxes = append(r.boxes, box{s})
		}
	}
	from := uint64(0)
	for _, s := range spans {
		if s.lo > from {
			add(from, s.lo-1)
		}
		if s.hi >= key.Mask {
			return r, true
		}
		from = max(from, s.hi+1)
	}
	add(from, key.Mask)
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

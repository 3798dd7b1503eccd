package filter

import (
	"math/bits"
	"slices"
)

// shape is the bits of each key that some boxes have in common to look at: packets are in such a box whose keys have the
// right numbers there.
type shape []uint64

// shapeOf is the shape of a box; false if it has a span that is no block of numbers with equal high bits.
func shapeOf(keys []Key, b box) (shape, bool) {
	s := make(shape, len(b))
	for i, in := range b {
		most := keys[i].Mask
		if in.lo == 0 && in.hi >= most {
			continue
		}
		low := uint64(1)<<bits.Len64(in.lo^in.hi) - 1 // what differs within the span
		if in.lo&(low|^most) != 0 || in.hi&low != most&low {
			return nil, false
		}
		s[i] = most &^ low
	}
	return s, true
}

// mostShapes is how many lookups a packet is worth.
const mostShapes = 4

// shapesOf lists the shapes of a region in the order of their first boxes, and whose each box is; false if it has too
// many of them.
func shapesOf(r *region) (all []shape, of []int, ok bool) {
	for _, b := range r.boxes {
		s, block := shapeOf(r.keys, b)
		if !block {
			return nil, nil, false
		}
		i := slices.IndexFunc(all, func(o shape) bool { return slices.Equal(o, s) })
		if i < 0 {
			if i = len(all); i == mostShapes {
				return nil, nil, false
			}
			all = append(all, s)
		}
		of = append(of, i)
	}
	return all, of, true
}

// part is the place of a key in the words of a packed one.
type part struct {
	key, word int
	shift     uint8
	mask      uint64
}

// pack puts the keys of a shape into as few words of 64 bits as is simple.
func (s shape) pack() (parts []part, words int) {
	room := 0
	for i, mask := range s {
		if mask == 0 {
			continue
		}
		width := bits.Len64(mask)
		if width > room {
			words, room = words+1, 64
		}
		parts = append(parts, part{i, words - 1, uint8(64 - room), mask})
		room -= width
	}
	return parts, words
}

// packed is the packed key of numbers.
func packed(parts []part, words int, numbers func(key int) uint64) []uint64 {
	all := make([]uint64, words)
	for _, p := range parts {
		all[p.word] |= (numbers(p.key) & p.mask) << p.shift
	}
	return all
}

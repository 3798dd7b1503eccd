package irtest

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// leaf writes a word that names a leaf, one whose numbers are often those of the key that an address has there.
func (n *nodes) leaf(at int, hi uint64) {
	end := 64 - n.IntN(64-ir.KeyBits6+1)
	unit := n.next
	n.next++
	binary.NativeEndian.PutUint32(n.data[at:], ir.LeafWord6(unit, end))
	key := uint32(hi>>(64-end)) & (1<<ir.KeyBits6 - 1)
	further := uint16(0)
	if n.next < n.size && oneIn(n.Rand, 2) {
		further = ir.FurtherLine6 | uint16(n.next-unit)
		line(n.Rand, n.data[n.next*ir.Unit6:], key, 0)
		n.next++
	}
	line(n.Rand, n.data[unit*ir.Unit6:], key, further)
}

// line writes a line of a leaf, some of whose answers lead further.
func line(r *rand.Rand, data []byte, key uint32, further uint16) {
	bounds := make([]uint32, ir.MostBounds6)
	for i := range bounds {
		bounds[i] = pick(r, key, key+1, key-1, 0, ir.NoBound6, ir.NoBound6-1, r.Uint32N(ir.NoBound6)) % (ir.NoBound6 + 1)
	}
	slices.Sort(bounds)
	for i, bound := range bounds {
		binary.NativeEndian.PutUint32(data[4*i:], bound)
	}
	for i := range ir.MostBounds6 + 1 {
		answer := uint16(r.IntN(16))
		if further != 0 && oneIn(r, 2) {
			answer = further
		}
		binary.NativeEndian.PutUint16(data[ir.Answers6+2*i:], answer)
	}
}

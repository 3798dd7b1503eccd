package ir

import (
	"encoding/binary"
	"math/bits"
)

// keyBytes is the size of a key of a Keyed table, which stands at the beginning of its row.
const keyBytes = 8

// Places are the two rows of a Keyed table that a key may stand in. The first is the high bits of a product. The second is
// made of the key's halves, so that it is another one for keys that differ in their high bits only.
func (t *Table) Places(key uint64) (first, second int) {
	shift := 64 - bits.TrailingZeros(uint(t.Size))
	return int(key * t.Factor >> shift), int((key ^ key>>32) * SecondFactor(t.Factor) >> shift)
}

// SecondFactor is what the second place of a key is made with.
func SecondFactor(factor uint64) uint64 { return factor*0x9e3779b97f4a7c15 | 1 }

// Find is the row of the contents of a Keyed table that answers for a key: the last one, which is for every key that is in
// none, if there is no other.
func (t *Table) Find(data []byte, key uint64) int {
	first, second := t.Places(key)
	for _, at := range []int{first, second} {
		if binary.NativeEndian.Uint64(data[at*t.RowSize:]) == key {
			return at
		}
	}
	return t.Size
}

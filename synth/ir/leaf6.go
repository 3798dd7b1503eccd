package ir

import "encoding/binary"

// A word of an LPM6 with leaves that is Leaf6 or more, and less than Node6, names a leaf: its low six bits say how far the
// first half of the address is to be shifted to the right, 20 bits the number of the leaf's first unit. The lowest
// KeyBits6 bits of what is shifted are the key, which the line that is in this unit is searched for.
//
// A line takes one unit: MostBounds6 numbers of 32 bits in order, then answers of 16 bits, one more. As many of the numbers
// as are no greater than the key, so many answers come before the one that counts. One with bit 15 set is no answer: its
// low bits say how many units further a line is to be searched, for the same key, whose answers are answers. Numbers that
// are not needed are NoBound6.
//
// So the routes to the small networks within a larger one, which mostly stand apart, take few bytes side by side.
const (
	// Leaf6 is the least word that names a leaf.
	Leaf6 = 1 << 26
	// KeyBits6 is the size of a key.
	KeyBits6 = 31
	// MostBounds6 is how many numbers a line has.
	MostBounds6 = 10
	// Answers6 is the place of a line's answers.
	Answers6 = 4 * MostBounds6
	// NoBound6 is a number that is greater than every key.
	NoBound6 = 1 << KeyBits6
	// FurtherLine6 is the bit of a word that is no answer, MostFurther6 the most units that it says.
	FurtherLine6 = 1 << 15
	MostFurther6 = 15
	// LeafLevels6 is how many lines are searched at most.
	LeafLevels6 = 2
)

// LeafWord6 is the word that names a leaf: its first unit, and where in the first half of the address keys end.
func LeafWord6(unit, end int) uint32 { return Leaf6 | uint32(unit)*Unit6 | uint32(64-end) }

// IsLeaf6 tells whether a word of an LPM6 with leaves names a leaf, and where.
func IsLeaf6(word uint32) (unit, end int, ok bool) {
	if word < Leaf6 || word >= Node6 {
		return 0, 0, false
	}
	return int(word / Unit6 & (MaxUnits6 - 1)), 64 - int(word&63), true
}

// matchLeaf6 searches the leaf that a word names.
func (t *Table) matchLeaf6(data []byte, word uint32, hi uint64) uint16 {
	at := int(word) & ((t.Size - 1) * Unit6)
	past := uint32(hi>>(word&63))&(1<<KeyBits6-1) + 1
	for range LeafLevels6 {
		n := 0
		for i := range MostBounds6 {
			n += int((binary.NativeEndian.Uint32(data[at+4*i:]) - past) >> 31)
		}
		answer := binary.NativeEndian.Uint16(data[at+Answers6+2*n:])
		if answer < FurtherLine6 {
			return answer
		}
		at = (at + int(answer&MostFurther6)*Unit6) & ((t.Size - 1) * Unit6)
	}
	return 0
}

package ir

import "encoding/binary"

// An LPM6 with leaves begins with a front. The units from the second on hold a word for each value of the first FrontBits6
// bits of the address, and a walk goes from there through exactly FrontSteps6 forks to a line, whatever the address, so
// that no branch has to be guessed. Only what is deeper than that is in nodes as those of other tables.
//
// The word of a fork or line has its first unit in the high 20 bits. The low six bits say how many bits of the address
// come before those that count here, the six above them are 62 less the number of bits that pick a word of a fork, which
// has nothing but words. A line is a fork whose only word is the one that names it, so that steps that are not needed
// stay there.
//
// A line takes one unit: its word, then MostBounds6 numbers of 32 bits in order, answers of 16 bits, one more, and the
// word of a node. As many of the numbers as are no greater than the key, which is the next KeyBits6 bits of the address,
// so many answers come before the one that counts. One with bit 15 set is no answer: its low bits say how many units further
// a line is to be searched for the same key; every walk searches twice, the same line if these bits are 0. If the second has
// no answer, the walk goes on with its node. Numbers that are not needed are NoBound6.
//
// So the routes to the small networks within a larger one, which mostly stand apart, take few bytes side by side.
const (
	// FrontBits6 is how many bits pick the first word, FrontUnits6 how many units these words take.
	FrontBits6  = 16
	FrontUnits6 = 4 << FrontBits6 / Unit6
	// FrontSteps6 is how many forks every walk goes through.
	FrontSteps6 = 3
	// MostFork6 is the largest number of bits that pick a word of a fork, FrontEnd6 how many bits may come before a key.
	MostFork6 = 16
	FrontEnd6 = 62
	// KeyBits6 is the size of a key.
	KeyBits6 = 31
	// MostBounds6 is how many numbers a line has.
	MostBounds6 = 9
	// Bounds6, Answers6 and Deep6 are the places in a line of its numbers, its answers and the word of a node.
	Bounds6  = 4
	Answers6 = Bounds6 + 4*MostBounds6
	Deep6    = Answers6 + 2*(MostBounds6+1)
	// NoBound6 is a number that is greater than every key.
	NoBound6 = 1 << KeyBits6
	// NoAnswer6 is the bit of a word that is no answer.
	NoAnswer6 = 1 << 15
	// MostFurther6 is the most units that one says.
	MostFurther6 = 15
	// LineLevels6 is how many lines a walk searches.
	LineLevels6 = 2

	forkAt6, unitAt6 = 6, 12 // of the word of a fork
)

// FrontWord6 is the word that names a fork, or a line, whose window is 0.
func FrontWord6(unit, skip, window int) uint32 {
	return uint32(unit)<<unitAt6 | uint32(FrontEnd6-window)<<forkAt6 | uint32(skip)
}

// FrontOf6 takes the word of a fork or line apart.
func FrontOf6(word uint32) (unit, skip, window int) {
	return int(word >> unitAt6), int(word & 63), FrontEnd6 - int(word>>forkAt6&63)
}

// front6 goes through the front: it gives an answer, or the word of the node that goes on.
func (t *Table) front6(data []byte, hi uint64) (word uint32, answer bool) {
	units := uint32((t.Size - 1) * Unit6)
	word = binary.NativeEndian.Uint32(data[Unit6+4*(hi>>(64-FrontBits6)):])
	for range FrontSteps6 {
		index := uint32(hi << (word & 63) >> (word >> forkAt6 & 63))
		word = binary.NativeEndian.Uint32(data[(word>>forkAt6&units+index)&(units|(Unit6-4)):])
	}
	at, past := word>>forkAt6&units, uint32(hi<<(word&63)>>(64-KeyBits6))+1
	var a uint32
	for range LineLevels6 {
		at = (at + a>>15*(a&MostFurther6)*Unit6) & units
		n := 0
		for i := range uint32(MostBounds6) {
			n += int((binary.NativeEndian.Uint32(data[at+Bounds6+4*i:]) - past) >> 31)
		}
		a = uint32(binary.NativeEndian.Uint16(data[int(at)+Answers6+2*n:]))
	}
	if a < NoAnswer6 {
		return a, true
	}
	return binary.NativeEndian.Uint32(data[at+Deep6:]), false
}

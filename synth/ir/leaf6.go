package ir

import "encoding/binary"

// An LPM6 with leaves begins with a front. Nearly all addresses there are in use begin with the four bits of Global6; for
// these the units from the second on hold a word for each value of the next FrontBits6 bits, and after them are words for
// the first OtherBits6 bits of all others. A walk goes from there through exactly FrontSteps6 forks to a line, whatever the
// address, so that no branch has to be guessed. Only what is deeper than that is in nodes as those of other tables.
//
// The word of a fork or line has its first unit in the high 20 bits. The low six bits say how many bits of the address
// come before those that count here, the six above them are 62 less the number of bits that pick a word of a fork, which
// has nothing but words. A line is a fork whose only word is the one that names it, so that steps that are not needed
// stay there.
//
// A line takes one unit: its word, then MostBounds6 numbers of 32 bits, answers of 16 bits, one more, and the word of a
// node. A number is what the least key that it stands for takes to 1<<KeyBits6; the key of an address is the next KeyBits6
// bits of it. As many of the numbers as come to that or more with the key, so many answers come before the one that counts.
// One with bit 15 set is no answer: the walk goes on with the line's node. Numbers that are not needed are 0.
//
// A line that leads to others, a head, has no answers: its numbers say how many units further the line is. Bit 6 of its
// word is set, and of no other line's; so a walk, which always searches twice, searches any other line again.
//
// So the routes to the small networks within a larger one, which mostly stand apart, take few bytes side by side.
const (
	// Global6 is how the addresses begin that are given out to networks (RFC 4291), and GlobalBits6 how many bits it has.
	Global6, GlobalBits6 = 2, 4
	// FrontBits6 and OtherBits6 are how many bits pick a first word.
	FrontBits6, OtherBits6 = 16, 12
	// FrontWords6 is how many first words there are, FrontUnits6 how many units they take.
	FrontWords6 = 1<<FrontBits6 + 1<<OtherBits6
	FrontUnits6 = 4 * FrontWords6 / Unit6
	// LeastFront6 is the least number of units that a table with a front may have.
	LeastFront6 = 8 << FrontBits6 / Unit6
	// FrontSteps6 is how many forks every walk goes through.
	FrontSteps6 = 2
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
	// EndKey6 comes after every key.
	EndKey6 = 1 << KeyBits6
	// NoAnswer6 is the bit of a word that is no answer.
	NoAnswer6 = 1 << 15
	// Head6 is the window of a head's word.
	Head6 = -1

	forkAt6, unitAt6 = 6, 12 // of the word of a fork
)

// First6 is the first word for an address that begins with hi, and how many of its bits it is there for.
func First6(hi uint64) (index, bits int) {
	if hi>>(64-GlobalBits6) == Global6 {
		return int(hi << GlobalBits6 >> (64 - FrontBits6)), GlobalBits6 + FrontBits6
	}
	return 1<<FrontBits6 + int(hi>>(64-OtherBits6)), OtherBits6
}

// FrontWord6 is the word that names a fork, a line, whose window is 0, or a head.
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
	first, _ := First6(hi)
	word = binary.NativeEndian.Uint32(data[Unit6+4*first:])
	for range FrontSteps6 {
		index := uint32(hi << (word & 63) >> (word >> forkAt6 & 63))
		word = binary.NativeEndian.Uint32(data[(word>>forkAt6&units+index)&(units|(Unit6-4)):])
	}
	at, key := word>>forkAt6&units, uint32(hi<<(word&63)>>(64-KeyBits6))
	at = (at + t.count6(data[at:], key)*(word&Unit6)) & units
	a := uint32(binary.NativeEndian.Uint16(data[at+Answers6+2*t.count6(data[at:], key):]))
	if a < NoAnswer6 {
		return a, true
	}
	return binary.NativeEndian.Uint32(data[at+Deep6:]), false
}

// count6 is how many numbers of a line come to EndKey6 with a key.
func (t *Table) count6(line []byte, key uint32) (n uint32) {
	for i := range MostBounds6 {
		n += (binary.NativeEndian.Uint32(line[Bounds6+4*i:]) + key) >> KeyBits6
	}
	return n
}

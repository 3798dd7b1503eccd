package ir

import "encoding/binary"

// The contents of an LPM6 table, in host byte order; leaf6.go has what comes first in one with leaves. The first 32-bit word says what is to be done with every address; it
// is an answer or names a node. So are the words of nodes, each for the addresses that lead to it.
//
// The Focus of a table is the part of the addresses where most of its prefixes are. Where there is one, the units from the
// second on hold one such word for each value of the FocusBits bits that follow it, and only for other addresses the first
// word says what is to be done. So the common address takes one step, and the program knows which bits to look at.
//
// A node has the next bits of the address for an index (its window, which lies in one half of the address) and answers
// only for addresses whose bits above the window, in that half, are those of the node; this is how a walk skips bits. It
// begins with a unit and consists of those bits (an eight-byte number: the half shifted until the window is lowest, with
// the bits of the window cleared), the word for other addresses, which is an answer, four bytes that mean nothing, and the
// words that the index picks from.
//
// A word below Node6 is an answer. Else its five highest bits are 32 less the bits of the window, bit 26 says that the
// window lies in the second half of the address, 20 bits are the number of the node's first unit, and the low 6 bits are
// the number of bits right of the window in its half: so the word is, as it stands, what to shift by.
const (
	// Unit6 is the size of a unit in bytes. Unit 0 has the first word; one more unit follows the last, so that no node
	// seems to reach past the end.
	Unit6 = 64
	// Node6 is the least word that names a node.
	Node6 = 1 << 27
	// MaxSteps is the most nodes that the path to an answer has: one for each bit.
	MaxSteps = 128
	// MaxUnits6 is how many units words can name.
	MaxUnits6 = 1 << 20
	// MaxWindow6 is the largest number of bits that pick a word of a node.
	MaxWindow6 = 22
	// LowHalf6 is the bit of a word that says which half has the window, WindowAt6 where the window's size is told.
	LowHalf6  = 1 << 26
	WindowAt6 = 27
	// Other6 and Words6 are the places in a node of the word for other addresses, and of the first word of the index.
	Other6, Words6 = 8, 16
	// FocusBits is how many bits after its Focus an address is looked up by, FocusUnits how many units their words take, and
	// MostFocus the longest Focus. Its length is a multiple of eight.
	FocusBits  = 16
	FocusUnits = 4 << FocusBits / Unit6
	MostFocus  = 128 - FocusBits
)

// Word6 is the word that names a node of an LPM6: its first unit, the number of address bits above its window and the
// number of those in it.
func Word6(unit, skip, window int) uint32 {
	w := uint32(32-window)<<WindowAt6 | uint32(unit)*Unit6 | uint32(63-(skip+window-1)&63)
	if skip >= 64 {
		w |= LowHalf6
	}
	return w
}

// Node6Of takes the word of a node apart.
func Node6Of(word uint32) (unit, skip, window int) {
	window = 32 - int(word>>WindowAt6)
	skip = 64 - int(word&63) - window
	if word&LowHalf6 != 0 {
		skip += 64
	}
	return int(word / Unit6 & (MaxUnits6 - 1)), skip, window
}

// Match6 finds an address in the contents of an LPM6 table.
func (t *Table) Match6(data []byte, hi, lo uint64) uint16 {
	word := binary.NativeEndian.Uint32(data)
	if t.Leaves {
		var answer bool
		if word, answer = t.front6(data, hi); answer {
			return uint16(word)
		}
	}
	if t.Focus.Len > 0 && t.Focus.Contains(hi, lo) {
		word = binary.NativeEndian.Uint32(data[Unit6+4*bitsAfter(hi, lo, t.Focus.Len):])
	}
	for range t.Steps {
		if word < Node6 {
			return uint16(word)
		}
		half := hi
		if word&LowHalf6 != 0 {
			half = lo
		}
		at := int(word) & ((t.Size - 1) * Unit6)
		bits := half >> (word & 63)
		index := bits & (0xffffffff >> (word >> WindowAt6))
		if bits-index != binary.NativeEndian.Uint64(data[at:]) {
			return uint16(binary.NativeEndian.Uint32(data[at+Other6:]))
		}
		at = (at + 4*int(index)) & (t.Size*Unit6 - 1)
		word = binary.NativeEndian.Uint32(data[at+Words6:])
	}
	if word < Node6 {
		return uint16(word)
	}
	return 0
}

// bitsAfter is the FocusBits bits of an address that follow the one at from.
func bitsAfter(hi, lo uint64, from int) int {
	if from >= 64 {
		hi, lo, from = lo, 0, from-64
	}
	return int((hi<<from | lo>>(64-from)) >> (64 - FocusBits))
}

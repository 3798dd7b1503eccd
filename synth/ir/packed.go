package ir

import "encoding/binary"

// The contents of a Packed table, in host byte order: words of 32 bits for the first FirstPacked bits of the address,
// then blocks, then nodes.
//
// A first word below NodePacked is the answer for its addresses; else its low bits are the place of a node, in bytes, which
// has an answer for each value of the next SlotPacked bits of the address. A node is a unit of as many bytes, or, where the
// first word has no NarrowPacked, two units of words of 16 bits. Such a word with bit 15 set names, in its other bits, a
// block of 256 words for the last eight bits of the address, as in an LPM.
//
// So what most lookups read is few bytes in few pages.
const (
	// FirstPacked is how many bits pick a first word.
	FirstPacked = 18
	// SlotPacked is how many bits a node is for.
	SlotPacked = 24 - FirstPacked
	// NodePacked is the bit of a first word that names a node.
	NodePacked = 1 << 31
	// NarrowPacked is the bit of a first word that names a node of bytes.
	NarrowPacked = 1 << 30
	// UnitPacked is the size of a unit in bytes; a node begins with one, one of words with every other.
	UnitPacked = 1 << SlotPacked
	// MostNarrow is the largest answer that a node of bytes can give.
	MostNarrow = 1<<8 - 1
	// MaxUnitsPacked is the most units of a table: enough for nodes of words everywhere.
	MaxUnitsPacked = 2 << FirstPacked
	// BlockBytes is the size of a block.
	BlockBytes = 512

	firstPackedBytes = 4 << FirstPacked
	// spareUnits follow the last unit, so that no node seems to reach past the end.
	spareUnits = 1
)

// BlocksAt is where the blocks of a Packed table begin.
func (t *Table) BlocksAt() int { return firstPackedBytes }

// NodesAt is where the nodes of a Packed table begin.
func (t *Table) NodesAt() int { return firstPackedBytes + t.Blocks*BlockBytes }

// MatchPacked finds an address in the contents of a Packed table.
func (t *Table) MatchPacked(data []byte, addr uint32) uint16 {
	first := binary.NativeEndian.Uint32(data[4*(addr>>(32-FirstPacked)):])
	if first < NodePacked {
		return uint16(first)
	}
	node := data[t.NodesAt()+int(first)&((t.Size-1)*UnitPacked):]
	slot := addr >> 8 & (UnitPacked - 1)
	if first&NarrowPacked != 0 {
		return uint16(node[slot])
	}
	word := binary.NativeEndian.Uint16(node[2*slot:])
	if word&0x8000 == 0 {
		return word
	}
	block := int(word) & 0x7fff & (t.Blocks - 1)
	return binary.NativeEndian.Uint16(data[t.BlocksAt()+block*BlockBytes+int(addr&0xff)*2:])
}

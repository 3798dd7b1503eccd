package ir

import "encoding/binary"

// The contents of a Packed table, in host byte order: words of 32 bits for the first FirstPacked bits of the address, then
// the palette, then blocks, then nodes.
//
// A first word below NodePacked is the answer for its addresses; else its low bits are the place of a node, in bytes, which
// has an answer for each value of the next SlotPacked bits of the address. Where the first word has NarrowPacked, the node
// is a unit of four bits for each, the low ones first, which say the place of the answer in the palette. Else it is four
// units of words of 16 bits. Such a word with bit 15 set names, in its other bits, a block of 256 words for the last eight
// bits of the address, as in an LPM.
//
// So what most lookups read is few bytes in few pages.
const (
	// FirstPacked is how many bits pick a first word.
	FirstPacked = 16
	// SlotPacked is how many bits a node is for.
	SlotPacked = 24 - FirstPacked
	// NodePacked is the bit of a first word that names a node.
	NodePacked = 1 << 31
	// NarrowPacked is the bit of a first word that names a node of four bits for an answer.
	NarrowPacked = 1 << 30
	// UnitPacked is the size of a unit in bytes; a node begins with one, one of words with every fourth.
	UnitPacked = 1 << SlotPacked / 2
	// PaletteSize is how many answers, words of 16 bits, the palette has.
	PaletteSize = 1 << 4
	// MaxUnitsPacked is the most units of a table: enough for nodes of words everywhere.
	MaxUnitsPacked = 4 << FirstPacked
	// PalettePacked is where the palette is.
	PalettePacked = 4 << FirstPacked
	// BlocksPacked is where the blocks begin.
	BlocksPacked = PalettePacked + 64
	// BlockBytes is the size of a block.
	BlockBytes = 512

	// spareUnits follow the last unit, so that no node seems to reach past the end.
	spareUnits = 3
)

// NodesAt is where the nodes of a Packed table begin.
func (t *Table) NodesAt() int { return BlocksPacked + t.Blocks*BlockBytes }

// MatchPacked finds an address in the contents of a Packed table.
func (t *Table) MatchPacked(data []byte, addr uint32) uint16 {
	first := binary.NativeEndian.Uint32(data[4*(addr>>(32-FirstPacked)):])
	if first < NodePacked {
		return uint16(first)
	}
	node := data[t.NodesAt()+int(first)&((t.Size-1)*UnitPacked):]
	slot := addr >> 8 & (1<<SlotPacked - 1)
	if first&NarrowPacked != 0 {
		n := node[slot/2] >> (slot % 2 * 4) % PaletteSize
		return binary.NativeEndian.Uint16(data[PalettePacked+2*int(n):])
	}
	word := binary.NativeEndian.Uint16(node[2*slot:])
	if word&0x8000 == 0 {
		return word
	}
	block := int(word) & 0x7fff & (t.Blocks - 1)
	return binary.NativeEndian.Uint16(data[BlocksPacked+block*BlockBytes+int(addr&0xff)*2:])
}

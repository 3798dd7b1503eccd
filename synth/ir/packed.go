package ir

import (
	"encoding/binary"
	"math/bits"
)

// The contents of a Packed table, in host byte order: words of 32 bits for the first FirstPacked bits of the address,
// then blocks, then nodes.
//
// A first word below NodePacked is the answer for its addresses; else the rest of it is the place of a node, in bytes. A
// node begins with a map of 64 bits, one for each value of the next SlotPacked bits of the address: a bit is set where
// another answer begins than that of the value before, and always for the value 0. The answers follow, words of 16 bits:
// an address has the one whose number is that of the bits up to its own. A word with bit 15 set names, in its other bits, a
// block of 256 words for the last eight bits of the address, as in an LPM.
//
// So most of what a lookup reads lies in few pages, and in one line of the cache for each of its two steps.
const (
	// FirstPacked is how many bits pick a first word.
	FirstPacked = 18
	// SlotPacked is how many bits a node is for.
	SlotPacked = 6
	// NodePacked is the bit of a first word that names a node.
	NodePacked = 1 << 31
	// UnitPacked is the size of a unit in bytes; nodes begin with one.
	UnitPacked = 16
	// WordsPacked is where the answers of a node begin.
	WordsPacked = 8
	// MaxUnitsPacked is the most units of a table: enough for nodes of 64 answers everywhere.
	MaxUnitsPacked = 1 << 22
	// BlockBytes is the size of a block.
	BlockBytes = 512

	firstPackedBytes = 4 << FirstPacked
	// spareUnits follow the last unit, so that no node seems to reach past the end.
	spareUnits = 64
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
	slot := addr >> (32 - FirstPacked - SlotPacked) & (1<<SlotPacked - 1)
	n := bits.OnesCount64(binary.NativeEndian.Uint64(node) << (63 - slot))
	word := binary.NativeEndian.Uint16(node[WordsPacked-2+2*n:])
	if word&0x8000 == 0 {
		return word
	}
	block := int(word) & 0x7fff & (t.Blocks - 1)
	return binary.NativeEndian.Uint16(data[t.BlocksAt()+block*BlockBytes+int(addr&0xff)*2:])
}

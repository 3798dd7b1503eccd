package filter

import (
	"encoding/binary"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Limits of an ir.LPM.
const (
	trieFirst  = ir.FirstLPM
	trieBlock  = 1 << 8
	trieBlocks = 1 << 15
	trieMark   = 1 << 15 // a word that names a block
)

// trieMaker fills the words of an ir.LPM with the classes of pieces.
type trieMaker struct {
	pieces []piece
	first  []uint16
	blocks []uint16
	full   bool
}

// trie makes the table of the pieces of a chunk that has more bits than are looked up at once.
func (c chunk) trie(pieces []piece) (*ir.Table, bool) {
	m := &trieMaker{first: make([]uint16, 1<<trieFirst)}
	for _, p := range pieces {
		if p.class >= trieMark {
			return nil, false
		}
		m.pieces = append(m.pieces, piece{p.from << (chunkBits - c.width), p.class})
	}
	for i := range m.first {
		m.first[i] = m.word(uint64(i)<<(chunkBits-trieFirst), chunkBits-trieFirst)
	}
	if m.full {
		return nil, false
	}
	t := &ir.Table{Kind: ir.LPM, Domain: slowpath.Config, Size: 1}
	for t.Size < len(m.blocks)/trieBlock {
		t.Size *= 2
	}
	t.Data = make([]byte, t.Bytes())
	for i, w := range append(m.first, m.blocks...) {
		binary.NativeEndian.PutUint16(t.Data[2*i:], w)
	}
	t.Name = nameOf("trie", t.Data)
	return t, true
}

// word is the word of 1<<left addresses. Words are asked for in the order of their addresses.
func (m *trieMaker) word(from uint64, left int) uint16 {
	last := from + 1<<left - 1
	for len(m.pieces) > 1 && m.pieces[1].from <= from {
		m.pieces = m.pieces[1:]
	}
	if len(m.pieces) == 1 || m.pieces[1].from > last {
		return uint16(m.pieces[0].class)
	}
	block := len(m.blocks) / trieBlock
	if block == trieBlocks {
		m.full = true
		return 0
	}
	m.blocks = append(m.blocks, make([]uint16, trieBlock)...)
	for i := range trieBlock {
		w := m.word(from+uint64(i)<<(left-8), left-8)
		m.blocks[block*trieBlock+i] = w
	}
	return trieMark | uint16(block)
}

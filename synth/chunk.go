package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// chunk is what the addresses of a first word come to: a word for each 256 of them.
type chunk [slots]uint16

// rebuild brings a chunk up to date.
func (t *packed) rebuild(c int) {
	var now chunk
	for i := range now {
		now[i] = t.over[c].word
	}
	var deep []entry[prefix]
	whole := newPrefix(uint32(c)<<(32-ir.FirstPacked), ir.FirstPacked)
	for e := range t.entries.from(whole) { // those that others lie in come before these
		if !whole.covers(e.p) {
			break
		}
		switch slot := slotOf(e.p); {
		case e.p.len() <= ir.FirstPacked:
		case e.p.len() > 24:
			deep = append(deep, e)
		default:
			for i := slot; i < slot+1<<(24-e.p.len()); i++ {
				now[i] = e.row
			}
		}
	}
	old := t.chunk(c)
	if !t.deepen(&now, &old, deep) || now == old || !t.publish(c, &now) {
		return
	}
	for i, word := range old {
		if word&blockBit != 0 && now[i]&blockBit == 0 {
			t.free.put(t.journal, int(word&^blockBit))
		}
	}
}

func slotOf(p prefix) int { return int(p.addr()>>8) % slots }

// chunk is what a chunk came to when it was last written.
func (t *packed) chunk(c int) (now chunk) {
	first := t.first[c]
	if first < ir.NodePacked {
		for i := range now {
			now[i] = uint16(first)
		}
		return now
	}
	if first&ir.NarrowPacked != 0 {
		for i, pair := range t.nodes[first&placeMask:][:slots/2] {
			now[2*i], now[2*i+1] = t.palette[pair%ir.PaletteSize], t.palette[pair/ir.PaletteSize]
		}
		return now
	}
	for i := range now {
		now[i] = t.answer(first, i)
	}
	return now
}

// answer is what the node that a first word names has for a slot.
func (t *packed) answer(first uint32, slot int) uint16 {
	at := int(first & placeMask)
	if first&ir.NarrowPacked == 0 {
		return binary.NativeEndian.Uint16(t.nodes[at+2*slot:])
	}
	return t.palette[t.nodes[at+slot/2]>>(slot%2*4)%ir.PaletteSize]
}

// deepen gives blocks to the words for which there are longer prefixes: the block that a word has, or a new one.
func (t *packed) deepen(now, old *chunk, deep []entry[prefix]) bool {
	for len(deep) > 0 {
		slot, n := slotOf(deep[0].p), 1
		for n < len(deep) && slotOf(deep[n].p) == slot {
			n++
		}
		var words [blockWords]uint16
		for i := range words {
			words[i] = now[slot]
		}
		for _, e := range deep[:n] {
			i := int(e.p.addr() & 0xff)
			for j := i; j < i+1<<(32-e.p.len()); j++ {
				words[j] = e.row
			}
		}
		block := int(old[slot] &^ blockBit)
		if old[slot]&blockBit == 0 {
			var ok bool
			if block, ok = t.takeBlock(); !ok {
				return false
			}
		}
		t.writeBlock(block, &words)
		now[slot] = blockBit | uint16(block)
		deep = deep[n:]
	}
	return true
}

// writeBlock gives a block its words, each at once.
func (t *packed) writeBlock(block int, words *[blockWords]uint16) {
	base := block * blockWords
	for i, word := range words {
		if t.blocks[base+i] != word {
			t.blocks[base+i] = word
			t.journal.noteWords(t.table, ir.BlocksPacked+2*(base+i), words[i:i+1])
		}
	}
}

// publish lets the first word of a chunk say what it comes to now.
func (t *packed) publish(c int, now *chunk) bool {
	first, class, same := t.first[c], narrow, true
	for _, word := range now {
		same = same && word == now[0]
	}
	if same {
		t.point(c, uint32(now[0]))
		return true
	}
	for _, word := range now {
		if !t.inPalette(word) {
			class = wide
		}
	}
	if first >= ir.NodePacked && classNamed(first) == class {
		t.renew(first, now)
		return true
	}
	unit, ok := t.takeNode(class)
	if !ok {
		return false
	}
	first = class.word() | uint32(unit*ir.UnitPacked)
	for i, word := range now {
		t.change(first, i, word)
	}
	at := int(first & placeMask)
	t.noteNodes(at, at+class.units()*ir.UnitPacked)
	t.point(c, first)
	return true
}

// renew changes answers of a node, each at once.
func (t *packed) renew(first uint32, now *chunk) {
	from, to := 0, 0 // the bytes that have changed and are not noted yet
	for i, word := range now {
		if t.answer(first, i) == word {
			continue
		}
		at, size := t.change(first, i, word)
		if at > to {
			t.noteNodes(from, to)
			from = at
		}
		to = at + size
	}
	t.noteNodes(from, to)
}

func (t *packed) noteNodes(from, to int) {
	if to > from {
		t.journal.noteBytes(t.table, t.nodesAt()+from, t.nodes[from:to])
	}
}

// change changes one answer of a node, and says which bytes that concerns.
func (t *packed) change(first uint32, slot int, word uint16) (at, size int) {
	at = int(first & placeMask)
	if first&ir.NarrowPacked == 0 {
		binary.NativeEndian.PutUint16(t.nodes[at+2*slot:], word)
		return at + 2*slot, 2
	}
	at += slot / 2
	shift := slot % 2 * 4
	t.nodes[at] = t.nodes[at]&^(0xf<<shift) | (t.places[word]-1)<<shift
	return at, 1
}

// inPalette tells whether an answer is in the palette, where there is room for some that were not.
func (t *packed) inPalette(word uint16) bool {
	switch {
	case t.places[word] > 0:
		return true
	case word&blockBit != 0 || len(t.palette) == ir.PaletteSize:
		return false
	}
	t.paint(word)
	return true
}

// paint adds an answer to the palette.
func (t *packed) paint(word uint16) {
	t.palette = append(t.palette, word)
	t.places[word] = uint8(len(t.palette))
	t.journal.noteWords(t.table, ir.PalettePacked+2*(len(t.palette)-1), t.palette[len(t.palette)-1:])
}

// point changes a first word, and lets go of the node that it named.
func (t *packed) point(c int, first uint32) {
	old := t.first[c]
	if old == first {
		return
	}
	t.first[c] = first
	t.journal.noteLongs(t.table, 4*c, t.first[c:c+1])
	if old >= ir.NodePacked {
		t.pools[classNamed(old)].put(t.journal, int(old&placeMask)/ir.UnitPacked)
	}
}

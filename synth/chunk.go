package synth

import (
	"encoding/binary"
	"math/bits"

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
	if !t.deepen(&now, &old, deep) || !t.publish(c, &now) {
		return
	}
	for i, word := range old {
		if word&blockBit != 0 && now[i]&blockBit == 0 {
			t.free.put(int(word &^ blockBit))
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
	node := t.node(first)
	begins, n := binary.NativeEndian.Uint64(node), -1
	for i := range now {
		if begins>>i&1 != 0 {
			n++
		}
		now[i] = answer4(node, n)
	}
	return now
}

// node is the units of a node and those behind it.
func (t *packed) node(first uint32) []byte { return t.nodes[first&^ir.NodePacked:] }

// answer4 is answer number n of a node.
func answer4(node []byte, n int) uint16 { return binary.NativeEndian.Uint16(node[ir.WordsPacked+2*n:]) }

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
			t.journal.noteWords(t.table, 4*chunks+2*(base+i), words[i:i+1])
		}
	}
}

// publish lets the first word of a chunk say what it comes to now.
func (t *packed) publish(c int, now *chunk) bool {
	begins, answers := uint64(1), append(make([]uint16, 0, slots), now[0])
	for i := 1; i < slots; i++ {
		if now[i] != now[i-1] {
			begins |= 1 << i
			answers = append(answers, now[i])
		}
	}
	old := t.first[c]
	if begins == 1 {
		t.point(c, uint32(now[0]))
		return true
	}
	if old >= ir.NodePacked && binary.NativeEndian.Uint64(t.node(old)) == begins {
		t.renew(old, answers)
		return true
	}
	unit, ok := t.takeNode(len(answers))
	if !ok {
		return false
	}
	first := ir.NodePacked | uint32(unit*ir.UnitPacked)
	node := binary.NativeEndian.AppendUint64(t.node(first)[:0], begins)
	for _, word := range answers {
		node = binary.NativeEndian.AppendUint16(node, word)
	}
	t.journal.noteBytes(t.table, t.nodesAt()+unit*ir.UnitPacked, node)
	t.point(c, first)
	return true
}

// renew changes answers of a node, each at once.
func (t *packed) renew(first uint32, answers []uint16) {
	node := t.node(first)
	for i, word := range answers {
		if answer4(node, i) != word {
			at := ir.WordsPacked + 2*i
			binary.NativeEndian.PutUint16(node[at:], word)
			t.journal.noteWords(t.table, t.nodesAt()+int(first&^ir.NodePacked)+at, answers[i:i+1])
		}
	}
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
		answers := bits.OnesCount64(binary.NativeEndian.Uint64(t.node(old)))
		t.pools[classFor(answers)].put(int(old&^ir.NodePacked) / ir.UnitPacked)
	}
}

package synth

import "github.com/hone-net/hone/synth/ir"

// focusWord is the word of the focus for the addresses of p, or the first such word.
func (t *trie6) focusWord(p prefix6) int { return unitWords + p.after(t.focus.at.len()) }

// fillFocus enters what is in the focus into a new table. It tells whether there was room.
func (t *trie6) fillFocus() bool {
	if !t.focus.is() {
		return true
	}
	over := cell{}
	if shorter, ok := t.cover(t.focus.at, t.focus.at.len()-1); ok {
		row, _ := t.entries.get(shorter)
		over = cell{uint32(row), shorter.bits}
	}
	t.fill(t.focusWord(t.focus.at), 1<<ir.FocusBits, span6{int(over.depth), over})
	last := -1
	for e := range t.entries.from(t.focus.at) {
		if !t.focus.has(e.p) {
			break
		}
		index := t.focusWord(e.p)
		if e.p.len() <= t.focus.end() {
			t.fill(index, 1<<(t.focus.end()-max(e.p.len(), t.focus.at.len())), span6{e.p.len(), cell{uint32(e.row), e.p.bits}})
			continue
		}
		if index != last && !t.rebuild(index, e.p, t.focus.end(), cell{t.words[index], t.depth[index]}) {
			return false
		}
		last = index
	}
	return true
}

// changeFocus is change for p that is in the focus, or covers it.
func (t *trie6) changeFocus(p prefix6, c cell, entries int32) {
	switch {
	case p.len() <= t.focus.at.len():
		t.fill(t.focusWord(t.focus.at), 1<<ir.FocusBits, span6{p.len(), c})
	case p.len() <= t.focus.end():
		t.fill(t.focusWord(p), 1<<(t.focus.end()-p.len()), span6{p.len(), c})
	default:
		t.descend(t.focusWord(p), t.focus.end(), p, c, entries)
	}
}

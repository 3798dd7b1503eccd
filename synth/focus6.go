package synth

import (
	"github.com/hone-net/hone/synth/ir"
)

// The focus of a route table is the prefix under which most nexthops are, so that what most hosts have, some networks side by
// side in one block of addresses, takes one step. It is part of the programs, and so chosen when the table is built; the
// entries in it are apart from all others.

// mostFocused is the number of entries up to which a table has a focus. Those of larger ones are not under one prefix.
const mostFocused = 1 << 12

// leastFocused is the number of entries that are worth a focus, since it costs a compare for addresses outside.
const leastFocused = 2

// bestFocus finds the prefix with the most nexthops that the bits after it tell apart; of equals the shortest. It gives
// their number.
func (t *trie6) bestFocus() (best prefix6, most int) {
	if t.entries.n > mostFocused {
		return best, 0
	}
	for length := 16; length <= ir.MostFocus; length += 8 {
		p, n := prefix6{}, 0
		for e := range t.entries.from(prefix6{}) {
			if !decidedAt(e, length) {
				continue
			}
			if q := newPrefix6(e.p.hi, e.p.lo, length); q != p {
				p, n = q, 0
			}
			if n++; n > most {
				best, most = p, n
			}
		}
	}
	if most < leastFocused {
		return prefix6{}, 0
	}
	return best, most
}

// decidedAt tells whether an entry leads somewhere, and its last bits are those after the first length ones.
func decidedAt(e entry[prefix6], length int) bool {
	return e.row >= fixedRows && e.p.len() > length && e.p.len() <= length+ir.FocusBits
}

// focused is the number of entries for which the table has its focus.
func (t *trie6) focused() (n int) {
	for e := range t.entries.from(t.focus) {
		if !t.inFocus(e.p) {
			break
		}
		if decidedAt(e, t.focus.len()) {
			n++
		}
	}
	return n
}

// misplaced tells whether another focus would be much better. It looks again when the number of entries has changed by
// half.
func (t *trie6) misplaced() bool {
	if n := t.entries.n; t.units == 0 || n <= t.looked+t.looked/2+leastFocused && n >= t.looked/2 {
		return false
	}
	t.looked = t.entries.n
	best, n := t.bestFocus()
	return best != t.focus && n > 2*t.focused()
}

func (t *trie6) hasFocus() bool { return t.focus.len() > 0 }

// inFocus tells whether an entry is one of the focus.
func (t *trie6) inFocus(p prefix6) bool { return t.hasFocus() && t.focus.covers(p) }

// focusEnd is the number of address bits that lead to a word of the focus.
func (t *trie6) focusEnd() int { return t.focus.len() + ir.FocusBits }

// focusWord is the word of the focus for the addresses of p, or the first such word.
func (t *trie6) focusWord(p prefix6) int { return unitWords + p.after(t.focus.len()) }

// fillFocus enters what is in the focus into a new table. It tells whether there was room.
func (t *trie6) fillFocus() bool {
	if !t.hasFocus() {
		return true
	}
	over := cell{}
	if shorter, ok := t.cover(t.focus, t.focus.len()-1); ok {
		row, _ := t.entries.get(shorter)
		over = cell{uint32(row), shorter.bits}
	}
	t.fill(t.focusWord(t.focus), 1<<ir.FocusBits, span6{int(over.depth), over})
	last := -1
	for e := range t.entries.from(t.focus) {
		if !t.inFocus(e.p) {
			break
		}
		index := t.focusWord(e.p)
		if e.p.len() <= t.focusEnd() {
			t.fill(index, 1<<(t.focusEnd()-e.p.len()), span6{e.p.len(), cell{uint32(e.row), e.p.bits}})
			continue
		}
		if index != last && !t.rebuild(index, e.p, t.focusEnd(), cell{t.words[index], t.depth[index]}) {
			return false
		}
		last = index
	}
	return true
}

// changeFocus is change for p that is in the focus, or covers it.
func (t *trie6) changeFocus(p prefix6, c cell, entries int32) {
	switch {
	case p.len() <= t.focus.len():
		t.fill(t.focusWord(t.focus), 1<<ir.FocusBits, span6{p.len(), c})
	case p.len() <= t.focusEnd():
		t.fill(t.focusWord(p), 1<<(t.focusEnd()-p.len()), span6{p.len(), c})
	default:
		t.descend(t.focusWord(p), t.focusEnd(), p, c, entries)
	}
}

package synth

import "github.com/hone-net/hone/synth/ir"

// The front of a trie6 with leaves: words that name forks and lines, of which every walk visits the same number. What the
// entries below a fork do not cover is in lines of one answer, which all words share. Only where so many forks do not part the
// entries, nodes are below a line, as in a table without leaves.

// global6 is the prefix of the addresses that most first words are for.
var global6 = newPrefix6(ir.Global6<<(64-ir.GlobalBits6), 0, ir.GlobalBits6)

// firstWord is the first word of the front for the addresses of p, and how many bits lead there.
func firstWord(p prefix6) (index, from int) {
	index, from = ir.First6(p.hi)
	return unitWords + index, from
}

// fillFirst applies what p has to the first words, none of which is for more than p.
func (t *trie6) fillFirst(p prefix6, c cell) {
	s := span6{p.len(), c}
	if p.len() >= ir.GlobalBits6 {
		index, from := firstWord(p)
		t.fillFront(index, 1<<(from-p.len()), s)
		return
	}
	t.fillFront(unitWords+1<<ir.FrontBits6+p.part(0, ir.OtherBits6), 1<<(ir.OtherBits6-p.len()), s)
	if p.covers(global6) {
		t.fillFront(unitWords, 1<<ir.FrontBits6, s)
	}
}

// buildFront enters all into a new table. It tells whether there was room.
func (t *trie6) buildFront() bool {
	t.fillFirst(prefix6{}, cell{})
	last := -1
	for e := range t.entries.from(prefix6{}) {
		index, from := firstWord(e.p)
		if e.p.len() <= from {
			t.fillFirst(e.p, cell{uint32(e.row), e.p.bits})
			continue
		}
		if index != last && !t.rebuildFront(index, e.p, from, ir.FrontSteps6) {
			return false
		}
		last = index
	}
	return !t.overflow
}

// changeFront is change in a table with leaves.
func (t *trie6) changeFront(p prefix6, c cell, entries int32) {
	index, from := firstWord(p)
	if p.len() <= from {
		t.fillFirst(p, c)
		return
	}
	for left := ir.FrontSteps6; p.len() > from; left-- {
		word := t.words[index]
		unit, _, window := ir.FrontOf6(word)
		switch {
		case t.nodes[unit].line == deepLine:
			t.descend(unit*unitWords+atDeep, from, p, c, entries)
			return
		case t.nodes[unit].line != noLine:
			if !t.rebuildFront(index, p, from, left) {
				t.overflow = true
			}
			return
		case t.adjustFront(index, from, left, p, entries):
			return
		}
		index = unit*unitWords + p.part(from, window)
		from += window
	}
	t.fillFront(index, 1<<(from-p.len()), span6{p.len(), c})
}

// adjustFront is adjust for the fork that a word names.
func (t *trie6) adjustFront(index, from, left int, p prefix6, entries int32) (done bool) {
	unit, _, _ := ir.FrontOf6(t.words[index])
	return t.balance(unit, entries, func() bool { return t.rebuildFront(index, p, from, left) })
}

// rebuildFront makes the word at index anew, for the entries that share the first from bits of p and are longer; walks
// have so many steps left there. It tells whether there was room.
func (t *trie6) rebuildFront(index int, p prefix6, from, left int) bool {
	slot, over := newPrefix6(p.hi, p.lo, from), cell{}
	if shorter, ok := t.cover(p, from); ok {
		row, _ := t.entries.get(shorter)
		over = cell{uint32(row), shorter.bits}
	}
	word, ok := t.front(t.below(slot), from, left, over)
	if !ok {
		t.forsake()
		return false
	}
	old := t.words[index]
	t.publish(index, word, over.depth)
	t.letFront(old)
	return true
}

// below lists the entries that are longer than p and covered by it.
func (t *trie6) below(p prefix6) (set []entry[prefix6]) {
	for e := range t.entries.from(p) {
		if !p.covers(e.p) {
			break
		}
		if e.p.len() > p.len() {
			set = append(set, e)
		}
	}
	return set
}

// front makes what the entries need that share their first from bits and are longer; over is the answer for all other
// addresses. Entries stand in order.
func (t *trie6) front(set []entry[prefix6], from, left int, over cell) (word uint32, ok bool) {
	if len(set) == 0 {
		return t.constant(over.word)
	}
	if all, fits := t.rangesOf(set, from, over); fits {
		return t.newLeaf(all, from)
	}
	if left == 0 {
		return t.newDeep(set, from, over)
	}
	window := t.forkFor(set, from, left)
	unit, ok := t.newFork(window, over)
	if !ok {
		return 0, false
	}
	t.nodes[unit] = node6{now: int32(len(set)), built: int32(len(set))}
	return ir.FrontWord6(unit, from, window), t.fillFork(unit, window, set, from, left-1)
}

// newFork makes a fork in which every word is the same answer.
func (t *trie6) newFork(window int, over cell) (unit int, ok bool) {
	word, there := t.constant(over.word)
	unit, ok = t.takeUnits((4<<window+ir.Unit6-1)/ir.Unit6, 1<<window, &t.forks[window])
	if !ok || !there {
		return 0, false
	}
	t.same(unit*unitWords, 1<<window, cell{word, over.depth})
	return unit, true
}

// same gives count words at index one content.
func (t *trie6) same(index, count int, c cell) {
	for i := index; i < index+count; i++ {
		t.words[i], t.depth[i] = c.word, c.depth
	}
}

// fillFork enters entries into a new fork. It tells whether there was room.
func (t *trie6) fillFork(unit, window int, set []entry[prefix6], from, left int) bool {
	base, to := unit*unitWords, from+window
	for i := 0; i < len(set); {
		e := set[i]
		index := e.p.part(from, window)
		if e.p.len() <= to {
			word, ok := t.constant(uint32(e.row))
			if !ok {
				return false
			}
			t.same(base+index, 1<<(to-e.p.len()), cell{word, e.p.bits})
			i++
			continue
		}
		first := i
		for i < len(set) && set[i].p.part(from, window) == index {
			i++
		}
		word, ok := t.front(set[first:i], to, left, cell{t.constantOf(t.words[base+index]), t.depth[base+index]})
		if !ok {
			return false
		}
		t.words[base+index] = word
	}
	return true
}

// constantOf is the answer of the line of one answer that a word names.
func (t *trie6) constantOf(word uint32) uint32 {
	unit, _, _ := ir.FrontOf6(word)
	return t.answer(unit, 0).word
}

// forkFor is how many bits are to pick a word of a fork for entries that share their first from bits: what takes the least
// memory, by a guess of what each part will take.
func (t *trie6) forkFor(set []entry[prefix6], from, left int) (window int) {
	all := make([]parting, len(set))
	for i, e := range set {
		all[i].len = e.p.bits
		if i > 0 {
			all[i].at = uint8(e.p.common(set[i-1].p))
		}
	}
	_, window = forks(all, from, left)
	return window
}

// parting is the length of an entry, and how many bits it shares with the entry before it.
type parting struct{ len, at uint8 }

// forks guesses how many bytes entries take that share their first from bits and that so many forks may part, and how many
// bits are to pick a word of the first of these.
func forks(set []parting, from, left int) (least, window int) {
	if left == 0 {
		return guessDeep * len(set), 0
	}
	apart := 1
	if left > 1 {
		apart = 2 // it takes too long to try all
	}
	for w := apart; w <= min(ir.MostFork6, ir.FrontEnd6-from); w += apart {
		if cost := forkCost(set, from+w, left-1, 4<<w, least); cost < least || window == 0 {
			least, window = cost, w
		}
	}
	return least, window
}

// forkCost adds what the parts take that share their first to bits, unless that is more than most, which is not 0.
func forkCost(set []parting, to, left, cost, most int) int {
	first, n := 0, 0
	part := func(end int) {
		if n > mostLeaf6 {
			c, _ := forks(set[first:end], to, left)
			cost += c
		} else if n > 0 {
			cost += ir.Unit6 * (1 + n/perLine6)
		}
		first, n = end, 0
	}
	for i, e := range set {
		if i > first && int(e.at) < to {
			part(i)
			if most > 0 && cost > most {
				return cost
			}
		}
		if int(e.len) > to {
			n++
		} else if n == 0 {
			first = i + 1
		}
	}
	part(len(set))
	return cost
}

// What a part takes, in short: a leaf has room for mostLeaf6 entries at least, about perLine6 in a line. An entry that has
// to be in nodes takes guessDeep bytes, since it costs time as well.
const (
	mostLeaf6 = 50
	perLine6  = 5
	guessDeep = 150
)

// fillFront applies a span to count words at index, and to what they name.
func (t *trie6) fillFront(index, count int, s span6) {
	word, ok := t.constant(s.word)
	if !ok {
		t.overflow = true
		return
	}
	run := 0 // words before i that were written and not yet noted
	for i := index; i < index+count; i++ {
		old := t.words[i]
		unit, _, window := ir.FrontOf6(old)
		kind := t.nodes[unit].line
		if old == 0 || kind == constantLine && int(t.depth[i]) <= s.limit && (old != word || t.depth[i] != s.depth) {
			t.words[i], t.depth[i] = word, s.depth
			run++
			continue
		}
		t.note(i-run, run)
		run = 0
		switch kind {
		case noLine:
			t.fillFront(unit*unitWords, 1<<window, s)
		case rangesLine:
			t.fillLeaf(unit, s)
		case deepLine:
			t.fill(unit*unitWords+atDeep, 1, s)
		}
	}
	t.note(index+count-run, run)
}

// letFront lets go of what a word named, and of what is below.
func (t *trie6) letFront(word uint32) {
	unit, _, window := ir.FrontOf6(word)
	switch t.nodes[unit].line {
	case constantLine:
	case noLine:
		for _, w := range t.words[unit*unitWords:][:1<<window] {
			t.letFront(w)
		}
		t.forks[window].put(t.journal, unit)
	case deepLine:
		t.let(t.words[unit*unitWords+atDeep])
		t.lines[1].put(t.journal, unit)
	case rangesLine:
		t.lines[t.nodes[unit].built].put(t.journal, unit)
	}
}

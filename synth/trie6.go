package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// trie6 is a route table of IPv6: the words of an ir.LPM6 table, and beside each the length of the prefix that it is there
// for. One of many entries has leaves, that is, begins with a front (front6.go). As in a trie, a program that looks while the
// words change finds the old or the new answer: what a node is changes only while nothing names it.
type trie6 struct {
	table   string // its name
	words   []uint32
	depth   []uint8
	nodes   []node6 // by first unit
	entries sorted[prefix6]
	focus   focus[prefix6]

	most     int // units that there may be
	units    int // that the table has room for; 0 until it is built
	roomy    int
	next     int // the first unit that was never used
	free     [ir.MaxWindow6 + 1]quarantine
	overflow bool // a node was wanted and there was no room
	steps    int  // nodes that a walk visits at most

	leaves    bool                      // the table begins with a front
	lines     [1 + maxLines6]quarantine // by units of a leaf
	forks     [ir.MostFork6 + 1]quarantine
	constants map[uint32]uint32 // words of lines of one answer, by answer

	journal *journal
	made    []made6
}

// node6 is what is to be known of a node beside its words.
type node6 struct {
	now    int32 // entries that it and the nodes below are there for
	built  int32 // how many they were when its size was chosen
	height uint8 // nodes that a walk from here on visits at most
	line   lineKind
}

// made6 is a node, a fork or a line that no word names yet.
type made6 struct {
	unit  int
	words int // that it has
	pool  *quarantine
}

// cell is a word of the table that is an answer, and the length of the prefix that it is there for.
type cell struct {
	word  uint32
	depth uint8
}

const (
	unitWords = ir.Unit6 / 4
	atOther   = ir.Other6 / 4
	atWords   = ir.Words6 / 4
	minUnits  = 256
)

func newTrie6(j *journal, table string) *trie6 {
	t := &trie6{table: table, journal: j, most: ir.MaxUnits6}
	t.focus.lengths, t.focus.cut = focusLengths6, prefix6.cut
	t.clear(roomy)
	return t
}

// clear leaves the table without a node.
func (t *trie6) clear(roomy int) {
	t.words, t.depth, t.nodes, t.next, t.roomy = nil, nil, nil, 0, roomy
	for i := range t.free {
		t.free[i].queue = nil
	}
	for i := range t.forks {
		t.forks[i].queue = nil
	}
	for i := range t.lines {
		t.lines[i].queue = nil
	}
	t.constants = map[uint32]uint32{}
	t.grow(1)
	if t.leaves {
		t.grow(ir.FrontUnits6)
	}
	if t.focus.is() {
		t.grow(ir.FocusUnits)
	}
}

// grow appends units.
func (t *trie6) grow(units int) {
	t.next += units
	t.words = append(t.words, make([]uint32, units*unitWords)...)
	t.depth = append(t.depth, make([]uint8, units*unitWords)...)
	t.nodes = append(t.nodes, make([]node6, units)...)
}

// seal builds the table of the entries and gives it its size. Where there is no room for it, it does without a focus, and
// then gets more steps and fewer words.
func (t *trie6) seal(least ViewShape) {
	if t.leaves = least.Leaves || t.entries.n > manyRoutes6; t.leaves {
		t.clear(t.roomy)
		t.overflow = !t.buildFront()
		t.units = powerOfTwo(min(t.next+t.next/4, t.most), max(ir.LeastFront6, least.Blocks))
		return
	}
	t.focus.choose(&t.entries)
	t.clear(t.roomy)
	row, _ := t.entries.get(prefix6{})
	for !t.rebuild(0, prefix6{}, 0, cell{word: uint32(row)}) || !t.fillFocus() {
		if t.roomy == 0 {
			t.overflow = true
			break
		}
		if !t.focus.is() {
			t.roomy--
		}
		t.focus.at = prefix6{}
		t.clear(t.roomy)
	}
	t.units = powerOfTwo(min(t.next+t.next/4, t.most), max(minUnits, least.Blocks))
}

// set makes row the answer for the addresses of p that no longer prefix covers.
func (t *trie6) set(p prefix6, row uint16) {
	if old, there := t.entries.get(p); there && old == row {
		return
	}
	added := int32(0)
	if t.entries.put(p, row) {
		added = 1
	}
	if t.units > 0 {
		t.change(p, cell{uint32(row), p.bits}, added)
	}
}

// remove takes p out; the addresses that it answered for get the answer of the next shorter prefix.
func (t *trie6) remove(p prefix6) {
	if !t.entries.drop(p) || t.units == 0 {
		return
	}
	c := cell{}
	if shorter, ok := t.cover(p, p.len()-1); ok {
		row, _ := t.entries.get(shorter)
		c = cell{uint32(row), shorter.bits}
	}
	t.change(p, c, -1)
}

// cover finds the longest entry of at most length bits that covers p. Whatever covers p covers all that stands between
// it and p, too.
func (t *trie6) cover(p prefix6, length int) (prefix6, bool) {
	for length >= 0 {
		e, ok := t.entries.atMost(newPrefix6(p.hi, p.lo, length))
		if !ok {
			break
		}
		if e.len() <= length && e.covers(p) {
			return e, true
		}
		length = min(length-1, e.common(p))
	}
	return prefix6{}, false
}

func (t *trie6) entry(p prefix6) (uint16, bool) { return t.entries.get(p) }

func (t *trie6) each(visit func(prefix6, uint16)) {
	for e := range t.entries.from(prefix6{}) {
		visit(e.p, e.row)
	}
}

// flush has nothing to do: all is written at once.
func (t *trie6) flush() {}

func (t *trie6) size() int { return t.entries.n }

// stepsApart is the number of which Steps is a multiple, so that few changes of the routes change the programs.
const stepsApart = 4

func (t *trie6) shape() ViewShape {
	steps := max(t.steps+stepsApart-1, stepsApart) / stepsApart * stepsApart
	s := ViewShape{Table: t.table, Six: true, Steps: min(steps, ir.MaxSteps), Blocks: t.units, Leaves: t.leaves, Full: t.overflow}
	if t.focus.is() {
		s.Focus = t.focus.at.netip()
	}
	return s
}

func (t *trie6) larger() ViewShape {
	s := t.shape()
	if t.overflow {
		s.Blocks = min(2*s.Blocks, t.most)
	}
	return s
}

func (t *trie6) misplaced() bool { return t.units > 0 && !t.leaves && t.focus.misplaced(&t.entries) }

func (t *trie6) maximal() bool { return t.units == t.most && (t.roomy == 0 || t.leaves) }

// image is the contents of the whole table, as far as they are not zero.
func (t *trie6) image() []byte {
	b := make([]byte, 0, 4*len(t.words))
	for _, w := range t.words {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

// take finds units for a node with a window of so many bits.
func (t *trie6) take(window int) (unit int, ok bool) {
	class := max(window, smallWindow)
	return t.takeUnits(unitsOf(class), atWords+1<<window, &t.free[class])
}

// takeUnits finds units for so many words, those that have rested in a pool first.
func (t *trie6) takeUnits(units, words int, pool *quarantine) (unit int, ok bool) {
	if unit, ok = t.findUnits(units, pool); ok {
		t.made = append(t.made, made6{unit, words, pool})
	}
	return unit, ok
}

// findUnits finds units that have rested in a pool, or were never used.
func (t *trie6) findUnits(units int, pool *quarantine) (unit int, ok bool) {
	if unit, ok := pool.take(); ok {
		return unit, true
	}
	if t.next+units > t.most || t.units != 0 && t.next+units > t.units {
		return 0, false
	}
	unit = t.next
	t.grow(units)
	return unit, true
}

// smallWindow is the largest window of a node that needs one unit.
const smallWindow = 3

func unitsOf(window int) int { return (ir.Words6 + 4<<window + ir.Unit6 - 1) / ir.Unit6 }

// let lets go of a node that no word names any more, and of those below.
func (t *trie6) let(word uint32) {
	if word < ir.Node6 {
		return
	}
	unit, _, window := ir.Node6Of(word)
	for _, w := range t.children(unit, window) {
		t.let(w)
	}
	t.free[classOf(word)].put(t.journal, unit)
}

func (t *trie6) children(unit, window int) []uint32 {
	return t.words[unit*unitWords+atWords:][:1<<window]
}

// classOf is which nodes take as many units as the one that a word names.
func classOf(word uint32) int {
	_, _, window := ir.Node6Of(word)
	return max(window, smallWindow)
}

// publish lets the word at index name what was made, or be an answer.
func (t *trie6) publish(index int, word uint32, depth uint8) {
	for _, m := range t.made {
		t.note(m.unit*unitWords, m.words)
	}
	t.made = t.made[:0]
	t.words[index], t.depth[index] = word, depth
	t.note(index, 1)
}

// forsake gives back what was made in vain.
func (t *trie6) forsake() {
	for _, m := range t.made {
		m.pool.put(t.journal, m.unit)
	}
	t.made = t.made[:0]
}

func (t *trie6) note(index, count int) {
	if count > 0 {
		t.journal.noteLongs(t.table, 4*index, t.words[index:index+count])
	}
}

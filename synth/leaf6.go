package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// The leaves of a trie6: the answers of a part of the address side by side, in as many lines as it takes. Beside each answer
// stands the length of the prefix that it is there for, in the order of the answers of a line.

const (
	lineAnswers = ir.MostBounds6 + 1
	maxLines6   = 1 + ir.MostBounds6           // lines of a leaf: a head and those that it leads to
	maxRanges6  = ir.MostBounds6 * lineAnswers // answers of a leaf
	atAnswers   = ir.Answers6 / 4
	atDeep      = ir.Deep6 / 4
	manyRoutes6 = 4096 // so many that a table has leaves
)

// lineKind says what the line in a unit is there for.
type lineKind uint8

const (
	noLine       lineKind = iota
	constantLine          // one answer, for whatever names it; it never changes
	rangesLine            // answers of its own
	deepLine              // nodes below it
)

// range6 is an answer and the least key that has it.
type range6 struct {
	start uint32
	cell
}

// rangesOf is what the addresses come to that share their first from bits with a set of longer entries; false if that does
// not fit in a line. Entries stand in order.
func (t *trie6) rangesOf(set []entry[prefix6], from int, over cell) (all []range6, fits bool) {
	end := min(from+ir.KeyBits6, 64)
	r := ranges{all: make([]range6, 0, lineAnswers), open: []open6{{until: ir.EndKey6, cell: over}}}
	r.begin(0, over)
	for _, e := range set {
		if e.p.len() > end || len(r.all) > maxRanges6 {
			return nil, false
		}
		start := uint32(e.p.hi << from >> (64 - ir.KeyBits6))
		r.close(start)
		c := cell{uint32(e.row), e.p.bits}
		r.begin(start, c)
		r.open = append(r.open, open6{start + 1<<(from+ir.KeyBits6-e.p.len()), c})
	}
	r.close(ir.EndKey6 - 1)
	return r.all, len(r.all) <= maxRanges6
}

// ranges are made of entries in order; open are those that the next may lie in, each in the one before it.
type ranges struct {
	all  []range6
	open []open6
}

type open6 struct {
	until uint32 // the key after its last
	cell
}

// begin gives the keys from start on an answer.
func (r *ranges) begin(start uint32, c cell) {
	n := len(r.all)
	switch {
	case n > 0 && r.all[n-1].start == start:
		r.all[n-1].cell = c
	case n == 0 || r.all[n-1].cell != c:
		r.all = append(r.all, range6{start, c})
	}
}

// close ends the entries in which a key does not lie.
func (r *ranges) close(key uint32) {
	for r.open[len(r.open)-1].until <= key {
		until := r.open[len(r.open)-1].until
		r.open = r.open[:len(r.open)-1]
		r.begin(until, r.open[len(r.open)-1].cell)
	}
}

// noDepth stands beside what is no answer: no prefix is as short as that it would take its place.
const noDepth = 255

// newLeaf makes a line of ranges, or a line that leads to others.
func (t *trie6) newLeaf(all []range6, from int) (word uint32, ok bool) {
	lines := (len(all) + lineAnswers - 1) / lineAnswers
	units := lines
	if lines > 1 {
		units++
	}
	unit, ok := t.takeUnits(units, units*unitWords, &t.lines[units])
	if !ok {
		return 0, false
	}
	t.nodes[unit] = node6{line: rangesLine, built: int32(units)}
	if lines == 1 {
		t.putLine(unit, from, all)
		return ir.FrontWord6(unit, from, 0), true
	}
	word = ir.FrontWord6(unit, from, ir.Head6)
	head := t.emptyLine(unit, word)
	for i := range lines {
		first, last := i*len(all)/lines, (i+1)*len(all)/lines
		head[i] = ir.EndKey6 - all[first].start
		t.putLine(unit+1+i, from, all[first:last])
	}
	return word, true
}

// newDeep makes a line above nodes for entries that share their first from bits and are longer.
func (t *trie6) newDeep(set []entry[prefix6], from int, over cell) (word uint32, ok bool) {
	unit, ok := t.takeUnits(1, unitWords, &t.lines[1])
	if !ok {
		return 0, false
	}
	t.putLine(unit, from, []range6{{0, cell{ir.NoAnswer6, noDepth}}})
	below, ok := t.build(set, from, over)
	if !ok {
		return 0, false
	}
	t.words[unit*unitWords+atDeep] = below
	t.nodes[unit] = node6{line: deepLine}
	t.steps = max(t.steps, int(t.height(below)))
	return ir.FrontWord6(unit, from, 0), true
}

// constant is the word of a line for one answer. There is one for each, until the table is made anew.
func (t *trie6) constant(row uint32) (word uint32, ok bool) {
	if word, ok := t.constants[row]; ok {
		return word, true
	}
	unit, ok := t.findUnits(1, &t.lines[1])
	if !ok {
		return 0, false
	}
	t.putLine(unit, 0, []range6{{0, cell{row, noDepth}}})
	t.nodes[unit] = node6{line: constantLine}
	t.note(unit*unitWords, unitWords)
	t.constants[row] = ir.FrontWord6(unit, 0, 0)
	return t.constants[row], true
}

// emptyLine gives a line its word, and nothing else. Its numbers are given.
func (t *trie6) emptyLine(unit int, word uint32) (numbers []uint32) {
	line := t.words[unit*unitWords:][:unitWords]
	clear(line)
	line[0] = word
	return line[ir.Bounds6/4:][:ir.MostBounds6]
}

// putLine gives a line its word and its ranges; every key is at least the first one's.
func (t *trie6) putLine(unit, from int, all []range6) {
	numbers := t.emptyLine(unit, ir.FrontWord6(unit, from, 0))
	for i, r := range all[1:] {
		numbers[i] = ir.EndKey6 - r.start
	}
	for i := range lineAnswers {
		c := cell{all[len(all)-1].word, noDepth}
		if i < len(all) {
			c = all[i].cell
		}
		t.putAnswer(unit, i, c)
	}
}

// putAnswer changes an answer of a line, and tells in which word it is.
func (t *trie6) putAnswer(unit, i int, c cell) (index int) {
	index = unit*unitWords + atAnswers + i/2
	var pair [4]byte
	binary.NativeEndian.PutUint32(pair[:], t.words[index])
	binary.NativeEndian.PutUint16(pair[i%2*2:], uint16(c.word))
	t.words[index], t.depth[unit*unitWords+i] = binary.NativeEndian.Uint32(pair[:]), c.depth
	return index
}

func (t *trie6) answer(unit, i int) cell {
	var pair [4]byte
	binary.NativeEndian.PutUint32(pair[:], t.words[unit*unitWords+atAnswers+i/2])
	return cell{uint32(binary.NativeEndian.Uint16(pair[i%2*2:])), t.depth[unit*unitWords+i]}
}

// fillLeaf applies a change to the answers of a leaf.
func (t *trie6) fillLeaf(first int, s span6) {
	end := first + int(t.nodes[first].built)
	if end > first+1 {
		first++ // a head has no answers
	}
	for unit := first; unit < end; unit++ {
		for i := range lineAnswers {
			if c := t.answer(unit, i); int(c.depth) <= s.limit && c != s.cell {
				t.note(t.putAnswer(unit, i, s.cell), 1)
			}
		}
	}
}

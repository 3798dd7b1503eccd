package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// The leaves of a trie6: the answers of a part of the address side by side, in as many lines as it takes. Beside each answer
// stands the length of the prefix that it is there for, in the order of the answers of a line.

const (
	lineAnswers = ir.MostBounds6 + 1
	maxLines6   = 1 + lineAnswers           // lines of a leaf: one that leads to the others
	maxRanges6  = lineAnswers * lineAnswers // answers of a leaf
	atAnswers   = ir.Answers6 / 4
	manyRoutes6 = 4096 // so many that a table has leaves
	leafBits    = 5    // a window is for 1<<leafBits entries a word, which a leaf holds
)

// range6 is an answer and the least key that has it.
type range6 struct {
	start uint32
	cell
}

// leafAt tells whether a word names a leaf, its first unit, and where keys end.
func (t *trie6) leafAt(word uint32) (unit, end int, ok bool) {
	if !t.leaves {
		return 0, 0, false
	}
	return ir.IsLeaf6(word)
}

// rangesOf is what the addresses come to that share their first from bits with a set of longer entries, and where in the
// address keys end that tell them apart; false if that does not fit in a leaf. Entries stand in order.
func (t *trie6) rangesOf(set []entry[prefix6], from int, over cell) (all []range6, end int, fits bool) {
	end = min(from+ir.KeyBits6, 64)
	if !t.leaves || from > end {
		return nil, 0, false
	}
	r := ranges{all: make([]range6, 0, lineAnswers), open: []open6{{until: ir.NoBound6, cell: over}}}
	r.begin(0, over)
	for _, e := range set {
		if e.p.len() > end || len(r.all) > maxRanges6 {
			return nil, 0, false
		}
		start := uint32(e.p.hi>>(64-end)) & (ir.NoBound6 - 1)
		r.close(start)
		c := cell{uint32(e.row), e.p.bits}
		r.begin(start, c)
		r.open = append(r.open, open6{start + 1<<(end-e.p.len()), c})
	}
	r.close(ir.NoBound6 - 1)
	return r.all, end, len(r.all) <= maxRanges6
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

// buildLeaf makes a leaf of ranges.
func (t *trie6) buildLeaf(all []range6, end int) (word uint32, ok bool) {
	lines := (len(all) + lineAnswers - 1) / lineAnswers
	units := lines
	if lines > 1 {
		units++
	}
	unit, ok := t.takeUnits(units, units*unitWords, &t.lines[units])
	if !ok {
		return 0, false
	}
	t.nodes[unit] = node6{built: int32(units)}
	if lines == 1 {
		t.putLine(unit, all)
		return ir.LeafWord6(unit, end), true
	}
	var heads []range6
	for i := range lines {
		first, last := i*len(all)/lines, (i+1)*len(all)/lines
		t.putLine(unit+1+i, all[first:last])
		heads = append(heads, range6{all[first].start, cell{word: ir.FurtherLine6 | uint32(i+1), depth: noDepth}})
	}
	t.putLine(unit, heads)
	return ir.LeafWord6(unit, end), true
}

// noDepth stands beside what is no answer: no prefix is as short as that it would take its place.
const noDepth = 255

// putLine gives a line its ranges; every key that comes this far is at least the first one's.
func (t *trie6) putLine(unit int, all []range6) {
	base := unit * unitWords
	for i := range lineAnswers {
		bound := uint32(ir.NoBound6)
		if i+1 < len(all) {
			bound = all[i+1].start
		}
		if i < ir.MostBounds6 {
			t.words[base+i] = bound
		}
		c := cell{depth: noDepth}
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
func (t *trie6) fillLeaf(word uint32, s span6) {
	first, _, _ := ir.IsLeaf6(word)
	for unit := first; unit < first+int(t.nodes[first].built); unit++ {
		for i := range lineAnswers {
			if c := t.answer(unit, i); int(c.depth) <= s.limit && c != s.cell {
				t.note(t.putAnswer(unit, i, s.cell), 1)
			}
		}
	}
}

// renewLeaf makes the leaf anew that the word at index names, to which the first from bits of p have led.
func (t *trie6) renewLeaf(index, from int, p prefix6) {
	over := cell{}
	if shorter, ok := t.cover(p, from); ok {
		row, _ := t.entries.get(shorter)
		over = cell{uint32(row), shorter.bits}
	}
	if !t.rebuild(index, p, from, over) {
		t.overflow = true
	}
}

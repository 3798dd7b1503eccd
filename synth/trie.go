package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

const (
	blockWords = 256
	maxBlocks  = 1 << 15
	minBlocks  = 64
	blockBit   = 1 << 15 // a word with it names a block
	mostBlocks = 1 << 13 // a table that needs more is packed
	manyRoutes = 50000   // so many that a table is packed, whatever their lengths
)

// trie is the route table: the words of an ir.LPM table, and beside each the length of the prefix that it is there for.
// Every change of the words is noted as writes, in an order in which a program that looks meanwhile finds the old or the
// new answer.
type trie struct {
	table string // its name
	words []uint16
	depth []uint8
	focus focus[prefix] // its words follow the first level
	prefixes

	blocks   int // that the table has room for; 0 while it is being built and grows
	next     int // the first block that was never used
	free     quarantine
	overflow bool // a block was wanted and there was none

	journal *journal
	fresh   bool // what is painted is a block that nothing names yet
}

func newTrie(j *journal, table string) *trie {
	t := &trie{table: table, journal: j}
	t.focus.lengths, t.focus.cut = focusLengths4, prefix.cut
	t.clear()
	return t
}

func (t *trie) clear() {
	t.next, t.free.queue = 0, nil
	t.words, t.depth = make([]uint16, t.blocksAt()), make([]uint8, t.blocksAt())
}

// blocksAt is where the blocks begin.
func (t *trie) blocksAt() int {
	if t.focus.is() {
		return 1<<ir.FirstLPM + 1<<ir.FocusBits
	}
	return 1 << ir.FirstLPM
}

// seal gives the table its focus and its size, once it is built.
func (t *trie) seal(least ViewShape) {
	if t.focus.choose(&t.entries); t.focus.is() {
		t.clear()
		t.each(func(p prefix, value uint16) { t.enter(span{p, p.len(), value, uint8(p.len())}) })
	}
	t.blocks = minBlocks
	for t.blocks < least.Blocks || t.blocks < t.next+t.next/4 && t.blocks < mostBlocks {
		t.blocks *= 2
	}
}

// set makes value the answer for the addresses of p that no longer prefix covers.
func (t *trie) set(p prefix, value uint16) {
	if old, there := t.entries.get(p); there && old == value {
		return
	}
	t.put(p, value)
	t.enter(span{p, p.len(), value, uint8(p.len())})
}

// remove takes p out; the addresses that it answered for get the answer of the next shorter prefix.
func (t *trie) remove(p prefix) {
	if t.drop(p) {
		value, depth := t.above(p)
		t.enter(span{p, p.len(), value, depth})
	}
}

// span is a change: the words of p that stand there for a prefix of at most limit bits get value and depth.
type span struct {
	p     prefix
	limit int
	value uint16
	depth uint8
}

// enter applies a span to the words of the focus, or to all others, or to both.
func (t *trie) enter(s span) {
	if length := t.focus.at.len(); t.focus.meets(s.p) {
		if s.p.len() <= length {
			t.fill(s, 1<<ir.FirstLPM, 1<<ir.FocusBits, t.focus.end())
		} else {
			t.paint(s, 1<<ir.FirstLPM, length, t.focus.end())
		}
	}
	if !t.focus.has(s.p) {
		t.paint(s, 0, 0, ir.FirstLPM)
	}
}

// paint applies a span to the words at base, which are indexed by the address bits from the one at from to that before to.
func (t *trie) paint(s span, base, from, to int) {
	index := int(s.p.addr()<<from>>(32-to+from)) + base
	if s.p.len() > to {
		t.descend(s, index, to)
		return
	}
	t.fill(s, index, 1<<(to-s.p.len()), to)
}

// fill applies a span to count words at index, and to the blocks that they name.
func (t *trie) fill(s span, index, count, to int) {
	run := 0 // words before i that were written and not yet noted
	for i := index; i < index+count; i++ {
		word := t.words[i]
		switch {
		case word&blockBit != 0:
			t.note(i-run, run)
			run = 0
			t.fill(s, t.base(word), blockWords, to+8)
		case int(t.depth[i]) <= s.limit && (word != s.value || t.depth[i] != s.depth):
			t.words[i], t.depth[i] = s.value, s.depth
			run++
		default:
			t.note(i-run, run)
			run = 0
		}
	}
	t.note(index+count-run, run)
}

// descend applies a span to a part of what one word answers for. A new block is filled before a word names it; one whose
// words have become equal gives way to a word.
func (t *trie) descend(s span, index, to int) {
	word := t.words[index]
	if word&blockBit != 0 {
		t.paint(s, t.base(word), to, to+8)
		t.collapse(index, to)
		return
	}
	block, ok := t.take()
	if !ok {
		t.overflow = true
		return
	}
	base := t.base(block)
	for i := base; i < base+blockWords; i++ {
		t.words[i], t.depth[i] = word, t.depth[index]
	}
	outer := t.fresh
	t.fresh = true
	t.paint(s, base, to, to+8)
	t.fresh = outer
	t.words[index] = block
	if !outer {
		t.noteDeep(base, to+8)
		t.note(index, 1)
	}
}

// noteDeep notes a whole new block, and before it the one that it may name.
func (t *trie) noteDeep(base, to int) {
	if to < 32 {
		for _, word := range t.words[base : base+blockWords] {
			if word&blockBit != 0 {
				t.note(t.base(word), blockWords)
			}
		}
	}
	t.note(base, blockWords)
}

// collapse frees the block that the word at index names, if no prefix is left that needs it.
func (t *trie) collapse(index, to int) {
	block := t.words[index]
	base := t.base(block)
	for i := base; i < base+blockWords; i++ {
		if t.words[i]&blockBit != 0 || int(t.depth[i]) > to {
			return
		}
	}
	t.words[index], t.depth[index] = t.words[base], t.depth[base]
	t.note(index, 1)
	t.free.put(t.journal, int(block&^blockBit))
}

func (t *trie) base(word uint16) int { return t.blocksAt() + int(word&^blockBit)*blockWords }

// take finds a block that nobody reads.
func (t *trie) take() (uint16, bool) {
	if n, ok := t.free.take(); ok {
		return uint16(n) | blockBit, true
	}
	if t.next == mostBlocks || t.blocks != 0 && t.next == t.blocks {
		return 0, false
	}
	t.words = append(t.words, make([]uint16, blockWords)...)
	t.depth = append(t.depth, make([]uint8, blockWords)...)
	t.next++
	return uint16(t.next-1) | blockBit, true
}

func (t *trie) note(index, count int) {
	if count > 0 && !t.fresh {
		t.journal.noteWords(t.table, 2*index, t.words[index:index+count])
	}
}

// find is the answer for an address.
func (t *trie) find(addr uint32) uint16 {
	word, shift := t.words[addr>>(32-ir.FirstLPM)], 24-ir.FirstLPM
	if t.focus.has(newPrefix(addr, 32)) {
		word, shift = t.words[1<<ir.FirstLPM+int(addr<<t.focus.at.len()>>16)], 24-t.focus.end()
	}
	for ; word&blockBit != 0; shift -= 8 {
		word = t.words[t.base(word)+int(addr>>shift&0xff)]
	}
	return word
}

// flush has nothing to do: all is written at once.
func (t *trie) flush() {}

func (t *trie) shape() ViewShape {
	s := ViewShape{Table: t.table, Blocks: t.blocks, Full: t.overflow}
	if t.focus.is() {
		s.Focus = t.focus.at.netip()
	}
	return s
}

func (t *trie) larger() ViewShape {
	s := t.shape()
	if t.overflow {
		s.Blocks = min(2*s.Blocks, mostBlocks)
	}
	return s
}

func (t *trie) maximal() bool { return t.blocks == mostBlocks }

func (t *trie) misplaced() bool {
	return t.blocks > 0 && t.focus.misplaced(&t.entries)
}

// image is the contents of the whole table, as far as they are not zero.
func (t *trie) image() []byte { return wordBytes(t.words) }

func wordBytes(words []uint16) []byte {
	b := make([]byte, 0, 2*len(words))
	for _, w := range words {
		b = binary.NativeEndian.AppendUint16(b, w)
	}
	return b
}

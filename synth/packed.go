package synth

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// packed is a route table of IPv4 with many prefixes: the contents of an ir.Packed table. A change is entered at once, but
// written by flush: what the addresses of one first word, a chunk, come to is then worked out anew from the entries. A
// program that looks meanwhile finds the old or the new answer: a node stays as it is while a word names it, but for single
// answers.
type packed struct {
	table string // its name
	prefixes
	over    []over // by chunk
	first   []uint32
	palette []uint16
	places  []uint8 // by answer: its place in the palette, 1 for the first; 0 if it is not there
	blocks  []uint16
	nodes   []byte

	size4     shape4 // what the table has room for; zero while it is being built and grows
	nextUnit  int    // the first that was never used
	nextBlock int
	pools     [classes]quarantine // of nodes
	left      []int               // units that are left of those taken for a node of one
	free      quarantine          // of blocks
	lacks     lack

	dirty   []uint32 // chunks that may have changed
	marked  []bool
	journal *journal
}

// over is the answer of the prefixes that are no longer than a first word's addresses share bits, and the length of the
// prefix that it is there for.
type over struct {
	word  uint16
	depth uint8
}

// shape4 is how many units and blocks a table has.
type shape4 struct{ units, blocks int }

// lack says what there was too little of.
type lack struct{ units, blocks bool }

const (
	chunks     = 1 << ir.FirstPacked
	slots      = 1 << ir.SlotPacked
	leastUnits = 1 << 12
	placeMask  = ir.NarrowPacked - 1 // of a first word that names a node: where it is
)

// class is a size of nodes.
type class int

const (
	narrow  class = iota // of four bits for an answer
	wide                 // of words of 16 bits
	classes int   = iota
)

func (c class) units() int { return [...]int{narrow: 1, wide: 4}[c] }

// word is that of a first word which names such a node.
func (c class) word() uint32 { return ir.NodePacked | [...]uint32{narrow: ir.NarrowPacked, wide: 0}[c] }

func classNamed(first uint32) class {
	if first&ir.NarrowPacked != 0 {
		return narrow
	}
	return wide
}

func newPacked(j *journal, table string) *packed {
	return &packed{table: table, journal: j, over: make([]over, chunks), first: make([]uint32, chunks),
		places: make([]uint8, 1<<16), marked: make([]bool, chunks)}
}

// set makes row the answer for the addresses of p that no longer prefix covers.
func (t *packed) set(p prefix, row uint16) {
	if old, there := t.entries.get(p); there && old == row {
		return
	}
	t.put(p, row)
	t.touch(p, over{row, uint8(p.len())})
}

// remove takes p out; the addresses that it answered for get the answer of the next shorter prefix.
func (t *packed) remove(p prefix) {
	if t.drop(p) {
		row, depth := t.above(p)
		t.touch(p, over{row, depth})
	}
}

// touch marks the chunks that p concerns; o is what takes its place where it is the answer for a whole chunk.
func (t *packed) touch(p prefix, o over) {
	c := chunkOf(p)
	if t.size4.units == 0 {
		return // seal looks at all
	}
	if p.len() > ir.FirstPacked {
		t.mark(c)
		return
	}
	for end := c + 1<<(ir.FirstPacked-p.len()); c < end; c++ {
		if int(t.over[c].depth) <= p.len() && t.over[c] != o {
			t.over[c] = o
			t.mark(c)
		}
	}
}

func chunkOf(p prefix) int { return int(p.addr() >> (32 - ir.FirstPacked)) }

func (t *packed) mark(c int) {
	if !t.marked[c] {
		t.marked[c] = true
		t.dirty = append(t.dirty, uint32(c))
	}
}

// flush writes what has changed.
func (t *packed) flush() {
	for _, c := range t.dirty {
		t.marked[c] = false
		t.rebuild(int(c))
	}
	t.dirty = t.dirty[:0]
}

// seal builds the table of the entries and gives it its size.
func (t *packed) seal(least ViewShape) {
	for e := range t.entries.from(0) {
		if e.p.len() <= ir.FirstPacked {
			c := chunkOf(e.p)
			for i := c; i < c+1<<(ir.FirstPacked-e.p.len()); i++ {
				t.over[i] = over{e.row, uint8(e.p.len())}
			}
		}
	}
	for c, o := range t.over {
		t.first[c] = uint32(o.word)
	}
	t.choosePalette()
	last := -1
	for e := range t.entries.from(0) {
		if c := chunkOf(e.p); e.p.len() > ir.FirstPacked && c != last {
			t.rebuild(c)
			last = c
		}
	}
	t.size4 = shape4{
		units:  min(powerOfTwo(2*t.nextUnit, max(leastUnits, least.Nodes)), ir.MaxUnitsPacked),
		blocks: min(powerOfTwo(t.nextBlock+t.nextBlock/4, max(minBlocks, least.Blocks)), maxBlocks),
	}
}

// choosePalette takes the answers that most prefixes have.
func (t *packed) choosePalette() {
	counts := map[uint16]int{}
	for e := range t.entries.from(0) {
		counts[e.row]++
	}
	often := slices.SortedFunc(maps.Keys(counts), func(a, b uint16) int {
		return cmp.Or(counts[b]-counts[a], int(a)-int(b))
	})
	t.paint(0)
	for _, row := range often[:min(len(often), ir.PaletteSize-1)] {
		t.paint(row)
	}
}

func (t *packed) shape() ViewShape {
	return ViewShape{Table: t.table, Blocks: t.size4.blocks, Nodes: t.size4.units, Full: t.lacks != lack{}}
}

func (t *packed) larger() ViewShape {
	s := t.shape()
	if t.lacks.units {
		s.Nodes = min(2*s.Nodes, ir.MaxUnitsPacked)
	}
	if t.lacks.blocks {
		s.Blocks = min(2*s.Blocks, maxBlocks)
	}
	return s
}

func (t *packed) maximal() bool {
	return (!t.lacks.units || t.size4.units == ir.MaxUnitsPacked) && (!t.lacks.blocks || t.size4.blocks == maxBlocks)
}

// misplaced: it has no focus.
func (t *packed) misplaced() bool { return false }

// image is the contents of the whole table, as far as they are not zero.
func (t *packed) image() []byte {
	b := make([]byte, 0, t.nodesAt()+len(t.nodes))
	for _, word := range t.first {
		b = binary.NativeEndian.AppendUint32(b, word)
	}
	for _, word := range t.palette {
		b = binary.NativeEndian.AppendUint16(b, word)
	}
	b = b[:ir.BlocksPacked]
	for _, word := range t.blocks {
		b = binary.NativeEndian.AppendUint16(b, word)
	}
	return append(b[:t.nodesAt()], t.nodes...)
}

func (t *packed) nodesAt() int { return ir.BlocksPacked + t.size4.blocks*ir.BlockBytes }

// takeNode finds room for a node: what has rested, what is left of new units, or new ones.
func (t *packed) takeNode(c class) (unit int, ok bool) {
	if unit, ok := t.pools[c].take(); ok {
		return unit, true
	}
	if n := len(t.left) - 1; c == narrow && n >= 0 {
		unit, t.left = t.left[n], t.left[:n]
		return unit, true
	}
	limit := ir.MaxUnitsPacked
	if t.size4.units > 0 {
		limit = t.size4.units
	}
	unit = t.nextUnit
	if unit+wide.units() > limit {
		t.lacks.units = true
		return 0, false
	}
	t.nextUnit += wide.units()
	t.nodes = append(t.nodes, make([]byte, wide.units()*ir.UnitPacked)...)
	if c == narrow {
		for other := unit + wide.units() - 1; other > unit; other-- {
			t.left = append(t.left, other)
		}
	}
	return unit, true
}

// takeBlock finds a block that nobody reads.
func (t *packed) takeBlock() (block int, ok bool) {
	if block, ok := t.free.take(); ok {
		return block, true
	}
	if t.nextBlock == maxBlocks || t.size4.blocks != 0 && t.nextBlock == t.size4.blocks {
		t.lacks.blocks = true
		return 0, false
	}
	t.blocks = append(t.blocks, make([]uint16, blockWords)...)
	t.nextBlock++
	return t.nextBlock - 1, true
}

package filter

import (
	"math"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// classifier finds the first box that a packet is in by looking up classes. Each chunk of the keys has a table of the
// class of its number: numbers are in one class that lie in the same boxes. Tables of pairs of classes follow, until two
// are left whose pairs have the answers. So the number of boxes costs memory, and little time.
type classifier struct {
	chunks []chunk
	tables []*ir.Table // one for each chunk
	merges []merge
	last   *final
	whole  [][]uint64 // for each chunk, the boxes that have all of it
	kept   int        // words of the bits of all classes so far
}

// merge looks up the class of a pair: those of two chunks or earlier merges, by their places in that order.
type merge struct {
	a, b  int
	width int // classes of b
	table *ir.Table
}

// Limits of a classifier: what its tables hold, and what is computed for them.
const (
	mostPairs = 1 << 22 // of one table
	mostWork  = 1 << 27 // words of bits that are looked at for one table
	mostKept  = 1 << 24 // words of the bits of all classes: 128 MiB, and as much to find them by
)

// classes is the boxes of each class of numbers, as bits.
type classes struct {
	place  int // among chunks and merges
	chunks uint64
	sets   [][]uint64
}

// classify makes a classifier with the answers of some boxes, which are not zero; nil if it would be too large.
func classify(r *region, answers []int) *classifier {
	var boxes []box
	var of []int
	for i, b := range r.boxes {
		for _, part := range cut(b, r.keys) {
			boxes, of = append(boxes, part), append(of, answers[i])
		}
	}
	c := &classifier{}
	var sides [][]span
	for i, chunk := range chunksOf(r.keys) {
		if spans, matter := side(boxes, i, chunk); matter {
			c.chunks, sides = append(c.chunks, chunk), append(sides, spans)
		}
	}
	switch len(sides) {
	case 0:
		return nil
	case 1:
		return c.single(sides[0], of)
	}
	c.indifference(sides)
	var all []*classes
	for i, spans := range sides {
		s := c.survey(i, spans)
		if s == nil {
			return nil
		}
		all = append(all, s)
	}
	for len(all) > 2 {
		i, k := cheapest(all)
		a, b := all[i], all[k]
		all = slices.Delete(slices.Delete(all, k, k+1), i, i+1)
		both := c.merge(a, b)
		if both == nil {
			return nil
		}
		all = append(all, both)
	}
	if c.last = newFinal(all[0], all[1], of); c.last == nil {
		return nil
	}
	return c
}

// side is the spans of one chunk; they do not matter if each is all there is.
func side(boxes []box, nth int, c chunk) (spans []span, matter bool) {
	for _, b := range boxes {
		spans = append(spans, b[nth])
		matter = matter || b[nth].lo > 0 || b[nth].hi < 1<<c.width-1
	}
	return spans, matter
}

// single is the classifier of one chunk: its classes are the answers.
func (c *classifier) single(spans []span, of []int) *classifier {
	in, order := make([]bool, len(spans)), &queue{}
	pieces := c.chunks[0].sweep(spans, func(box int) {
		if in[box] = !in[box]; in[box] {
			order.push(box)
		}
	}, func() int {
		for len(order.heap) > 0 && !in[order.heap[0]] {
			order.pop()
		}
		if len(order.heap) == 0 {
			return 0
		}
		return of[order.heap[0]]
	})
	t, ok := c.chunks[0].table(pieces)
	c.tables = []*ir.Table{t}
	if !ok {
		return nil
	}
	return c
}

// survey finds the classes of a chunk, and makes its table; nil if there are too many.
func (c *classifier) survey(nth int, spans []span) *classes {
	words := (len(spans) + 63) / 64
	numbers, s := newNumbering(c.ends(1<<nth, words)), &classes{place: nth, chunks: 1 << nth}
	current := make([]uint64, words)
	full := false
	pieces := c.chunks[nth].sweep(spans, func(box int) { current[box/64] ^= 1 << (box % 64) }, func() int {
		full = full || numbers.work > mostWork || !c.room(numbers)
		if full {
			return 0
		}
		return numbers.of(current)
	})
	t, ok := c.chunks[nth].table(pieces)
	if full || !ok {
		return nil
	}
	c.tables, s.sets = append(c.tables, t), c.keep(numbers)
	return s
}

// room tells whether the sets of a numbering are no more than may be kept: many rules have many classes, each with a bit for
// every rule.
func (c *classifier) room(n *numbering) bool { return c.kept+n.words() <= mostKept }

// keep gives the sets of a numbering, which count from now on.
func (c *classifier) keep(n *numbering) [][]uint64 {
	c.kept += n.words()
	return n.sets
}

// cheapest finds the two of some classes with the fewest pairs.
func cheapest(all []*classes) (a, b int) {
	least := -1
	for k := range all {
		for i := range k {
			if n := len(all[i].sets) * len(all[k].sets); least < 0 || n < least {
				a, b, least = i, k, n
			}
		}
	}
	return a, b
}

// merge makes the table of all pairs of classes; nil if there are too many.
func (c *classifier) merge(s, o *classes) *classes {
	words, pairs := len(s.sets[0]), len(s.sets)*len(o.sets)
	if pairs > mostPairs || pairs*words > mostWork {
		return nil
	}
	sum := &classes{place: len(c.chunks) + len(c.merges), chunks: s.chunks | o.chunks}
	found, both, ids := make([]int, 0, pairs), make([]uint64, words), newNumbering(c.ends(sum.chunks, words))
	for _, a := range s.sets {
		for _, b := range o.sets {
			for i := range both {
				both[i] = a[i] & b[i]
			}
			if found = append(found, ids.of(both)); !c.room(ids) {
				return nil
			}
		}
	}
	sum.sets = c.keep(ids)
	c.merges = append(c.merges, merge{a: s.place, b: o.place, width: len(o.sets), table: pairTable(found, len(ids.sets))})
	return sum
}

// pairTable is a table of numbers below a bound.
func pairTable(found []int, below int) *ir.Table {
	t := numbers(len(found), below)
	for i, n := range found {
		put(t, i, n)
	}
	t.Name = nameOf("pair", t.Data)
	return t
}

// indifference finds the boxes that have all of a chunk.
func (c *classifier) indifference(sides [][]span) {
	for i, spans := range sides {
		whole := make([]uint64, (len(spans)+63)/64)
		for n, s := range spans {
			if s.lo == 0 && s.hi >= 1<<c.chunks[i].width-1 {
				whole[n/64] |= 1 << (n % 64)
			}
		}
		c.whole = append(c.whole, whole)
	}
}

// ends is the boxes that a packet is in once its numbers in some chunks are: the others do not matter to them.
func (c *classifier) ends(chunks uint64, words int) []uint64 {
	all := make([]uint64, words)
	for i := range all {
		all[i] = math.MaxUint64
	}
	for n, whole := range c.whole {
		for i := range whole {
			if chunks>>n&1 == 0 {
				all[i] &= whole[i]
			}
		}
	}
	return all
}

// find writes the lookups: the answer of a packet with these values, or zero.
func (c *classifier) find(b *ir.Builder, values []*ir.Value) *ir.Value {
	var found []*ir.Value
	for i, t := range c.tables {
		found = append(found, c.chunks[i].find(b, t, values[c.chunks[i].key]))
	}
	for _, m := range c.merges {
		found = append(found, ofPair(b, m.table, found[m.a], m.width, found[m.b]))
	}
	if c.last == nil {
		return found[0]
	}
	return c.last.find(b, found)
}

// ofPair looks up the number of a pair.
func ofPair(b *ir.Builder, t *ir.Table, x *ir.Value, width int, y *ir.Value) *ir.Value {
	pair := b.Arith(ir.OpAdd, b.ArithImm(ir.OpMul, x, uint64(width)), y)
	return b.Field(b.Lookup(b.Table(t), pair), fieldClass)
}

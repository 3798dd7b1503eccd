package filter

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// final finds the answers of pairs of classes. Where one table of all pairs would be too large, the boxes are parted into
// groups in their order, each with a table of the pairs that it tells apart: the first group with an answer decides.
type final struct {
	a, b        int       // places of the classes
	left, right *ir.Table // the classes of a group by those of a and b; nil: there is one group, of the same classes
	groups      []group
}

// group is the table of one group.
type group struct {
	width int
	table *ir.Table
}

// Limits of a final: pairs for which one group is made, and groups.
const (
	mostWhole  = 1 << 20
	mostGroups = 8
)

// newFinal makes the tables; nil if they would be too large.
func newFinal(a, b *classes, answers []int) *final {
	f := &final{a: a.place, b: b.place}
	if pairs := len(a.sets) * len(b.sets); pairs <= mostWhole {
		f.groups = []group{newGroup(a.sets, b.sets, answers)}
		return f
	}
	for n := 2; n <= mostGroups; n *= 2 {
		if f.part(a, b, answers, n) {
			return f
		}
	}
	return nil
}

// part makes so many groups; false if their tables are too large.
func (f *final) part(a, b *classes, answers []int, groups int) bool {
	words, pairs := len(a.sets[0]), 0
	if words < groups {
		return false
	}
	var left, right []*numbering
	var aOf, bOf [][]int
	for g := range groups {
		from, to := g*words/groups, (g+1)*words/groups
		x, xOf := restricted(a.sets, from, to)
		y, yOf := restricted(b.sets, from, to)
		if len(x.sets) > math.MaxUint16 || len(y.sets) > math.MaxUint16 {
			return false
		}
		if pairs += len(x.sets) * len(y.sets); pairs > mostPairs {
			return false
		}
		left, right, aOf, bOf = append(left, x), append(right, y), append(aOf, xOf), append(bOf, yOf)
	}
	for g := range groups {
		from := g * words / groups
		f.groups = append(f.groups, newGroup(left[g].sets, right[g].sets, answers[64*from:]))
	}
	f.left, f.right = side16(aOf), side16(bOf)
	return true
}

// restricted is the classes that some words tell apart, and which one each class is in.
func restricted(sets [][]uint64, from, to int) (n *numbering, of []int) {
	n = newNumbering(make([]uint64, to-from))
	for _, s := range sets {
		of = append(of, n.of(s[from:to]))
	}
	return n, of
}

// side16 is a table of the class in each group, by the class in all.
func side16(of [][]int) *ir.Table {
	t := &ir.Table{Kind: ir.Rows, Domain: slowpath.Config, Size: 1, RowSize: 2 * len(of)}
	for t.Size < len(of[0]) {
		t.Size *= 2
	}
	t.Data = make([]byte, t.Bytes())
	for g, all := range of {
		t.Fields = append(t.Fields, ir.Field{Name: groupName(g), Offset: 2 * g, Width: 2})
		for i, n := range all {
			binary.NativeEndian.PutUint16(t.Data[i*t.RowSize+2*g:], uint16(n))
		}
	}
	t.Name = nameOf("side", t.Data)
	return t
}

func groupName(g int) string { return fmt.Sprint("g", g) }

// newGroup is the table of the answers of pairs.
func newGroup(a, b [][]uint64, answers []int) group {
	found, most := make([]int, 0, len(a)*len(b)), 0
	for _, x := range a {
		for _, y := range b {
			n := first(x, y, answers)
			found, most = append(found, n), max(most, n)
		}
	}
	return group{len(b), pairTable(found, most+1)}
}

// first is the answer of the first box that is in both classes; zero if none is.
func first(a, b []uint64, answers []int) int {
	for i, w := range a {
		if w &= b[i]; w != 0 {
			return answers[64*i+bits.TrailingZeros64(w)]
		}
	}
	return 0
}

// find writes the lookups of the answer of two classes among those found.
func (f *final) find(b *ir.Builder, found []*ir.Value) *ir.Value {
	x, y := found[f.a], found[f.b]
	if f.left == nil {
		return ofPair(b, f.groups[0].table, x, f.groups[0].width, y)
	}
	left, right := b.Lookup(b.Table(f.left), x), b.Lookup(b.Table(f.right), y)
	best, zero := b.Const(0), b.Const(0)
	for g := len(f.groups) - 1; g >= 0; g-- {
		p := f.groups[g]
		n := ofPair(b, p.table, b.Field(left, groupName(g)), p.width, b.Field(right, groupName(g)))
		best = b.Select(ir.Eq, n, zero, best, n)
	}
	return best
}

package filter

import (
	"encoding/binary"
	"math"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// leaf is what becomes of the packets of a box: they go to one of some labels, and are counted if hit is not zero.
type leaf struct {
	to  int
	hit uint64
}

// decision is a region whose boxes are asked in their order: the first one that a packet is in says what becomes of it.
type decision struct {
	*region
	leaves []leaf // region.of names them
	to     []*label
}

// mostLinear is how many boxes are compared one after the other before a lookup is cheaper.
const mostLinear = 6

// decide writes a decision; packets in no box go to none.
func (w *writer) decide(d decision, values []*ir.Value, none *label) {
	d = d.pruned()
	if len(d.boxes) <= mostLinear || !w.byShapes(d, values, none) && !w.byVectors(d, values, none) {
		w.linear(d, values, none)
	}
}

// pruned leaves out boxes that equal an earlier one.
func (d decision) pruned() decision {
	seen := map[string]bool{}
	r := &region{keys: d.keys}
	var key []byte
	for i, b := range d.boxes {
		key = key[:0]
		for _, s := range b {
			key = binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(key, s.lo), s.hi)
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			r.boxes, r.of = append(r.boxes, b), append(r.of, d.of[i])
		}
	}
	d.region = r
	return d
}

// linear compares box after box.
func (w *writer) linear(d decision, values []*ir.Value, none *label) {
	for i, b := range d.boxes {
		if w.written++; w.written > maxWritten {
			w.punt(slowpath.RulesetLarge)
			return
		}
		hit, miss := w.label(), w.label()
		w.box(d.keys, b, values, hit, miss)
		w.Start(hit.block)
		l := d.leaves[d.of[i]]
		if l.hit != 0 {
			w.Hit(w.Const(l.hit), slowpath.RulesetLarge)
		}
		w.jump(d.to[l.to])
		if !miss.used {
			return
		}
		w.Start(miss.block)
	}
	w.jump(none)
}

// byShapes looks the packet up in a table for each shape; it is false where the boxes have too many.
func (w *writer) byShapes(d decision, values []*ir.Value, none *label) bool {
	shapes, of, ok := shapesOf(d.region)
	if !ok {
		return false
	}
	best := (*ir.Value)(nil)
	for i, s := range shapes {
		found := w.shape(d, values, s, func(n int) bool { return of[n] == i })
		if best == nil {
			best = found
			continue
		}
		// Numbers begin with one: less one, none is the highest.
		a, b := w.ArithImm(ir.OpSub, best, 1), w.ArithImm(ir.OpSub, found, 1)
		best = w.Select(ir.Lt, a, b, best, found)
	}
	w.dispatch(d, best, none)
	return true
}

// shape writes the lookup of the boxes of one shape: the number of the first one that the packet is in plus one, or zero.
func (w *writer) shape(d decision, values []*ir.Value, s shape, has func(n int) bool) *ir.Value {
	parts, words := s.pack()
	if words == 0 { // every packet is in it
		for n := range d.boxes {
			if has(n) {
				return w.Const(uint64(n) + 1)
			}
		}
	}
	var keys [][]uint64
	var answers []int
	for n, b := range d.boxes {
		if has(n) {
			keys = append(keys, packed(parts, words, func(key int) uint64 { return b[key].lo }))
			answers = append(answers, n)
		}
	}
	return newCuckoo(keys, answers).find(w.Builder, w.pack(parts, words, values))
}

// pack writes the packed key of the values.
func (w *writer) pack(parts []part, words int, values []*ir.Value) []*ir.Value {
	all := make([]*ir.Value, words)
	for _, p := range parts {
		v := values[p.key]
		if p.mask&(p.mask+1) != 0 || p.mask == 0 || p.mask < w.most(p.key, values) {
			v = w.ArithImm(ir.OpAnd, v, p.mask)
		}
		if p.shift > 0 {
			v = w.ArithImm(ir.OpShl, v, uint64(p.shift))
		}
		if all[p.word] != nil {
			v = w.Arith(ir.OpOr, all[p.word], v)
		}
		all[p.word] = v
	}
	return all
}

// most is the largest number that a value can be.
func (w *writer) most(key int, values []*ir.Value) uint64 { return ir.Spans{}.Max(values[key]) }

// dispatch goes where the leaf of a box leads to; the box is told by its number plus one, zero is none.
func (w *writer) dispatch(d decision, found *ir.Value, none *label) {
	same, counts := true, false
	for _, n := range d.of {
		same = same && d.leaves[n].to == d.leaves[d.of[0]].to
		counts = counts || d.leaves[n].hit != 0
	}
	some := w.label()
	some.used, none.used = true, true
	w.If(ir.Eq, found, w.Const(0), none.block, some.block, false)
	w.Start(some.block)
	if same && !counts {
		w.jump(d.to[d.leaves[d.of[0]].to])
		return
	}
	row := w.Lookup(w.Table(d.table()), found)
	if counts {
		w.Hit(w.Field(row, "hit"), slowpath.RulesetLarge)
	}
	w.leaveTo(d, w.Field(row, "to"))
}

// leaveTo branches by the number of a label.
func (w *writer) leaveTo(d decision, to *ir.Value) {
	last := -1
	seen := map[int]bool{}
	for _, n := range d.of {
		l := d.leaves[n].to
		if seen[l] {
			continue
		}
		seen[l] = true
		if last >= 0 {
			next := w.label()
			d.to[last].used = true
			w.If(ir.Eq, to, w.Const(uint64(last)), d.to[last].block, next.block, false)
			w.Start(next.block)
		}
		last = l
	}
	w.jump(d.to[last])
}

// table is the leaves of the boxes, by number plus one.
func (d decision) table() *ir.Table {
	t := &ir.Table{Kind: ir.Rows, Domain: slowpath.Config, Size: 1, RowSize: 8,
		Fields: []ir.Field{{Name: "to", Offset: 0, Width: 4}, {Name: "hit", Offset: 4, Width: 4}}}
	for t.Size <= len(d.boxes) {
		t.Size *= 2
	}
	t.Data = make([]byte, t.Bytes())
	for i, n := range d.of {
		at := t.Data[(i+1)*t.RowSize:]
		binary.NativeEndian.PutUint32(at, uint32(d.leaves[n].to))
		binary.NativeEndian.PutUint32(at[4:], uint32(min(d.leaves[n].hit, math.MaxUint32)))
	}
	t.Name = nameOf("leaf", t.Data)
	return t
}

// byVectors is not written yet.
func (w *writer) byVectors(d decision, values []*ir.Value, none *label) bool { return false }

package filter

import (
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
	plan := w.path.plan(d.region)
	d.region = plan.region
	switch {
	case plan.classes != nil:
		w.dispatch(plan, d, plan.classes.find(w.Builder, values), none)
	case plan.lookups != nil:
		w.lookUp(plan, d, values, none)
	default:
		w.linear(d, values, none)
	}
}

// linear compares box after box, as far as these are few: each comparison is a path that the verifier follows.
func (w *writer) linear(d decision, values []*ir.Value, none *label) {
	if len(d.boxes) > mostLinear {
		w.punt(slowpath.RulesetLarge)
		return
	}
	for i, b := range d.boxes {
		if w.written++; w.written > w.packet.Steps {
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

// lookUp asks the tables of all shapes: the lowest number that they have for the packet is its box.
func (w *writer) lookUp(p *plan, d decision, values []*ir.Value, none *label) {
	best := (*ir.Value)(nil)
	for _, l := range p.lookups {
		found := w.Const(l.always)
		if l.table != nil {
			found = l.table.find(w.Builder, w.Table(l.table.table()), w.pack(l.parts, l.words, values))
		}
		if best == nil {
			best = found
			continue
		}
		// Numbers begin with one: less one, none is the highest.
		a, b := w.ArithImm(ir.OpSub, best, 1), w.ArithImm(ir.OpSub, found, 1)
		best = w.Select(ir.Lt, a, b, best, found)
	}
	w.dispatch(p, d, best, none)
}

// pack writes the packed key of the values.
func (w *writer) pack(parts []part, words int, values []*ir.Value) []*ir.Value {
	all := make([]*ir.Value, words)
	for _, p := range parts {
		v := values[p.key]
		if p.mask&(p.mask+1) != 0 || p.mask < (ir.Spans{}).Max(v) {
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

// dispatch goes where the leaf of a box leads to; the box is told by its number plus one, zero is none.
func (w *writer) dispatch(p *plan, d decision, found *ir.Value, none *label) {
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
	row := w.Lookup(w.Table(p.leafTable(d)), found)
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

package filter

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// test goes on in a fresh block if a test holds, and to fails if it does not. It is false if no packet goes on here.
func (w *writer) test(t test, fails *label) bool {
	if t.set != nil {
		return w.isElement(t, fails)
	}
	values, ok := w.values(t.in.keys)
	if !ok {
		return false
	}
	holds := w.label()
	if t.not {
		w.inside(t.in, values, fails, holds)
	} else {
		w.inside(t.in, values, holds, fails)
	}
	if holds.used {
		w.Start(holds.block)
	}
	return holds.used
}

// values reads keys; false if one of them cannot be told, and the packet has been left to the kernel.
func (w *writer) values(keys []Key) ([]*ir.Value, bool) {
	if !w.whole(keys) {
		return nil, false
	}
	all := make([]*ir.Value, len(keys))
	for i, k := range keys {
		v := w.packet.Value(w.stage, k.Field)
		if v == nil {
			w.punt(untold(k.Field))
			return nil, false
		}
		if k.Mask != k.Field.most() {
			v = w.ArithImm(ir.OpAnd, v, k.Mask)
		}
		all[i] = v
	}
	return all, true
}

// untold says why packets are the kernel's where a field cannot be told.
func untold(f Field) slowpath.Reason {
	switch {
	case f.Base == Conn:
		return slowpath.RulesetConn
	case f.AsksBack():
		return slowpath.RulesetSource
	}
	return slowpath.RulesetMatch
}

// inside goes to yes if values lie in one of the boxes of a region, else to no.
func (w *writer) inside(r *region, values []*ir.Value, yes, no *label) {
	w.decide(decision{r, []leaf{{}}, []*label{yes}}, values, no)
}

// box goes to yes if values lie in a box, else to no.
func (w *writer) box(keys []Key, b box, values []*ir.Value, yes, no *label) {
	for i, s := range b {
		if s.lo == 0 && s.hi >= keys[i].Mask {
			continue
		}
		next := w.label()
		next.used, no.used = true, true
		w.span(s, keys[i].Mask, values[i], next.block, no.block)
		w.Start(next.block)
	}
	w.jump(yes)
}

// span branches.
func (w *writer) span(s span, most uint64, v *ir.Value, yes, no *ir.Block) {
	switch {
	case s.single():
		w.If(ir.Eq, v, w.Const(s.lo), yes, no, false)
	case s.lo == 0:
		w.If(ir.Le, v, w.Const(s.hi), yes, no, false)
	case s.hi >= most:
		w.If(ir.Ge, v, w.Const(s.lo), yes, no, false)
	default:
		w.If(ir.Le, w.ArithImm(ir.OpSub, v, s.lo), w.Const(s.hi-s.lo), yes, no, false)
	}
}

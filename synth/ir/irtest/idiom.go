package irtest

import (
	"math/bits"

	"github.com/hone-net/hone/synth/ir"
)

// idiom appends what real programs are full of and chance alone makes too rarely: the same two values compared again,
// bytes under a mask, parts of a load, addresses in a set.
func (g *generator) idiom(s *scope) {
	switch g.IntN(8) {
	case 0:
		g.again(s)
	case 1:
		g.masked(s)
	case 2:
		op := pick(g.Rand, ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpShr)
		limit := 200
		if op == ir.OpShl || op == ir.OpShr {
			limit = 64
		}
		once := g.b.ArithImm(op, g.number(s), uint64(g.IntN(limit)))
		s.add(g.b.ArithImm(op, once, uint64(g.IntN(limit))), false)
	case 3:
		if s.bound >= 34 {
			in := g.b.Lookup(g.b.Table(g.set), g.b.Load(pick(g.Rand, 26, 30), 4))
			g.ask(s, pick(g.Rand, ir.Eq, ir.Eq, ir.Ne), in, g.b.Const(0))
			s.add(in, true)
		}
	case 4:
		g.row(s)
	case 5:
		g.lookup6(s)
	case 6:
		g.either(s)
	case 7:
		if len(s.sets) > 0 {
			g.ask(s, pick(g.Rand, ir.Eq, ir.Ne), pick(g.Rand, s.sets...), g.b.Const(0))
		}
	}
}

// either appends a sum of what is hardly ever the one of two constants.
func (g *generator) either(s *scope) {
	choose := func() *ir.Value {
		p := g.b.ArithImm(ir.OpAnd, g.number(s), 0xffff)
		if s.bound >= 2 && !oneIn(g.Rand, 4) {
			p = g.b.Load(g.IntN(s.bound-1), 2)
		}
		least := uint64(0xff01 + g.IntN(0xff))
		return g.b.Select(pick(g.Rand, ir.Ge, ir.Gt), p, g.b.Const(least), g.b.Const(number(g.Rand)), g.b.Const(number(g.Rand)))
	}
	a, c := choose(), g.number(s)
	if oneIn(g.Rand, 2) {
		c = choose()
	}
	s.add(g.b.Arith(ir.OpAdd, a, c), false)
}

// lookup6 looks for an address of the packet in the tables for IPv6.
func (g *generator) lookup6(s *scope) {
	at := pick(g.Rand, 22, 38)
	if s.bound < at+16 {
		return
	}
	hi, lo := g.b.Load(at, 8), g.b.Load(at+8, 8)
	if oneIn(g.Rand, 3) { // a number that was computed
		hi, lo = g.b.ArithImm(ir.OpOr, hi, 0), g.b.ArithImm(ir.OpOr, lo, uint64(g.IntN(2)))
	}
	if oneIn(g.Rand, 2) {
		s.add(g.b.Lookup(g.b.Table(g.lpm6), hi, lo), true)
		return
	}
	if oneIn(g.Rand, 2) {
		if oneIn(g.Rand, 2) {
			hi = g.number(s)
		}
		s.sets = append(s.sets, g.b.Lookup(g.b.Table(g.set6), hi, lo))
		return
	}
	in := g.b.Lookup(g.b.Table(g.set6), hi, lo)
	g.ask(s, pick(g.Rand, ir.Eq, ir.Eq, ir.Ne), in, g.b.Const(0))
	s.add(in, true)
}

// row appends many guards against constants.
func (g *generator) row(s *scope) {
	if s.stored {
		return
	}
	p, reason, few := g.number(s), g.reason(), s.bound > 0
	if few {
		p = g.b.Load(g.IntN(s.bound), 1)
	}
	for range 5 + g.IntN(6) {
		n := number(g.Rand)
		if few {
			n = uint64(pick(g.Rand, 1+g.IntN(4), 3+g.IntN(250), 255))
		}
		g.b.GuardImm(ir.Ne, p, n, reason)
		if oneIn(g.Rand, 30) {
			reason = g.reason()
		}
	}
}

// ask settles a condition by a guard, if the scope can still punt, or selects by it.
func (g *generator) ask(s *scope, c ir.Cond, p, q *ir.Value) {
	if !s.stored && oneIn(g.Rand, 3) {
		g.b.Guard(c, p, q, g.reason())
		return
	}
	s.add(g.b.Select(c, p, q, g.b.Const(uint64(g.IntN(9))), g.number(s)), false)
}

// again compares small numbers, and then again, where the first may have settled the rest.
func (g *generator) again(s *scope) {
	p := g.small(s)
	q := g.b.Const(uint64(g.IntN(4)))
	if oneIn(g.Rand, 2) {
		q = g.small(s)
	}
	if c := g.anyCond(); !s.stored {
		g.b.Guard(c, p, q, g.reason())
	}
	for range 3 {
		a, b := p, q
		switch {
		case q.Op == ir.OpConst:
			b = g.b.Const(q.Imm + uint64(g.IntN(3)) - 1)
		case oneIn(g.Rand, 2):
			a, b = q, p
		}
		s.add(g.b.Select(g.anyCond(), a, b, g.b.Const(uint64(g.IntN(9))), g.number(s)), false)
	}
}

func (g *generator) anyCond() ir.Cond { return ir.Eq + ir.Cond(g.IntN(int(ir.NoneSet))) }

// small is a number below 8, of which packets have many kinds.
func (g *generator) small(s *scope) *ir.Value {
	if s.bound == 0 || oneIn(g.Rand, 4) {
		return g.b.ArithImm(ir.OpAnd, g.number(s), 7)
	}
	return g.b.ArithImm(ir.OpAnd, g.b.Load(g.IntN(s.bound), 1), pick(g.Rand, uint64(1), 3, 7))
}

// masked compares some bits of a load.
func (g *generator) masked(s *scope) {
	if s.bound == 0 {
		return
	}
	off, width := g.place(s)
	v := g.b.Load(off, width)
	if oneIn(g.Rand, 3) {
		v.Op = ir.OpLoadLE
	}
	if oneIn(g.Rand, 4) {
		s.add(g.b.ArithImm(ir.OpShr, v, uint64(8*g.IntN(8))), false)
		return
	}
	mask := pick(g.Rand, 0xff, 0xff00, 0xffff, 0xffffffff, 3, 5, 1<<g.IntN(64), g.Uint64())
	and := g.b.ArithImm(ir.OpAnd, v, mask)
	n := mask & pick(g.Rand, 0, 1, 0xff, 2, 0x100, mask, bits.ReverseBytes64(1)>>(64-8*width), g.Uint64())
	g.ask(s, pick(g.Rand, ir.Eq, ir.Ne, ir.Ne, ir.AnySet, ir.NoneSet), and, g.b.Const(n))
	if oneIn(g.Rand, 3) {
		s.add(and, false)
	}
}

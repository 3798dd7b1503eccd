package irtest

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// value appends something: mostly one value, sometimes the few that make it legal.
func (g *generator) value(s *scope) {
	switch g.IntN(16) {
	case 0, 1:
		if !s.stored && s.bound < 64 {
			s.bound = max(s.bound, g.bound())
		}
	case 2, 3:
		g.load(s)
	case 4, 5:
		g.arith(s)
	case 6:
		g.narrowed(s)
	case 7:
		c, p, q := g.condition(s)
		s.add(g.b.Select(c, p, q, g.number(s), g.number(s)), false)
	case 8:
		g.hook(s)
	case 9, 10:
		g.lookup(s)
	case 11:
		g.field(s)
	case 12:
		switch {
		case s.stored:
		case g.tallies != nil && oneIn(g.Rand, 2):
			for range pick(g.Rand, 1, 1, 1, 2, 9) {
				g.b.Hit(g.number(s), g.reason())
			}
		default:
			g.guard(s)
		}
	default:
		g.idiom(s)
	}
}

// add puts a number into the scope.
func (s *scope) add(v *ir.Value, narrow bool) {
	s.numbers = append(s.numbers, v)
	if narrow {
		s.narrow = append(s.narrow, v)
	}
}

// number is something to compute with: the latest values more often than old ones.
func (g *generator) number(s *scope) *ir.Value {
	if n := len(s.numbers); n > 0 && !oneIn(g.Rand, 4) {
		return s.numbers[max(g.IntN(n), g.IntN(n))]
	}
	return g.b.Const(number(g.Rand))
}

// below32 is a number of at most 32 bits.
func (g *generator) below32(s *scope) *ir.Value {
	if n := len(s.narrow); n > 0 && !oneIn(g.Rand, 4) {
		return s.narrow[g.IntN(n)]
	}
	return g.b.ArithImm(ir.OpAnd, g.number(s), 0xffffffff)
}

func (g *generator) bound() int {
	n := pick(g.Rand, 1, 14, 15, 20, 34, 42, 64)
	g.b.Bound(n, pick(g.Rand, slowpath.Short, slowpath.Length))
	return n
}

// place picks packet bytes below the bound.
func (g *generator) place(s *scope) (off int, width uint8) {
	width = pick(g.Rand, uint8(1), 2, 4, 8)
	for int(width) > s.bound {
		width /= 2
	}
	off = g.IntN(s.bound - int(width) + 1)
	if !oneIn(g.Rand, 3) { // the same few places again and again
		off = min(off&^7+g.IntN(2), s.bound-int(width))
	}
	return off, width
}

func (g *generator) load(s *scope) {
	if s.bound == 0 {
		return
	}
	off, width := g.place(s)
	v := g.b.Load(off, width)
	if oneIn(g.Rand, 2) {
		v.Op = ir.OpLoadLE
	}
	s.add(v, width <= 4)
}

// store appends some stores, after which the scope cannot punt.
func (g *generator) store(s *scope) {
	s.stored = true
	for range 1 + g.IntN(3) {
		off, width := g.place(s)
		if oneIn(g.Rand, 2) {
			g.b.Store(off, width, g.number(s))
		} else {
			g.b.StoreLE(off, width, g.number(s))
		}
	}
}

func (g *generator) arith(s *scope) {
	op := ir.OpAdd + ir.Op(g.IntN(int(ir.OpShr-ir.OpAdd)+1))
	if op == ir.OpShl || op == ir.OpShr {
		by := g.b.Const(uint64(g.IntN(64)))
		if oneIn(g.Rand, 4) {
			by = g.b.ArithImm(ir.OpAnd, g.number(s), 63)
		}
		s.add(g.b.Arith(op, g.number(s), by), false)
		return
	}
	s.add(g.b.Arith(op, g.number(s), g.number(s)), false)
}

// narrowed appends what gives few bits.
func (g *generator) narrowed(s *scope) {
	switch g.IntN(3) {
	case 0:
		sum := g.number(s)
		switch g.IntN(3) {
		case 0:
			sum = g.below32(s)
		case 1:
			sum = g.b.ArithImm(ir.OpMul, sum, 0xffff) // folds to 0xffff, but for zero and what is past 64 bits
		}
		fold := g.b.Arith(ir.OpFold, sum)
		if s.add(fold, true); oneIn(g.Rand, 2) {
			g.ask(s, pick(g.Rand, ir.Eq, ir.Ne), fold, g.b.Const(0xffff))
		}
	case 1:
		s.add(g.b.Arith(ir.OpSwap16, g.number(s)), true)
	case 2:
		s.add(g.b.ArithImm(ir.OpAnd, g.number(s), uint64(g.Uint32()>>g.IntN(32))), true)
	}
}

func (g *generator) hook(s *scope) {
	switch {
	case oneIn(g.Rand, 2):
		s.add(g.b.Moved(slowpath.Domain(g.IntN(int(slowpath.NumDomains)))), false)
	case g.o.NoVLAN || oneIn(g.Rand, 2):
		s.add(g.b.Meta(ir.MetaLen), true)
	default:
		s.add(g.b.Meta(pick(g.Rand, ir.MetaVLAN, ir.MetaPartial)), true)
	}
}

// condition is one that may go either way.
func (g *generator) condition(s *scope) (ir.Cond, *ir.Value, *ir.Value) {
	c := g.anyCond()
	p, q := g.number(s), g.number(s)
	if oneIn(g.Rand, 2) {
		q = g.b.Const(uint64(g.IntN(4)))
	}
	return c, p, q
}

// guard appends a guard that mostly holds.
func (g *generator) guard(s *scope) {
	c, p, q := g.condition(s)
	switch {
	case c == ir.Eq && !oneIn(g.Rand, 4):
		c = ir.Ne
	case c == ir.AnySet && !oneIn(g.Rand, 3):
		q = g.b.Const(^uint64(0))
	}
	g.b.Guard(c, p, q, g.reason())
	if oneIn(g.Rand, 3) { // and once more
		g.b.Guard(c, p, q, g.reason())
	}
}

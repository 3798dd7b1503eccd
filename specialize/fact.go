package specialize

import (
	"github.com/hone-net/hone/synth/ir"
)

// fact is a condition that holds at a place of the program, and those that hold above it.
type fact struct {
	cond ir.Cond
	p, q *ir.Value
	up   *fact
}

// The orders in which two numbers can stand.
const (
	less = 1 << iota
	equal
	more
)

// orders are those for which a condition holds; 0 for conditions on bits.
func orders(c ir.Cond) int {
	switch c {
	case ir.Eq:
		return equal
	case ir.Ne:
		return less | more
	case ir.Lt:
		return less
	case ir.Le:
		return less | equal
	case ir.Gt:
		return more
	case ir.Ge:
		return more | equal
	}
	return 0
}

// decide tells what a condition gives where the facts hold, if they say it.
func (f *fact) decide(c ir.Cond, p, q *ir.Value, s ir.Spans) (known, holds bool) {
	if known, holds = f.decidePair(c, p, q); known {
		return known, holds
	}
	if q.Op != ir.OpConst {
		return false, false
	}
	lo, hi, clear := f.interval(p, s)
	if lo > hi {
		return false, false // the place cannot be reached; leave it alone
	}
	if (c == ir.AnySet || c == ir.NoneSet) && q.Imm&^clear == 0 {
		return true, c == ir.NoneSet
	}
	return between(c, lo, hi, q.Imm)
}

// decidePair asks the facts about the same two values.
func (f *fact) decidePair(c ir.Cond, p, q *ir.Value) (known, holds bool) {
	possible := less | equal | more
	for ; f != nil; f = f.up {
		cond := f.cond
		switch {
		case f.p == p && same(f.q, q):
		case f.q == p && same(f.p, q):
			cond = swapped(cond)
		default:
			continue
		}
		if orders(c) == 0 && (cond == c || cond == c.Not()) {
			return true, cond == c
		}
		if o := orders(cond); o != 0 {
			possible &= o
		}
	}
	want := orders(c)
	switch {
	case want == 0 || possible == 0:
		return false, false
	case possible&^want == 0:
		return true, true
	case possible&want == 0:
		return true, false
	}
	return false, false
}

func same(a, b *ir.Value) bool { return a == b || a.Op == ir.OpConst && isConst(b, a.Imm) }

// interval gives what the facts say about a number by itself: its range, and bits that are clear.
func (f *fact) interval(p *ir.Value, s ir.Spans) (lo, hi, clear uint64) {
	hi = s.Max(p)
	clear = ^ir.Ones(64 - leadingZeros(hi))
	for range 2 { // an inequality at the end of the range counts once the range is known
		for g := f; g != nil; g = g.up {
			if g.p == p && g.q.Op == ir.OpConst {
				lo, hi = g.clip(lo, hi)
				if g.cond == ir.NoneSet {
					clear |= g.q.Imm
				}
			}
		}
	}
	return lo, hi, clear
}

// clip cuts a range to where the fact holds.
func (f *fact) clip(lo, hi uint64) (uint64, uint64) {
	n := f.q.Imm
	switch {
	case f.cond == ir.Eq:
		return max(lo, n), min(hi, n)
	case f.cond == ir.Le:
		return lo, min(hi, n)
	case f.cond == ir.Ge:
		return max(lo, n), hi
	case f.cond == ir.Lt && n > 0:
		return lo, min(hi, n-1)
	case f.cond == ir.Gt && n < ^uint64(0):
		return max(lo, n+1), hi
	case (f.cond == ir.Ne && n == lo || f.cond == ir.AnySet && lo == 0) && lo < hi:
		return lo + 1, hi
	case f.cond == ir.Ne && n == hi && lo < hi:
		return lo, hi - 1
	}
	return lo, hi
}

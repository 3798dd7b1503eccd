package specialize

import (
	"math"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// fold computes what does not depend on the packet, and ends blocks where a condition is known to fail.
func fold(p *ir.Program) {
	f := folder{editor: edit(p), spans: ir.Spans{}}
	for _, b := range p.Blocks {
		f.block(b)
	}
	prune(p)
}

type folder struct {
	*editor
	spans ir.Spans
}

func (f *folder) block(b *ir.Block) {
	var kept []*ir.Value
	for _, v := range b.Values {
		f.resolve(v.Args)
		f.order(v)
		if v.Op == ir.OpGuard {
			if known, holds := f.decide(v.Cond, v.Args); known && holds {
				continue
			} else if known {
				b.Values = kept
				b.Exit = ir.Exit{Kind: ir.Punt, Reason: v.Reason}
				return
			}
		}
		if w := f.simplify(v, &kept); w != nil {
			f.replace(v, w)
			continue
		}
		kept = append(kept, v)
	}
	b.Values = kept
	f.resolve(b.Exit.Args)
	f.exit(&b.Exit)
}

// order puts the constant operand of a comparison or a commutative operation second.
func (f *folder) order(v *ir.Value) {
	if len(v.Args) < 2 || v.Args[0].Op != ir.OpConst || v.Args[1].Op == ir.OpConst {
		return
	}
	switch v.Op {
	case ir.OpGuard, ir.OpSelect:
		v.Cond = swapped(v.Cond)
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
	default:
		return
	}
	v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
}

// exit simplifies what ends a block.
func (f *folder) exit(x *ir.Exit) {
	switch {
	case x.Kind == ir.If:
		if x.Args[0].Op == ir.OpConst && x.Args[1].Op != ir.OpConst {
			x.Cond, x.Args = swapped(x.Cond), []*ir.Value{x.Args[1], x.Args[0]}
		}
		known, holds := f.decide(x.Cond, x.Args)
		switch {
		case known && holds || x.Then == x.Else:
			*x = ir.Exit{Kind: ir.Jump, Then: x.Then}
		case known:
			*x = ir.Exit{Kind: ir.Jump, Then: x.Else}
		}
	case x.Kind == ir.Punt && len(x.Args) == 1 && x.Args[0].Op == ir.OpConst:
		if r := slowpath.Reason(x.Args[0].Imm % slowpath.MaxReasons); r != slowpath.None && r.Doc() != "" {
			*x = ir.Exit{Kind: ir.Punt, Reason: r}
		}
	}
}

// decide tells what a condition gives, if that is the same for every packet.
func (f *folder) decide(c ir.Cond, args []*ir.Value) (known, holds bool) {
	p, q := args[0], args[1]
	switch {
	case p.Op == ir.OpConst && q.Op == ir.OpConst:
		return true, c.Holds(p.Imm, q.Imm)
	case p == q && c != ir.AnySet && c != ir.NoneSet:
		return true, c == ir.Eq || c == ir.Le || c == ir.Ge
	case q.Op != ir.OpConst || p.IsRow():
		return false, false
	}
	return between(c, 0, f.spans.Max(p), q.Imm)
}

// between tells what comparing a number from lo to hi with n gives, if that is the same for all.
func between(c ir.Cond, lo, hi, n uint64) (known, holds bool) {
	if lo == hi {
		return true, c.Holds(lo, n)
	}
	switch c {
	case ir.Eq, ir.Ne:
		return n < lo || n > hi, c == ir.Ne
	case ir.Lt, ir.Ge:
		return hi < n || lo >= n, (hi < n) == (c == ir.Lt)
	case ir.Le, ir.Gt:
		return hi <= n || lo > n, (hi <= n) == (c == ir.Le)
	case ir.AnySet, ir.NoneSet:
		if n&ir.Ones(64-leadingZeros(hi)) == 0 {
			return true, c == ir.NoneSet
		}
		if lo > 0 && n == math.MaxUint64 {
			return true, c == ir.AnySet
		}
	}
	return false, false
}

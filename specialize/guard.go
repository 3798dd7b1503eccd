package specialize

import (
	"github.com/hone-net/hone/synth/ir"
)

// guard drops the guards, and decides the branches and selections, that what stands above them has settled.
func guard(p *ir.Program) {
	e, g, s := edit(p), ir.NewGraph(p), ir.Spans{}
	facts := make([]*fact, len(p.Blocks)) // at the end of each block
	for i, b := range p.Blocks {
		if g.Idom[i] >= 0 {
			facts[i] = facts[g.Idom[i]]
		}
		if exit, then := g.Arm(p, i); exit != nil {
			facts[i] = &fact{given(exit.Cond, then), exit.Args[0], exit.Args[1], facts[i]}
		}
		settle(e, b, &facts[i], s)
	}
	e.resolveAll()
	prune(p)
}

func given(c ir.Cond, holds bool) ir.Cond {
	if holds {
		return c
	}
	return c.Not()
}

// settle goes through a block with the facts that hold; each guard that it passes is one more.
func settle(e *editor, b *ir.Block, f **fact, s ir.Spans) {
	kept := b.Values[:0:0]
	for n, v := range b.Values {
		e.resolve(v.Args)
		switch v.Op {
		case ir.OpGuard:
			known, holds := (*f).decide(v.Cond, v.Args[0], v.Args[1], s)
			if known && holds {
				continue
			}
			if known {
				leave(b, n, ir.Exit{Kind: ir.Punt, Reason: v.Reason})
				b.Values = kept
				return
			}
			*f = &fact{v.Cond, v.Args[0], v.Args[1], *f}
		case ir.OpSelect:
			if known, holds := (*f).decide(v.Cond, v.Args[0], v.Args[1], s); known && holds {
				e.replace(v, v.Args[2])
				continue
			} else if known {
				e.replace(v, v.Args[3])
				continue
			}
		}
		kept = append(kept, v)
	}
	b.Values = kept
	e.resolve(b.Exit.Args)
	settleExit(&b.Exit, *f, s)
}

func settleExit(x *ir.Exit, f *fact, s ir.Spans) {
	if x.Kind != ir.If {
		return
	}
	known, holds := f.decide(x.Cond, x.Args[0], x.Args[1], s)
	switch {
	case known && holds:
		*x = ir.Exit{Kind: ir.Jump, Then: x.Then}
	case known:
		*x = ir.Exit{Kind: ir.Jump, Then: x.Else}
	}
}

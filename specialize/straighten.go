package specialize

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// straighten makes one block of blocks that only follow each other, takes the way through empty blocks at once, and
// makes a guard of a branch whose one arm does nothing but punt.
func straighten(p *ir.Program) {
	e := edit(p)
	for _, b := range p.Blocks {
		for shorten(b) {
		}
		if b.Exit.Kind == ir.If {
			toGuard(e, b)
		}
	}
	prune(p)
	ways := map[*ir.Block]int{}
	for _, b := range p.Blocks {
		for _, to := range b.Successors() {
			ways[to]++
		}
	}
	gone := map[*ir.Block]bool{}
	for _, b := range p.Blocks {
		for !gone[b] && b.Exit.Kind == ir.Jump && ways[b.Exit.Then] == 1 {
			next := b.Exit.Then
			b.Values = append(b.Values, next.Values...)
			b.Exit = next.Exit
			gone[next] = true
		}
	}
	p.Blocks = slices.DeleteFunc(p.Blocks, func(b *ir.Block) bool { return gone[b] })
}

// empty tells whether a block does nothing but leave. Its constants are of use only to itself.
func empty(b *ir.Block) bool { return len(b.Values) == 0 }

// shorten goes around one empty block.
func shorten(b *ir.Block) bool {
	x := &b.Exit
	switch {
	case x.Kind == ir.Jump && empty(x.Then):
		args := slices.Clone(x.Then.Exit.Args)
		*x = x.Then.Exit
		x.Args = args
		return true
	case x.Kind == ir.If && empty(x.Then) && x.Then.Exit.Kind == ir.Jump:
		x.Then = x.Then.Exit.Then
		return true
	case x.Kind == ir.If && empty(x.Else) && x.Else.Exit.Kind == ir.Jump:
		x.Else = x.Else.Exit.Then
		return true
	}
	return false
}

// toGuard makes a guard of the branch that ends a block if one of the arms is an empty block that punts.
func toGuard(e *editor, b *ir.Block) {
	x := b.Exit
	then, els := justPunts(x.Then), justPunts(x.Else)
	switch {
	case x.Then == x.Else:
		b.Exit = ir.Exit{Kind: ir.Jump, Then: x.Then}
	case then:
		guard := ir.Value{Op: ir.OpGuard, Cond: x.Cond.Not(), Args: x.Args, Reason: x.Then.Exit.Reason}
		b.Values = append(b.Values, e.value(guard))
		b.Exit = ir.Exit{Kind: ir.Jump, Then: x.Else}
	case els:
		guard := ir.Value{Op: ir.OpGuard, Cond: x.Cond, Args: x.Args, Reason: x.Else.Exit.Reason}
		b.Values = append(b.Values, e.value(guard))
		b.Exit = ir.Exit{Kind: ir.Jump, Then: x.Then}
	}
}

func justPunts(b *ir.Block) bool {
	return empty(b) && b.Exit.Kind == ir.Punt && len(b.Exit.Args) == 0
}

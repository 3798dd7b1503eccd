package specialize

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// dead removes what nothing needs: blocks that cannot be reached, values without a use, tables without a lookup.
func dead(p *ir.Program) {
	prune(p)
	live := map[*ir.Value]bool{}
	tables := map[*ir.Table]bool{}
	for i := len(p.Blocks) - 1; i >= 0; i-- {
		b := p.Blocks[i]
		need(live, b.Exit.Args)
		for _, v := range slices.Backward(b.Values) {
			if live[v] || !v.Op.Yields() {
				need(live, v.Args)
			}
		}
		b.Values = slices.DeleteFunc(b.Values, func(v *ir.Value) bool { return v.Op.Yields() && !live[v] })
		for _, v := range b.Values {
			tables[v.Table] = true
		}
	}
	p.Tables = slices.DeleteFunc(p.Tables, func(t *ir.Table) bool { return !tables[t] })
}

func need(live map[*ir.Value]bool, args []*ir.Value) {
	for _, a := range args {
		live[a] = true
	}
}

// prune removes the blocks that cannot be reached.
func prune(p *ir.Program) {
	reached := map[*ir.Block]bool{p.Blocks[0]: true}
	p.Blocks = slices.DeleteFunc(p.Blocks, func(b *ir.Block) bool {
		if !reached[b] {
			return true
		}
		for _, to := range b.Successors() {
			reached[to] = true
		}
		return false
	})
}

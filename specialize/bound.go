package specialize

import (
	"math"

	"github.com/hone-net/hone/synth/ir"
)

// bound asks for the length of the frame once. A Bound is widened to what every path below it that does not punt will
// ask for anyway: a frame that is too short then punts earlier, perhaps for the first Bound's Reason. A Bound that a
// dominating one covers goes.
func bound(p *ir.Program) {
	g := ir.NewGraph(p)
	widen(p, g)
	has := make([]uint64, len(p.Blocks))
	for i, b := range p.Blocks {
		if g.Idom[i] >= 0 {
			has[i] = has[g.Idom[i]]
		}
		var kept []*ir.Value
		for _, v := range b.Values {
			if v.Op == ir.OpBound && v.Imm <= has[i] {
				continue
			}
			if v.Op == ir.OpBound {
				has[i] = v.Imm
			}
			kept = append(kept, v)
		}
		b.Values = kept
	}
}

// punts says that no path asks for less, since all punt.
const punts = math.MaxUint64

// widen goes from the exits upwards with the number of bytes that every path which does not punt asks for. A mark,
// or a connection that was kept, is left behind even if a later Bound punts, so nothing is moved above it.
func widen(p *ir.Program, g *ir.Graph) {
	need := make([]uint64, len(p.Blocks))
	for i := len(p.Blocks) - 1; i >= 0; i-- {
		b := p.Blocks[i]
		n := needAtExit(b, g, need)
		for j := len(b.Values) - 1; j >= 0; j-- {
			switch v := b.Values[j]; v.Op {
			case ir.OpBound:
				if n != punts {
					v.Imm = max(v.Imm, n)
				}
				if n == punts || n < v.Imm {
					n = v.Imm
				}
			case ir.OpMark, ir.OpKeep:
				n = 0
			}
		}
		need[i] = n
	}
}

func needAtExit(b *ir.Block, g *ir.Graph, need []uint64) uint64 {
	if b.Exit.Kind == ir.Punt {
		return punts
	}
	n := uint64(0)
	for k, to := range b.Successors() {
		if m := need[g.Index[to]]; k == 0 || m < n {
			n = m
		}
	}
	return n
}

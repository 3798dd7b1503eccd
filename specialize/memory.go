package specialize

import (
	"math/bits"

	"github.com/hone-net/hone/synth/ir"
)

// extent is a set of packet bytes, and of one more that stands for the counters.
type extent [ir.MaxPacket/64 + 1]uint64

func (s *extent) add(off uint64, width uint8) {
	for i := off; i < off+uint64(width); i++ {
		s[i/64] |= 1 << (i % 64)
	}
}

func (s *extent) has(off uint64, width uint8) bool {
	for i := off; i < off+uint64(width); i++ {
		if s[i/64]>>(i%64)&1 != 0 {
			return true
		}
	}
	return false
}

func (s *extent) join(o *extent) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *extent) empty() bool {
	for _, w := range s {
		if bits.OnesCount64(w) > 0 {
			return false
		}
	}
	return true
}

// written is what some path has stored: to the beginning of each block.
func written(p *ir.Program, g *ir.Graph) []extent {
	in := make([]extent, len(p.Blocks))
	for i, b := range p.Blocks {
		out := in[i]
		for _, v := range b.Values {
			note(&out, v)
		}
		for _, to := range b.Successors() {
			in[g.Index[to]].join(&out)
		}
	}
	return in
}

// note adds what a value stores.
func note(s *extent, v *ir.Value) {
	switch v.Op {
	case ir.OpStore, ir.OpStoreLE:
		s.add(v.Imm, v.Width)
	case ir.OpCount, ir.OpCommit, ir.OpAccount:
		s.add(ir.MaxPacket, 1)
	case ir.OpPush, ir.OpPop, ir.OpTrim:
		for i := range s {
			s[i] = ^uint64(0)
		}
	}
}

func isLoad(v *ir.Value) bool { return v.Op == ir.OpLoad || v.Op == ir.OpLoadLE }

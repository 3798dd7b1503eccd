package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// A sum with one of two constants, as the update of a checksum is, takes one instruction besides the branch where it is
// known which constant it hardly ever is: that one is added out of the way.

// addends finds the values of which a sum in their own block is the only use.
func addends(p *ir.Program, uses map[*ir.Value]int) map[*ir.Value]bool {
	found := map[*ir.Value]bool{}
	for _, b := range p.Blocks {
		here := map[*ir.Value]bool{}
		for _, v := range b.Values {
			here[v] = true
			for _, a := range v.Args {
				if v.Op == ir.OpAdd && here[a] && uses[a] == 1 {
					found[a] = true
				}
			}
		}
	}
	return found
}

// addsEither tells whether a Select can be left to the sum that it is for.
func (l *lowering) addsEither(v *ir.Value) bool {
	if !l.addends[v] || !l.hardlyEver(v.Cond, v.Args[0], v.Args[1]) {
		return false
	}
	for _, a := range v.Args[2:] {
		if _, ok := immediate(a.Imm, false); a.Op != ir.OpConst || !ok {
			return false
		}
	}
	return true
}

// hardlyEver tells whether a condition holds for few of the numbers that p may be.
func (l *lowering) hardlyEver(c ir.Cond, p, q *ir.Value) bool {
	most := l.spans.Max(p)
	return (c == ir.Ge || c == ir.Gt) && p.Op != ir.OpConst && q.Op == ir.OpConst && q.Imm > most-most>>8
}

// addEither adds what a Select chooses.
func (l *lowering) addEither(v, to, choice *ir.Value) {
	narrow, rarely := l.narrowOp(ir.OpAdd, v, to, choice), l.newLabel()
	r := l.scratch(to)
	l.values[v] = r
	add := func(n *ir.Value) {
		if n.Imm != 0 {
			l.aluImm(asm.Add, narrow, r, int32(n.Imm))
		}
	}
	l.compare(choice.Cond, choice.Args[0], choice.Args[1], rarely)
	add(choice.Args[3])
	l.aside(rarely, func() { add(choice.Args[2]) })
}

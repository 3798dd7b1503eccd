package emit

import (
	"math"
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

var jumpOps = map[ir.Cond]asm.JumpOp{ir.Eq: asm.JEq, ir.Ne: asm.JNE, ir.Lt: asm.JLT, ir.Le: asm.JLE, ir.Gt: asm.JGT,
	ir.Ge: asm.JGE, ir.AnySet: asm.JSet}

// mirrored is the condition with its operands exchanged.
var mirrored = map[ir.Cond]ir.Cond{ir.Eq: ir.Eq, ir.Ne: ir.Ne, ir.Lt: ir.Gt, ir.Le: ir.Ge, ir.Gt: ir.Lt, ir.Ge: ir.Le,
	ir.AnySet: ir.AnySet, ir.NoneSet: ir.NoneSet}

// compare jumps if the condition holds for p and q.
func (l *lowering) compare(c ir.Cond, p, q *ir.Value, to label) {
	if p.Op == ir.OpConst && q.Op == ir.OpConst {
		if c.Holds(p.Imm, q.Imm) {
			l.jump(to)
		}
		return
	}
	if p.Op == ir.OpConst {
		p, q, c = q, p, mirrored[c]
	}
	if l.compareSpecial(c, p, q, to) {
		return
	}
	narrow := l.narrow(p) && l.narrow(q)
	if c == ir.NoneSet {
		l.compareNone(narrow, p, q, to)
		return
	}
	if q.Op == ir.OpConst {
		if imm, ok := immediate(q.Imm, narrow); ok {
			l.branchImm(jumpOps[c], narrow, l.in(p), imm, to)
			return
		}
	}
	l.branch(jumpOps[c], narrow, l.in(p), l.in(q), to)
}

// compareSpecial handles values that were not computed because their compare is cheaper.
func (l *lowering) compareSpecial(c ir.Cond, p, q *ir.Value, to label) bool {
	if q.Op != ir.OpConst || c != ir.Eq && c != ir.Ne {
		return false
	}
	if pair, ok := l.epochs[p]; ok && q.Imm == 0 {
		l.branch(jumpOps[c], false, pair[0], pair[1], to)
		return true
	}
	if p.Op == ir.OpMeta && ir.Meta(p.Imm) == ir.MetaBuffer && l.onlyCompared(p, 0) {
		l.branchImm(jumpOps[c], false, l.skb, 0, to) // all bits of the address
		return true
	}
	if p.Op == ir.OpLookup && p.Table.Kind == ir.Set6 && q.Imm == 0 && l.onlyCompared(p, 0) {
		l.compareSet6(c == ir.Ne, p, to)
		return true
	}
	if shift, ok := l.shifted[p]; ok {
		l.compareShifted(c, p, q.Imm, shift, to)
		return true
	}
	if p.Op == ir.OpFold && q.Imm == math.MaxUint16 && l.foldIsCompared(p) {
		l.compareFold(c == ir.Eq, p, to)
		return true
	}
	return false
}

// compareNone jumps if p and q have no bit in common, for which there is no instruction.
func (l *lowering) compareNone(narrow bool, p, q *ir.Value, to label) {
	narrow = narrow || l.narrow(p) || l.narrow(q)
	r := l.scratch(p)
	if imm, ok := immediate(q.Imm, narrow); ok && q.Op == ir.OpConst {
		l.aluImm(asm.And, narrow, r, imm)
	} else {
		l.alu(asm.And, narrow, r, l.in(q))
	}
	l.branchImm(asm.JEq, narrow, r, 0, to)
}

// maskByShift handles the low 33 to 63 bits of a number, such as a MAC in an eight-byte load, where all that is asked
// is whether they equal a constant: the mask needs a long instruction, shifting the other bits out does not.
func (l *lowering) maskByShift(v *ir.Value) bool {
	x, mask := v.Args[0], v.Args[1]
	if x.Op == ir.OpConst {
		x, mask = mask, x
	}
	n := bits.Len64(mask.Imm)
	if mask.Op != ir.OpConst || n <= 32 || n == 64 || mask.Imm != 1<<n-1 || l.equalities[v] != l.total[v] {
		return false
	}
	r := l.scratch(x)
	l.aluImm(asm.LSh, false, r, int32(64-n))
	l.values[v], l.shifted[v] = r, 64-n
	return true
}

func (l *lowering) compareShifted(c ir.Cond, p *ir.Value, n uint64, shift int, to label) {
	if n<<shift>>shift != n {
		if c == ir.Ne {
			l.jump(to)
		}
		return
	}
	if imm, ok := immediate(n<<shift, false); ok {
		l.branchImm(jumpOps[c], false, l.in(p), imm, to)
		return
	}
	l.branch(jumpOps[c], false, l.in(p), l.constant(n<<shift), to)
}

// comparison is a test for being equal, or not equal, to a constant.
type comparison struct {
	value *ir.Value
	with  uint64
}

// comparisons counts how often each value is compared with each constant. A value that has no other use need not be
// computed if there is a cheaper way to compare.
func comparisons(p *ir.Program) map[comparison]int {
	found := map[comparison]int{}
	note := func(c ir.Cond, args []*ir.Value) {
		if len(args) < 2 || c != ir.Eq && c != ir.Ne {
			return
		}
		for i := range 2 {
			if a, b := args[i], args[1-i]; b.Op == ir.OpConst {
				found[comparison{a, b.Imm}]++
			}
		}
	}
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpGuard || v.Op == ir.OpSelect {
				note(v.Cond, v.Args)
			}
		}
		if b.Exit.Kind == ir.If {
			note(b.Exit.Cond, b.Exit.Args)
		}
	}
	return found
}

// onlyCompared tells whether every use of v is a comparison with n.
func (l *lowering) onlyCompared(v *ir.Value, n uint64) bool {
	return l.compared[comparison{v, n}] == l.total[v]
}

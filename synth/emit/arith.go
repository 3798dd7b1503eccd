package emit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

var aluOps = map[ir.Op]asm.ALUOp{ir.OpAdd: asm.Add, ir.OpSub: asm.Sub, ir.OpMul: asm.Mul, ir.OpAnd: asm.And,
	ir.OpOr: asm.Or, ir.OpXor: asm.Xor, ir.OpShl: asm.LSh, ir.OpShr: asm.RSh}

// arith lowers a two-operand operation to a copy of one operand, which allocation mostly gets for nothing, and the
// operation on it.
func (l *lowering) arith(v *ir.Value) {
	a, b := v.Args[0], v.Args[1]
	if l.either[a] && l.either[b] {
		l.choose(a) // after all
	}
	if l.either[b] {
		l.addEither(v, a, b)
		return
	}
	if l.either[a] {
		l.addEither(v, b, a)
		return
	}
	if commutes(v.Op) && (a.Op == ir.OpConst || b.Op != ir.OpConst && l.uses[a] > 1 && l.uses[b] == 1) {
		a, b = b, a
	}
	narrow := l.narrowOp(v.Op, v, a, b)
	r := l.scratch(a)
	l.values[v] = r
	if b.Op == ir.OpConst && shifts(v.Op) {
		l.aluImm(aluOps[v.Op], narrow, r, int32(b.Imm&63))
		return
	}
	if b.Op == ir.OpConst {
		if imm, ok := immediate(b.Imm, narrow); ok {
			l.aluImm(aluOps[v.Op], narrow, r, imm)
			return
		}
	}
	l.alu(aluOps[v.Op], narrow, r, l.in(b))
}

// narrowOp tells whether the operation gives the same in 32 bits, where the upper half of the result is cleared.
func (l *lowering) narrowOp(op ir.Op, v, a, b *ir.Value) bool {
	switch op {
	case ir.OpAnd:
		return l.narrow(a) || l.narrow(b)
	case ir.OpSub:
		return false
	case ir.OpShl, ir.OpShr:
		return l.narrow(v) && l.narrow(a) && b.Op == ir.OpConst && b.Imm < 32
	}
	return l.narrow(v) && l.narrow(a) && l.narrow(b)
}

// immediate tells whether n can be part of an instruction: a 32-bit one holds any 32 bits, a 64-bit one extends its sign.
func immediate(n uint64, narrow bool) (int32, bool) {
	if narrow {
		return int32(uint32(n)), true // of a mask of more bits only the low ones matter
	}
	return int32(n), int64(n) == int64(int32(n))
}

func commutes(op ir.Op) bool {
	switch op {
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
		return true
	}
	return false
}

func shifts(op ir.Op) bool { return op == ir.OpShl || op == ir.OpShr }

// fold lowers the end-around carry of the Internet checksum. The sum of a word and the same word rotated by half its
// size has the folded sum in its upper half.
func (l *lowering) fold(v *ir.Value) reg {
	a := v.Args[0]
	r, most := l.in(a), l.spans.Max(a)
	switch {
	case most <= math.MaxUint16:
		return r
	case most >= 1<<47:
		r, most = l.foldHalves(r, false, 32), math.MaxUint32
	case most > math.MaxUint32:
		r, most = l.foldOnce(r, false), math.MaxUint32
	}
	if most <= 2*math.MaxUint16 {
		return l.foldOnce(r, true)
	}
	return l.foldHalves(r, true, 16)
}

// foldHalves adds the two halves of a, with the carry.
func (l *lowering) foldHalves(a reg, narrow bool, half int32) reg {
	sum, low := l.copy(a), l.copy(a)
	l.aluImm(asm.RSh, narrow, sum, half)
	l.aluImm(asm.LSh, narrow, low, half)
	l.alu(asm.Or, narrow, sum, low)
	l.alu(asm.Add, narrow, sum, a)
	l.aluImm(asm.RSh, narrow, sum, half)
	return sum
}

// foldOnce is (a & 0xffff) + (a >> 16).
func (l *lowering) foldOnce(a reg, narrow bool) reg {
	high, low := l.copy(a), l.copy(a)
	l.aluImm(asm.RSh, narrow, high, 16)
	l.aluImm(asm.And, narrow, low, math.MaxUint16)
	l.alu(asm.Add, narrow, low, high)
	return low
}

// foldIsCompared tells whether v is only ever asked for being 0xffff, as the checksum of an intact header is.
func (l *lowering) foldIsCompared(v *ir.Value) bool {
	return l.total[v] == 1 && l.onlyCompared(v, math.MaxUint16)
}

// A number folds to 0xffff if and only if it is a multiple of 0xffff and not zero. Let q be the largest quotient that
// there is, (2^n - 1) / 0xffff, which is also the negative inverse of 0xffff modulo 2^n. Then x*q is minus the quotient of
// a multiple x, and for no other number minus one to minus q: so it is at least minus the largest quotient that x may have.
const (
	quotient32 = 0x10001
	quotient64 = 0x1_0001_0001_0001
)

// compareFold jumps if v is 0xffff, or if it is not.
func (l *lowering) compareFold(eq bool, v *ir.Value, to label) {
	op := asm.JLT
	if eq {
		op = asm.JGE
	}
	a := v.Args[0]
	r, narrow, least := l.scratch(a), l.narrow(a), -max(1, l.spans.Max(a)/math.MaxUint16)
	if narrow {
		l.aluImm(asm.Mul, true, r, quotient32)
	} else {
		l.alu(asm.Mul, false, r, l.constant(quotient64))
	}
	if imm, ok := immediate(least, narrow); ok {
		l.branchImm(op, narrow, r, imm, to)
		return
	}
	l.branch(op, narrow, r, l.constant(least), to)
}

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
		return l.spans.narrow(a) || l.spans.narrow(b)
	case ir.OpSub:
		return false
	case ir.OpShl, ir.OpShr:
		return l.spans.narrow(v) && l.spans.narrow(a) && b.Op == ir.OpConst && b.Imm < 32
	}
	return l.spans.narrow(v) && l.spans.narrow(a) && l.spans.narrow(b)
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

// fold lowers the end-around carry of the Internet checksum. The sum of a word and the same word rotated by 16 bits
// has the folded sum in its upper half.
func (l *lowering) fold(v *ir.Value) reg {
	a := v.Args[0]
	if !l.spans.narrow(a) {
		return l.foldWide(l.in(a), l.spans.max(a))
	}
	if l.spans.max(a) <= 2*math.MaxUint16 {
		return l.foldOnce(l.in(a), true)
	}
	sum, low := l.copy(l.in(a)), l.copy(l.in(a))
	l.aluImm(asm.RSh, true, sum, 16)
	l.aluImm(asm.LSh, true, low, 16)
	l.alu(asm.Or, true, sum, low)
	l.alu(asm.Add, true, sum, l.in(a))
	l.aluImm(asm.RSh, true, sum, 16)
	return sum
}

// foldWide folds a number of up to max until what is left is at most twice 0xffff, and then once more.
func (l *lowering) foldWide(a reg, max uint64) reg {
	for ; max > 2*math.MaxUint16; max = max>>16 + math.MaxUint16 {
		a = l.foldOnce(a, false)
	}
	return l.foldOnce(a, false)
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

// A number folds to 0xffff if and only if it is a multiple of 0xffff and not zero. A multiple of an odd divisor, times the
// divisor's inverse modulo 2^32 or 2^64, is the quotient; no other number gives one that small.
const (
	foldInverse  = -0x10001           // 0xffff * -0x10001 = 1 (mod 2^32)
	foldQuotient = 0x10001            // (2^32 - 1) / 0xffff
	wideInverse  = 0xfffefffefffeffff // 0xffff * wideInverse = 1 (mod 2^64)
	wideQuotient = 0x0001000100010001 // (2^64 - 1) / 0xffff
)

// compareFold jumps if v is 0xffff, or if it is not.
func (l *lowering) compareFold(eq bool, v *ir.Value, to label) {
	op := asm.JGE
	if eq {
		op = asm.JLT
	}
	a := v.Args[0]
	r := l.copy(l.in(a))
	if l.spans.narrow(a) {
		l.aluImm(asm.Mul, true, r, foldInverse)
		l.aluImm(asm.Sub, true, r, 1) // zero becomes large
		l.branchImm(op, true, r, foldQuotient, to)
		return
	}
	l.alu(asm.Mul, false, r, l.constant(wideInverse))
	l.aluImm(asm.Sub, false, r, 1)
	l.branch(op, false, r, l.constant(wideQuotient), to)
}

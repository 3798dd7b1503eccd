package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// lookupKeyed finds the row of a key: most stand in their first place, so that one load and one compare find them. What is
// rare computes another place, and the row for those that are in none.
func (l *lowering) lookupKeyed(t *ir.Table, key *ir.Value) reg {
	row, other := l.reg(), l.newLabel()
	want := l.in(key)
	l.rowAt(t, row, want, t.Factor)
	l.branchKey(asm.JNE, row, want, other)
	l.aside(other, func() {
		done := l.newLabel()
		place := l.copy(want)
		l.aluImm(asm.RSh, false, place, 32)
		l.alu(asm.Xor, false, place, want)
		l.rowAt(t, row, place, ir.SecondFactor(t.Factor))
		l.branchKey(asm.JEq, row, want, done)
		l.mov(row, l.address(t.Name, t.Size*t.RowSize))
		l.ordered(row)
		l.mark(done)
	})
	if l.kernel.WeakOrder { // the key of a row is written last
		found := l.reg()
		l.load(found, row, 0, 8)
		l.depend(found)
	}
	return row
}

// rowAt sets a register to the row that the high bits of a product name.
func (l *lowering) rowAt(t *ir.Table, row, from reg, factor uint64) {
	size := bits.TrailingZeros(uint(t.RowSize))
	l.setConstant(row, factor)
	l.alu(asm.Mul, false, row, from)
	l.aluImm(asm.RSh, false, row, int32(64-bits.TrailingZeros(uint(t.Size))-size))
	l.aluImm(asm.And, false, row, int32((t.Size-1)*t.RowSize))
	l.alu(asm.Add, false, row, l.address(t.Name, 0))
	l.ordered(row)
}

// branchKey goes on at a label if a row is that of a key, or if it is not.
func (l *lowering) branchKey(op asm.JumpOp, row, want reg, to label) {
	key := l.reg()
	l.load(key, row, 0, 8)
	l.branch(op, false, key, want, to)
}

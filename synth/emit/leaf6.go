package emit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// leaf6 searches the leaf that a word names, if it names one, whose layout ir's leaf6.go tells. To compare the key with all
// numbers of a line takes no branch.
func (l *lowering) leaf6(w walk6, done label) {
	l.branchImm(asm.JLT, true, w.word, ir.Leaf6, done)
	l.mov(w.at, w.word)
	l.aluImm(asm.And, true, w.at, int32((w.table.Size-1)*ir.Unit6))
	past := l.reg()
	l.again(past, w.hi)
	l.alu(asm.RSh, false, past, w.word)
	l.aluImm(asm.And, true, past, math.MaxInt32)
	l.aluImm(asm.Add, true, past, 1)
	for level := range ir.LeafLevels6 {
		if level > 0 {
			l.aluImm(asm.And, true, w.word, ir.MostFurther6)
			l.aluImm(asm.Mul, true, w.word, ir.Unit6)
			l.alu(asm.Add, true, w.at, w.word)
			l.aluImm(asm.And, true, w.at, int32((w.table.Size-1)*ir.Unit6))
		}
		l.line6(w, past)
		l.branchImm(asm.JLT, true, w.word, ir.FurtherLine6, done)
	}
	l.setConstant(w.word, 0)
}

// line6 finds the answer of a line.
func (l *lowering) line6(w walk6, past reg) {
	line := l.address(w.table.Name, 0)
	l.alu(asm.Add, false, line, w.at)
	l.setConstant(w.word, 0)
	for i := range ir.MostBounds6 {
		bound := l.reg()
		l.load(bound, line, int16(4*i), 4)
		l.alu(asm.Sub, true, bound, past)
		l.aluImm(asm.RSh, true, bound, 31)
		l.alu(asm.Add, true, w.word, bound)
	}
	l.aluImm(asm.LSh, true, w.word, 1)
	l.alu(asm.Add, false, line, w.word)
	l.load(w.word, line, ir.Answers6, 2)
}

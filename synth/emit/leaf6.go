package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// front6 goes through the front of a table with leaves, whose layout ir's leaf6.go tells. To take the steps and to compare
// the key with all numbers of the lines takes no branch: one that is guessed wrong waits for memory. An answer ends the
// walk; else the word of a node is left.
func (l *lowering) front6(w walk6, done label) {
	index := l.reg()
	l.again(index, w.hi)
	l.aluImm(asm.RSh, false, index, 64-ir.FrontBits6)
	l.aluImm(asm.LSh, true, index, 2)
	first := l.address(w.table.Name, ir.Unit6)
	l.alu(asm.Add, false, first, index)
	l.ordered(first)
	l.load(w.word, first, 0, 4)
	for range ir.FrontSteps6 {
		l.fork6(w)
	}
	line := l.leaf6(w)
	l.branchImm(asm.JLT, true, w.word, ir.NoAnswer6, done)
	l.load(w.word, line, ir.Deep6, 4)
}

// fork6 goes from a fork to one of its words. The lowest bits of the index are those of the address that come after
// those that count.
func (l *lowering) fork6(w walk6) {
	index := l.reg()
	l.again(index, w.hi)
	l.alu(asm.LSh, false, index, w.word) // only the low six bits count
	l.aluImm(asm.RSh, true, w.word, 6)
	l.alu(asm.RSh, false, index, w.word)
	l.aluImm(asm.And, true, w.word, int32((w.table.Size-1)*ir.Unit6))
	l.alu(asm.Add, true, index, w.word)
	l.aluImm(asm.And, true, index, int32((w.table.Size-1)*ir.Unit6|(ir.Unit6-4)))
	place := l.address(w.table.Name, 0)
	l.alu(asm.Add, false, place, index)
	l.load(w.word, place, 0, 4)
}

// leaf6 searches the lines of a leaf, and tells which was the last.
func (l *lowering) leaf6(w walk6) (line reg) {
	short, both := l.reg(), l.reg()
	l.again(short, w.hi)
	l.alu(asm.LSh, false, short, w.word)
	l.aluImm(asm.RSh, false, short, 64-ir.KeyBits6)
	l.aluImm(asm.Xor, true, short, 1<<ir.KeyBits6-1)
	l.mov(both, short)
	l.aluImm(asm.LSh, false, both, 32)
	l.alu(asm.Or, false, both, short)
	l.mov(w.at, w.word)
	l.aluImm(asm.RSh, true, w.at, 6)
	for level := range ir.LineLevels6 {
		if level > 0 {
			further := l.copy(w.word)
			l.aluImm(asm.RSh, true, further, 15)
			l.aluImm(asm.And, true, w.word, ir.MostFurther6)
			l.aluImm(asm.LSh, true, w.word, 6)
			l.alu(asm.Mul, true, w.word, further)
			l.alu(asm.Add, true, w.at, w.word)
		}
		l.aluImm(asm.And, true, w.at, int32((w.table.Size-1)*ir.Unit6))
		line = l.address(w.table.Name, 0)
		l.alu(asm.Add, false, line, w.at)
		l.line6(w.word, line, both)
	}
	return line
}

// line6 finds the answer of a line. The key is given by what it takes to come to NoBound6-1, twice side by side: added to
// a number that is greater than the key, and to no other, it sets bit 31. So two numbers are compared at a time.
func (l *lowering) line6(word, line, both reg) {
	ones := l.constant(1<<32 | 1)
	l.load(word, line, ir.Bounds6, 4)
	l.alu(asm.Add, true, word, both)
	l.aluImm(asm.RSh, true, word, 31)
	for i := 1; i < ir.MostBounds6; i += 2 {
		bounds := l.reg()
		l.load(bounds, line, int16(ir.Bounds6+4*i), 8)
		l.alu(asm.Add, false, bounds, both)
		l.aluImm(asm.RSh, false, bounds, 31)
		l.alu(asm.And, false, bounds, ones)
		l.alu(asm.Add, false, word, bounds)
	}
	upper := l.copy(word)
	l.aluImm(asm.RSh, false, upper, 32)
	l.alu(asm.Add, true, word, upper)
	l.aluImm(asm.Xor, true, word, 15) // what it takes to 15: the verifier cannot follow an address less a number
	l.aluImm(asm.LSh, true, word, 1)
	place := l.copy(line)
	l.alu(asm.Add, false, place, word)
	l.load(word, place, ir.Answers6-2*(15-ir.MostBounds6), 2)
}

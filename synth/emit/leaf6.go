package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// front6 goes through the front of a table with leaves, whose layout ir's leaf6.go tells. To take the steps and to compare
// the key with all numbers of the lines takes no branch: one that is guessed wrong waits for memory. An answer ends the
// walk; else the word of a node is left. However rare IPv6 is held to be beside IPv4, registers are found for all of this:
// each step needs what the step before made, and would wait for the stack.
func (l *lowering) front6(w walk6, done label) {
	weight := l.weight
	l.mark(l.newLabel()) // weights change at marks only
	l.weight = max(weight, 1)
	index, elsewhere := l.reg(), l.newLabel()
	l.again(index, w.hi)
	top := l.copy(index)
	l.aluImm(asm.RSh, false, top, 64-ir.GlobalBits6)
	l.branchImm(asm.JNE, true, top, ir.Global6, elsewhere)
	l.aluImm(asm.RSh, false, index, 64-ir.GlobalBits6-ir.FrontBits6-2)
	l.aluImm(asm.And, true, index, 4<<ir.FrontBits6-4)
	l.aside(elsewhere, func() {
		l.aluImm(asm.RSh, false, index, 64-ir.OtherBits6)
		l.aluImm(asm.LSh, true, index, 2)
		l.aluImm(asm.Add, true, index, 4<<ir.FrontBits6)
	})
	first := l.address(w.table.Name, ir.Unit6)
	l.alu(asm.Add, false, first, index)
	l.ordered(first)
	l.load(w.word, first, 0, 4)
	for range ir.FrontSteps6 {
		l.fork6(w)
	}
	line := l.leaf6(w)
	l.mark(l.newLabel())
	l.weight = weight
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

// leaf6 searches a line, and the one that it leads to, if it is a head; that one is left.
func (l *lowering) leaf6(w walk6) (line reg) {
	key, both := l.reg(), l.reg()
	l.again(key, w.hi)
	l.alu(asm.LSh, false, key, w.word)
	l.aluImm(asm.RSh, false, key, 64-ir.KeyBits6)
	l.mov(both, key)
	l.aluImm(asm.LSh, false, both, 32)
	l.alu(asm.Or, false, both, key)
	l.mov(w.at, w.word)
	l.aluImm(asm.RSh, true, w.at, 6)
	l.aluImm(asm.LSh, false, w.word, int32(63-bits.TrailingZeros(ir.Unit6)))
	l.aluImm(asm.ArSh, false, w.word, 63) // of a head's word all bits are set now, of another line's none
	further := l.count6(l.line6(w), both, ir.Unit6)
	l.alu(asm.And, true, further, w.word)
	l.alu(asm.Add, true, w.at, further)
	line = l.line6(w)
	place := l.count6(line, both, 2)
	l.alu(asm.Add, false, place, line)
	l.load(w.word, place, ir.Answers6, 2)
	return line
}

// line6 is the line that the walk has come to.
func (l *lowering) line6(w walk6) (line reg) {
	l.aluImm(asm.And, true, w.at, int32((w.table.Size-1)*ir.Unit6))
	line = l.address(w.table.Name, 0)
	l.alu(asm.Add, false, line, w.at)
	return line
}

// count6 counts the numbers of a line that come to EndKey6 with the key, times a power of two. The key stands there twice
// side by side, so two numbers are added to at a time, and bit 31 of each says whether it counts.
func (l *lowering) count6(line, both reg, times uint32) (n reg) {
	n = l.reg()
	shift, bit := int32(ir.KeyBits6-bits.TrailingZeros32(times)), l.constant(uint64(times)<<32|uint64(times))
	l.load(n, line, ir.Bounds6, 4)
	l.alu(asm.Add, true, n, both)
	l.aluImm(asm.RSh, true, n, shift)
	l.alu(asm.And, true, n, bit)
	for i := 1; i < ir.MostBounds6; i += 2 {
		pair := l.reg()
		l.load(pair, line, int16(ir.Bounds6+4*i), 8)
		l.alu(asm.Add, false, pair, both)
		l.aluImm(asm.RSh, false, pair, shift)
		l.alu(asm.And, false, pair, bit)
		l.alu(asm.Add, false, n, pair)
	}
	upper := l.copy(n)
	l.aluImm(asm.RSh, false, upper, 32)
	l.alu(asm.Add, true, n, upper)
	return n
}

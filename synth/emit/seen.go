package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// hintWord is the size of a word of hints.
const hintWord = 8

// Numbers that have something in each of their eight bytes.
const (
	everyOne  = 0x0101010101010101
	everyHigh = 0x8080808080808080
)

// seen hands the first packet of a connection's direction to the kernel, which needs it in any case: nothing is asked for
// it, and no memory touched but a word of hints. A word has hints of eight packets, the last one lowest; the oldest is
// forgotten for a new one, whose like the kernel gets once more then. A hint that happens to be the same only means that the
// kernel's table of connections is asked in vain. That two processors may write one word at once costs a hint at most.
func (l *lowering) seen(v *ir.Value) {
	words := make([]reg, len(v.Args))
	for i, a := range v.Args {
		words[i] = l.in(a)
	}
	words[0] = l.copy(words[0])
	hint, bitsOfIndex := l.hash(words), bits.TrailingZeros(uint(v.Table.Size*ir.ConntrackHints/hintWord))
	at, index := l.address(v.Table.Name, ir.ConntrackHead+v.Table.Size*ir.ConntrackSlot), l.copy(hint)
	l.aluImm(asm.RSh, false, index, int32(64-bitsOfIndex))
	l.aluImm(asm.LSh, true, index, int32(bits.TrailingZeros(hintWord)))
	l.alu(asm.Add, false, at, index)
	l.aluImm(asm.RSh, false, hint, int32(64-bitsOfIndex-8))
	l.aluImm(asm.And, true, hint, 0xff)
	hints, first := l.reg(), l.newLabel()
	l.load(hints, at, 0, hintWord)
	l.branchImm(asm.JEq, false, l.hasByte(hints, hint), 0, first)
	l.aside(first, func() {
		l.aluImm(asm.LSh, false, hints, 8)
		l.alu(asm.Or, false, hints, hint)
		l.store(at, 0, hints, hintWord)
		l.jump(l.stub(v.Reason))
	})
}

// hasByte gives a number that is not zero if one of a word's eight bytes is the given one: then their difference has a
// zero there, from which one cannot be taken without borrowing from its highest bit, which was not set.
func (l *lowering) hasByte(word, is reg) reg {
	ones := l.constant(everyOne)
	differ := l.copy(ones)
	l.alu(asm.Mul, false, differ, is)
	l.alu(asm.Xor, false, differ, word)
	less := l.copy(differ)
	l.alu(asm.Sub, false, less, ones)
	l.aluImm(asm.Xor, false, differ, -1)
	l.alu(asm.And, false, less, differ)
	l.alu(asm.And, false, less, l.constant(everyHigh))
	return less
}

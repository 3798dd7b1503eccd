package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// lookupPacked looks into a Packed table, whose layout ir's packed.go tells: one load for the first word, one for the node
// that it names, one from the palette that is always at hand, and one for a block that few addresses need.
func (l *lowering) lookupPacked(t *ir.Table, key *ir.Value) reg {
	bits, done := l.addressBits(key), l.newLabel()
	address, word := bits(0, 32), l.reg()
	index := l.copy(address)
	l.aluImm(asm.RSh, true, index, 32-ir.FirstPacked)
	l.aluImm(asm.LSh, true, index, 2)
	first := l.address(t.Name, 0)
	l.alu(asm.Add, false, first, index)
	l.ordered(first)
	l.load(word, first, 0, 4)
	l.branchImm(asm.JSGE, true, word, 0, done)
	l.loadPacked(t, word, address, done)
	l.branchImm(asm.JLT, true, word, 1<<15, done)
	l.aluImm(asm.And, true, word, int32(t.Blocks-1))
	l.aluImm(asm.LSh, true, word, 9)
	last := bits(24, 32)
	l.aluImm(asm.LSh, true, last, 1)
	l.alu(asm.Add, true, last, word)
	place := l.address(t.Name, ir.BlocksPacked)
	l.alu(asm.Add, false, place, last)
	l.load(word, place, 0, 2)
	l.mark(done)
	return word
}

// loadPacked goes from a first word to the answer of a node, from one of four bits to done.
func (l *lowering) loadPacked(t *ir.Table, word, address reg, done label) {
	wide := l.newLabel()
	node := l.address(t.Name, t.NodesAt())
	kind := l.copy(word)
	l.aluImm(asm.And, true, word, int32((t.Size-1)*ir.UnitPacked))
	l.alu(asm.Add, false, node, word)
	slot := l.copy(address)
	l.aluImm(asm.RSh, true, slot, 8)
	l.aluImm(asm.And, true, slot, 1<<ir.SlotPacked-1)
	l.aluImm(asm.LSh, true, kind, 1)
	l.branchImm(asm.JSGE, true, kind, 0, wide)
	pair := l.copy(slot)
	l.aluImm(asm.RSh, true, pair, 1)
	l.alu(asm.Add, false, node, pair)
	l.load(word, node, 0, 1)
	l.aluImm(asm.And, true, slot, 1)
	l.aluImm(asm.LSh, true, slot, 2)
	l.alu(asm.RSh, true, word, slot)
	l.aluImm(asm.And, true, word, ir.PaletteSize-1)
	l.aluImm(asm.LSh, true, word, 1)
	answer := l.address(t.Name, ir.PalettePacked)
	l.alu(asm.Add, false, answer, word)
	l.load(word, answer, 0, 2)
	l.jump(done)
	l.mark(wide)
	l.aluImm(asm.LSh, true, slot, 1)
	l.alu(asm.Add, false, node, slot)
	l.load(word, node, 0, 2)
}

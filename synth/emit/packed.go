package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// lookupPacked looks into a Packed table, whose layout ir's packed.go tells: one load for the first word, two from the
// same line of the cache for the node that it names, and one for a block that few addresses need.
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
	l.loadPacked(t, word, address)
	l.branchImm(asm.JLT, true, word, 1<<15, done)
	l.aluImm(asm.And, true, word, int32(t.Blocks-1))
	l.aluImm(asm.LSh, true, word, 9)
	last := bits(24, 32)
	l.aluImm(asm.LSh, true, last, 1)
	l.alu(asm.Add, true, last, word)
	place := l.address(t.Name, t.BlocksAt())
	l.alu(asm.Add, false, place, last)
	l.load(word, place, 0, 2)
	l.mark(done)
	return word
}

// loadPacked goes from a first word to the word of a node.
func (l *lowering) loadPacked(t *ir.Table, word, address reg) {
	l.aluImm(asm.And, true, word, int32((t.Size-1)*ir.UnitPacked))
	node := l.address(t.Name, t.NodesAt())
	l.alu(asm.Add, false, node, word)
	slot := l.copy(address)
	l.aluImm(asm.RSh, true, slot, 32-ir.FirstPacked-ir.SlotPacked)
	l.aluImm(asm.Xor, true, slot, -1) // of which only the low six bits count: 63 less the slot
	upTo := l.reg()
	l.load(upTo, node, 0, 8)
	l.alu(asm.LSh, false, upTo, slot)
	l.countBits(upTo)
	l.aluImm(asm.LSh, true, upTo, 1)
	l.alu(asm.Add, false, node, upTo)
	l.load(word, node, ir.WordsPacked-2, 2)
}

// countBits replaces a number by how many bits of it are set: it adds up neighbouring bits, pairs and quads, and then all
// bytes in the highest one.
func (l *lowering) countBits(r reg) {
	halves := l.copy(r)
	l.aluImm(asm.RSh, false, halves, 1)
	l.alu(asm.And, false, halves, l.constant(0x5555555555555555))
	l.alu(asm.Sub, false, r, halves)
	pairs, mask := l.copy(r), l.constant(0x3333333333333333)
	l.alu(asm.And, false, pairs, mask)
	l.aluImm(asm.RSh, false, r, 2)
	l.alu(asm.And, false, r, mask)
	l.alu(asm.Add, false, r, pairs)
	quads := l.copy(r)
	l.aluImm(asm.RSh, false, quads, 4)
	l.alu(asm.Add, false, r, quads)
	l.alu(asm.And, false, r, l.constant(0x0f0f0f0f0f0f0f0f))
	l.alu(asm.Mul, false, r, l.constant(0x0101010101010101))
	l.aluImm(asm.RSh, false, r, 56)
}

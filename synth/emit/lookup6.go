package emit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// walk6 is the registers of a walk through an LPM6, whose layout ir's lpm6.go tells.
type walk6 struct {
	hi, lo reg // the address
	word   reg // the word that the walk has come to, in the end the answer
	node   reg // the address of the node that it names
}

// lookupPrefix6 walks the trie: for each node that the address needs two loads at a time, one of the bits that the
// address must have above the window and one of the word that the window picks.
func (l *lowering) lookupPrefix6(t *ir.Table, hi, lo *ir.Value) reg {
	w := walk6{l.in(hi), l.in(lo), l.reg(), l.reg()}
	other, done := l.newLabel(), l.newLabel()
	root := l.address(t.Name, 0)
	l.ordered(root)
	l.load(w.word, root, 0, 4)
	for step := range t.Steps {
		l.branchImm(asm.JLT, true, w.word, ir.Node6, done)
		l.step6(t, w, step > 0, other)
	}
	l.branchImm(asm.JLT, true, w.word, ir.Node6, done)
	l.setConstant(w.word, 0)
	l.jump(done)
	l.mark(other)
	l.load(w.word, w.node, ir.Other6, 4)
	l.mark(done)
	return w.word
}

// step6 goes from a node to one of its words, or to other. The first node may not have its window in the second half of
// the address, later ones may.
func (l *lowering) step6(t *ir.Table, w walk6, later bool, other label) {
	at := l.copy(w.word)
	l.aluImm(asm.And, true, at, int32((t.Size-1)*ir.Unit6))
	l.setAddress(w.node, t.Name, 0)
	l.alu(asm.Add, false, w.node, at)
	above, index := l.window6(w, later)
	expected := l.reg()
	l.load(expected, w.node, 0, 8)
	l.branch(asm.JNE, false, expected, above, other)
	l.aluImm(asm.LSh, true, index, 2)
	l.alu(asm.Add, true, index, at)
	l.aluImm(asm.And, true, index, int32(t.Size*ir.Unit6-1))
	place := l.address(t.Name, ir.Words6)
	l.alu(asm.Add, false, place, index)
	l.load(w.word, place, 0, 4)
}

// window6 takes the address apart as the node's word says: the bits above the window, in their place, and those in it.
func (l *lowering) window6(w walk6, later bool) (above, index reg) {
	above = l.reg()
	if later {
		second := l.newLabel()
		l.mov(above, w.lo)
		l.branchImm(asm.JSet, true, w.word, ir.LowHalf6, second)
		l.mov(above, w.hi)
		l.mark(second)
	} else {
		l.mov(above, w.hi)
	}
	l.alu(asm.RSh, false, above, w.word) // only the low six bits count
	narrower := l.copy(w.word)
	l.aluImm(asm.RSh, true, narrower, ir.WindowAt6)
	mask := l.constant(math.MaxUint32)
	l.alu(asm.RSh, true, mask, narrower)
	index = l.copy(above)
	l.alu(asm.And, true, index, mask)
	l.alu(asm.Xor, false, above, index)
	return above, index
}

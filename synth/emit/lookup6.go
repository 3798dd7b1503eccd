package emit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// walk6 is a walk through an LPM6, whose layout ir's lpm6.go tells.
type walk6 struct {
	table  *ir.Table
	hi, lo held  // the address
	word   reg   // the word that the walk has come to, in the end the answer
	at     reg   // the place of the node that it names
	other  label // takes the node's answer for other addresses
}

// lookupPrefix6 walks the trie: for each node that the address needs two loads at a time, one of the bits that the
// address must have above the window and one of the word that the window picks. It makes do with four registers.
func (l *lowering) lookupPrefix6(t *ir.Table, hi, lo *ir.Value) reg {
	w := walk6{t, l.held(hi), l.held(lo), l.reg(), l.reg(), l.newLabel()}
	done := l.newLabel()
	if t.Leaves {
		l.front6(w, done)
	} else {
		l.begin6(w, done)
	}
	for step := range t.Steps {
		l.branchImm(asm.JLT, true, w.word, ir.Node6, done)
		l.step6(w, step > 0 || t.Leaves || t.Focus.Len > 0)
	}
	l.branchImm(asm.JLT, true, w.word, ir.Node6, done)
	l.setConstant(w.word, 0)
	l.jump(done)
	l.mark(w.other)
	node := l.address(t.Name, 0)
	l.alu(asm.Add, false, node, w.at)
	l.load(w.word, node, ir.Other6, 4)
	l.mark(done)
	return w.word
}

// begin6 loads the word that the walk begins with; an answer ends it.
func (l *lowering) begin6(w walk6, done label) {
	elsewhere, begun := l.newLabel(), l.newLabel()
	if w.table.Focus.Len > 0 {
		l.focus6(w, elsewhere)
		l.branchImm(asm.JLT, true, w.word, ir.Node6, done)
		l.jump(begun)
	}
	l.mark(elsewhere)
	root := l.address(w.table.Name, 0)
	l.ordered(root)
	l.load(w.word, root, 0, 4)
	l.mark(begun)
}

// step6 goes from a node to one of its words, or to other. The first node may not have its window in the second half of
// the address, later ones may.
func (l *lowering) step6(w walk6, later bool) {
	l.mov(w.at, w.word)
	l.aluImm(asm.And, true, w.at, int32((w.table.Size-1)*ir.Unit6))
	above, index := l.window6(w, later)
	expected := l.address(w.table.Name, 0)
	l.alu(asm.Add, false, expected, w.at)
	l.load(expected, expected, 0, 8)
	l.branch(asm.JNE, false, expected, above, w.other)
	l.aluImm(asm.LSh, true, index, 2)
	l.alu(asm.Add, true, index, w.at)
	l.aluImm(asm.And, true, index, int32(w.table.Size*ir.Unit6-1))
	place := l.address(w.table.Name, ir.Words6)
	l.alu(asm.Add, false, place, index)
	l.load(w.word, place, 0, 4)
}

// window6 takes the address apart as the node's word says: the bits above the window, in their place, and those in it.
// Nothing is left of the word.
func (l *lowering) window6(w walk6, later bool) (above, index reg) {
	above = l.reg()
	if later {
		second := l.newLabel()
		l.again(above, w.lo)
		l.branchImm(asm.JSet, true, w.word, ir.LowHalf6, second)
		l.again(above, w.hi)
		l.mark(second)
	} else {
		l.again(above, w.hi)
	}
	l.alu(asm.RSh, false, above, w.word) // only the low six bits count
	l.aluImm(asm.RSh, true, w.word, ir.WindowAt6)
	index = l.constant(math.MaxUint32)
	l.alu(asm.RSh, true, index, w.word)
	l.alu(asm.And, true, index, above)
	l.alu(asm.Xor, false, above, index)
	return above, index
}

// held is a number that is wanted more than once: what stands in the packet is read there anew, which takes less than to
// keep it; all else is in a register.
type held struct {
	load *ir.Value // nil: none
	reg  reg
}

// held makes v ready, before any branch.
func (l *lowering) held(v *ir.Value) held {
	if v.Op == ir.OpLoad && !l.written {
		return held{load: v}
	}
	return held{reg: l.in(v)}
}

// again gives dst a number that is held.
func (l *lowering) again(dst reg, h held) {
	if h.load == nil {
		l.mov(dst, h.reg)
		return
	}
	l.load(dst, l.data, int16(h.load.Imm), h.load.Width)
	if h.load.Width > 1 {
		l.swap(dst, h.load.Width)
	}
}

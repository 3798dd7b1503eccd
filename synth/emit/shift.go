package emit

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// shift moves the beginning of the packet and writes what it begins with. Where the kernel refuses, nothing has changed. No
// address of before is any good then, so that the packet is found anew, for what stands below as well.
func (l *lowering) shift(v *ir.Value) {
	words := make([]reg, len(v.Args))
	for i, a := range v.Args {
		if a.Op != ir.OpConst {
			words[i] = l.in(a)
		}
	}
	l.mov(r1, l.ctx)
	l.setConstant(2, uint64(int64(-ir.ShiftBy[v.Op])))
	l.call(asm.FnXdpAdjustHead, 2)
	l.branchImm(asm.JNE, false, l.copy(r0), 0, l.stub(v.Reason))
	l.written = true
	end := l.reg()
	l.data = l.reg()
	l.load(l.data, l.ctx, ctxData, 4)
	l.load(end, l.ctx, ctxDataEnd, 4)
	limit := l.copy(l.data)
	l.aluImm(asm.Add, false, limit, max(int32(4+4*len(v.Args)), l.reachBehind(v)))
	l.branch(asm.JGT, false, limit, end, l.abort) // which cannot be, as the verifier does not know
	for i, a := range v.Args {
		place, width := []int16{0, 8, 12}[i], []uint8{8, 4, 4}[i]
		if a.Op != ir.OpConst {
			l.store(l.data, place, words[i], width)
		} else {
			l.store(l.data, place, l.constant(a.Imm), width)
		}
	}
}

// trim changes the end of the packet. That the kernel refuses to is not to be expected; the packet is given up then, for
// it has been written to.
func (l *lowering) trim(v *ir.Value) {
	l.flushCounts()
	off, zeros := l.in(v.Args[0]), noReg
	if v.Args[1].Op != ir.OpConst || v.Args[1].Imm != 0 {
		zeros = l.in(v.Args[1])
	}
	l.mov(r1, l.ctx)
	l.setConstant(2, 0)
	l.alu(asm.Sub, false, 2, off)
	l.adjustTail()
	if zeros != noReg {
		l.mov(r1, l.ctx)
		l.mov(2, zeros)
		l.adjustTail()
	}
	l.written = true
}

func (l *lowering) adjustTail() {
	l.call(asm.FnXdpAdjustTail, 2)
	l.branchImm(asm.JNE, false, l.copy(r0), 0, l.abort)
}

// reachBehind is how many bytes of the packet the program may look at behind a shift.
func (l *lowering) reachBehind(shift *ir.Value) (n int32) {
	for i, b := range l.program.Blocks {
		if !l.graph.Dominates(l.graph.Index[l.block], i) {
			continue
		}
		for _, v := range b.Values[max(slices.Index(b.Values, shift), 0):] {
			switch v.Op {
			case ir.OpLoad, ir.OpLoadLE, ir.OpStore, ir.OpStoreLE:
				n = max(n, int32(v.Imm)+int32(v.Width))
			}
		}
	}
	return n
}

package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// shiftBy is how many bytes the packet's beginning moves.
var shiftBy = map[ir.Op]int32{ir.OpPush: -4, ir.OpPop: 4}

// shift moves the beginning of the packet and writes what it begins with. Where the kernel refuses, nothing has changed. No
// address of before is any good then, so that the packet is found anew.
func (l *lowering) shift(v *ir.Value) {
	words := make([]reg, len(v.Args))
	for i, a := range v.Args {
		if a.Op != ir.OpConst {
			words[i] = l.in(a)
		}
	}
	l.mov(r1, l.ctx)
	l.setConstant(2, uint64(int64(shiftBy[v.Op])))
	l.call(asm.FnXdpAdjustHead, 2)
	l.branchImm(asm.JNE, false, l.copy(r0), 0, l.stub(v.Reason))
	l.written = true
	data, end := l.reg(), l.reg()
	l.load(data, l.ctx, ctxData, 4)
	l.load(end, l.ctx, ctxDataEnd, 4)
	limit := l.copy(data)
	l.aluImm(asm.Add, false, limit, int32(4+4*len(v.Args)))
	l.branch(asm.JGT, false, limit, end, l.abort) // which cannot be, as the verifier does not know
	for i, a := range v.Args {
		place, width := []int16{0, 8, 12}[i], []uint8{8, 4, 4}[i]
		if a.Op != ir.OpConst {
			l.store(data, place, words[i], width)
		} else {
			l.store(data, place, l.constant(a.Imm), width)
		}
	}
}

package emit

import (
	"maps"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// punt lowers the exit to the kernel.
func (l *lowering) punt(e ir.Exit) {
	if len(e.Args) == 0 {
		l.jump(l.stub(e.Reason))
		return
	}
	index := l.copy(l.in(e.Args[0]))
	l.aluImm(asm.And, true, index, slowpath.MaxReasons-1)
	l.aluImm(asm.LSh, true, index, 3)
	l.call(asm.FnGetSmpProcessorId, 0)
	l.mov(l.puntOffset, index)
	l.jump(l.common)
}

// stubs emits the places where guards lead to: each names its counter; what they have in common follows.
func (l *lowering) stubs() {
	l.mark(l.stubsAt)
	for _, r := range slices.Sorted(maps.Keys(l.punts)) {
		l.mark(l.punts[r])
		l.call(asm.FnGetSmpProcessorId, 0)
		l.setConstant(l.puntOffset, uint64(ReasonOffset(r)))
		l.jump(l.common)
	}
	l.mark(l.common)
	slot := l.ownCounters(0)
	l.alu(asm.Add, false, slot, l.puntOffset)
	l.increment(slot)
	l.setConstant(r0, xdpPass)
	l.exit()
	l.mark(l.abort)
	l.count(ReasonOffset(slowpath.Aborted))
	l.setConstant(r0, xdpAborted)
	l.exit()
}

// count adds one to a counter of this CPU. Nothing else writes to it, so that no lock is needed: programs of one CPU do
// not interrupt each other.
func (l *lowering) count(offset int) {
	l.call(asm.FnGetSmpProcessorId, 0)
	l.increment(l.ownCounters(offset))
}

// ownCounters gives the address of a counter of the CPU whose number is in r0.
func (l *lowering) ownCounters(offset int) reg {
	if statsCPUs(l.kernel) == 1 {
		return l.address(MapStats, offset)
	}
	cpu := l.copy(r0)
	l.aluImm(asm.LSh, true, cpu, statsShift)
	if !l.kernel.CPUBounds {
		l.aluImm(asm.And, true, cpu, int32(StatsValue(l.kernel)-StatsStride))
	}
	slot := l.address(MapStats, offset)
	l.alu(asm.Add, false, slot, cpu)
	return slot
}

func (l *lowering) increment(slot reg) {
	n := l.reg()
	l.load(n, slot, 0, 8)
	l.aluImm(asm.Add, false, n, 1)
	l.store(slot, 0, n, 8)
}

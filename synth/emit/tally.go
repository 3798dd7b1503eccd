package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// hit notes a number among those of this CPU. The verifier knows nothing of memory, so that paths with different hits
// are one to it.
func (l *lowering) hit(v *ir.Value) {
	l.call(asm.FnGetSmpProcessorId, 0)
	base := l.ownCounters(hitsOffset)
	n, place := l.reg(), l.reg()
	l.load(n, base, 0, 8)
	l.branchImm(asm.JGE, false, n, ir.MaxHits, l.stub(v.Reason))
	l.mov(place, n)
	l.aluImm(asm.LSh, false, place, 2)
	l.alu(asm.Add, false, place, base)
	l.store(place, 8, l.in(v.Args[0]), 4)
	l.aluImm(asm.Add, false, n, 1)
	l.store(base, 0, n, 8)
}

// commit adds the packet to the tallies of all hits, one after the other: the code goes forward only.
func (l *lowering) commit(v *ir.Value) {
	size := v.Args[0]
	t, bytes := v.Table, l.in(size)
	l.call(asm.FnGetSmpProcessorId, 0)
	own := l.ownTallies(t, l.copy(r0))
	l.call(asm.FnGetSmpProcessorId, 0)
	hits := l.ownCounters(hitsOffset)
	n, done := l.reg(), l.newLabel()
	l.load(n, hits, 0, 8)
	for i := range ir.MaxHits {
		l.branchImm(asm.JLE, false, n, int32(i), done)
		pair := l.reg()
		l.load(pair, hits, int16(8+4*i), 4)
		l.aluImm(asm.And, true, pair, int32(t.Size-1))
		l.aluImm(asm.LSh, true, pair, int32(bits.TrailingZeros(ir.TallySize)))
		l.alu(asm.Add, false, pair, own)
		l.increment(pair)
		sum := l.reg()
		l.load(sum, pair, 8, 8)
		l.alu(asm.Add, false, sum, bytes)
		l.store(pair, 8, sum, 8)
	}
	l.mark(done)
}

// ownTallies gives the address of the tallies of a CPU.
func (l *lowering) ownTallies(t *ir.Table, cpu reg) reg {
	own := l.address(t.Name, 0)
	if statsCPUs(l.kernel) > 1 {
		l.aluImm(asm.LSh, true, cpu, int32(bits.TrailingZeros(uint(t.Bytes()))))
		l.aluImm(asm.And, true, cpu, int32((statsCPUs(l.kernel)-1)*t.Bytes()))
		l.alu(asm.Add, false, own, cpu)
	}
	return own
}

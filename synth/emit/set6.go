package emit

import (
	"cmp"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// lookupSet6 gives 1 or 0.
func (l *lowering) lookupSet6(t *ir.Table, hi, lo *ir.Value) reg {
	r, done := l.reg(), l.newLabel()
	first, second := l.in(hi), l.in(lo)
	l.setConstant(r, 1)
	l.branchSet6(t, first, second, done)
	l.setConstant(r, 0)
	l.mark(done)
	return r
}

// compareSet6 jumps if an address is in a set, or is not.
func (l *lowering) compareSet6(in bool, v *ir.Value, to label) {
	first, second := l.in(v.Args[0]), l.in(v.Args[1])
	if in {
		l.branchSet6(v.Table, first, second, to)
		return
	}
	found := l.newLabel()
	l.branchSet6(v.Table, first, second, found)
	l.jump(to)
	l.mark(found)
}

// branchSet6 jumps if an address is in a set. It compares with one prefix after the other: first those of at most 64 bits,
// then the others by their first half, so that a stranger is compared with each of these once.
func (l *lowering) branchSet6(t *ir.Table, first, second reg, to label) {
	prefixes := slices.Clone(t.Prefixes6)
	slices.SortStableFunc(prefixes, func(a, b ir.Prefix6) int {
		return cmp.Or(min(a.Len, 65)-min(b.Len, 65), cmp.Compare(a.Hi, b.Hi))
	})
	for len(prefixes) > 0 && prefixes[0].Len <= 64 {
		l.branch6(first, prefixes[0].Hi, prefixes[0].Len, to)
		prefixes = prefixes[1:]
	}
	for len(prefixes) > 0 {
		next, half := l.newLabel(), prefixes[0].Hi
		l.branch(asm.JNE, false, first, l.constant(half), next)
		for len(prefixes) > 0 && prefixes[0].Hi == half {
			l.branch6(second, prefixes[0].Lo, prefixes[0].Len-64, to)
			prefixes = prefixes[1:]
		}
		l.mark(next)
	}
}

// branch6 jumps if the first bits of half an address are those of n.
func (l *lowering) branch6(half reg, n uint64, bits int, to label) {
	if bits == 0 {
		l.jump(to)
		return
	}
	if bits < 64 {
		half = l.copy(half)
		l.aluImm(asm.RSh, false, half, int32(64-bits))
		n >>= 64 - bits
	}
	if imm, ok := immediate(n, false); ok {
		l.branchImm(asm.JEq, false, half, imm, to)
		return
	}
	l.branch(asm.JEq, false, half, l.constant(n), to)
}

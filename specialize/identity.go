package specialize

import (
	"math/bits"

	"github.com/hone-net/hone/synth/ir"
)

func leadingZeros(n uint64) int { return bits.LeadingZeros64(n) }

// simplify finds what a value is equal to: another value, or a constant, which it appends to the block. It returns nil
// if the value stays, perhaps with other operands.
func (f *folder) simplify(v *ir.Value, block *[]*ir.Value) *ir.Value {
	constant := func(n uint64) *ir.Value {
		c := f.constant(n)
		*block = append(*block, c)
		return c
	}
	switch {
	case v.Op == ir.OpSelect:
		return f.simplifySelect(v)
	case v.Op == ir.OpLookup && v.Table.Kind == ir.Set:
		return simplifySet(v, constant)
	case v.Op == ir.OpLookup && v.Table.Kind == ir.Set6:
		return simplifySet6(v, constant)
	case v.Op == ir.OpLoad && v.Width == 1: // one byte has no order
		v.Op = ir.OpLoadLE
	case v.Op == ir.OpStore && v.Width == 1:
		v.Op = ir.OpStoreLE
	case v.Op < ir.OpAdd || v.Op > ir.OpSwap16:
	case v.Args[0].Op == ir.OpConst && v.Args[len(v.Args)-1].Op == ir.OpConst:
		n, _ := ir.Arith(v.Op, v.Args[0].Imm, v.Args[len(v.Args)-1].Imm)
		return constant(n)
	case v.Op == ir.OpFold:
		if f.spans.Max(v.Args[0]) <= 0xffff {
			return v.Args[0]
		}
	case v.Op == ir.OpSwap16:
		if a := v.Args[0]; a.Op == ir.OpSwap16 && f.spans.Max(a.Args[0]) <= 0xffff {
			return a.Args[0]
		}
	case v.Args[1].Op == ir.OpConst:
		return f.simplifyImm(v, constant)
	case v.Args[0] == v.Args[1]:
		return simplifySame(v, constant)
	}
	return nil
}

func simplifySet6(v *ir.Value, constant func(uint64) *ir.Value) *ir.Value {
	if len(v.Table.Prefixes6) == 0 {
		return constant(0)
	}
	hi, lo := v.Args[0], v.Args[1]
	if hi.Op != ir.OpConst || lo.Op != ir.OpConst {
		return nil
	}
	for _, p := range v.Table.Prefixes6 {
		if p.Contains(hi.Imm, lo.Imm) {
			return constant(1)
		}
	}
	return constant(0)
}

func simplifySet(v *ir.Value, constant func(uint64) *ir.Value) *ir.Value {
	if len(v.Table.Prefixes) == 0 {
		return constant(0)
	}
	if v.Args[0].Op != ir.OpConst {
		return nil
	}
	for _, p := range v.Table.Prefixes {
		if p.Contains(uint32(v.Args[0].Imm)) {
			return constant(1)
		}
	}
	return constant(0)
}

func (f *folder) simplifySelect(v *ir.Value) *ir.Value {
	known, holds := f.decide(v.Cond, v.Args)
	switch {
	case known && holds || v.Args[2] == v.Args[3]:
		return v.Args[2]
	case known:
		return v.Args[3]
	}
	return nil
}

// simplifySame handles operations on a value and itself.
func simplifySame(v *ir.Value, constant func(uint64) *ir.Value) *ir.Value {
	switch v.Op {
	case ir.OpAnd, ir.OpOr:
		return v.Args[0]
	case ir.OpSub, ir.OpXor:
		return constant(0)
	}
	return nil
}

// simplifyImm handles operations with a constant second operand.
func (f *folder) simplifyImm(v *ir.Value, constant func(uint64) *ir.Value) *ir.Value {
	a, n := v.Args[0], v.Args[1].Imm
	max := f.spans.Max(a)
	switch {
	case n == 0 && (v.Op == ir.OpMul || v.Op == ir.OpAnd), v.Op == ir.OpShr && n < 64 && max>>n == 0:
		return constant(0)
	case n == 0 && v.Op != ir.OpMul && v.Op != ir.OpAnd, n == 1 && v.Op == ir.OpMul:
		return a
	case v.Op == ir.OpAnd && ir.Ones(bits.Len64(max))&^n == 0:
		return a
	}
	f.reassociate(v, constant)
	return nil
}

// reassociate merges the constants of two operations of a kind: (a + 1) + 2.
func (f *folder) reassociate(v *ir.Value, constant func(uint64) *ir.Value) {
	a, n := v.Args[0], v.Args[1].Imm
	if a.Op != v.Op || a.Args[1].Op != ir.OpConst {
		return
	}
	m := a.Args[1].Imm
	switch v.Op {
	case ir.OpAdd, ir.OpSub:
		n += m
	case ir.OpAnd:
		n &= m
	case ir.OpOr:
		n |= m
	case ir.OpXor:
		n ^= m
	case ir.OpMul:
		n *= m
	case ir.OpShl, ir.OpShr:
		if n += m; n > 63 {
			return
		}
	default:
		return
	}
	v.Args = []*ir.Value{a.Args[0], constant(n)}
}

package specialize

import (
	"math"
	"math/bits"

	"github.com/hone-net/hone/synth/ir"
)

// spans knows an upper bound of every number.
type spans map[*ir.Value]uint64

func (s spans) max(v *ir.Value) uint64 {
	m, ok := s[v]
	if !ok {
		m = s.bound(v)
		s[v] = m
	}
	return m
}

func (s spans) bound(v *ir.Value) uint64 {
	switch v.Op {
	case ir.OpConst:
		return v.Imm
	case ir.OpLoad, ir.OpLoadLE:
		return ones(8 * int(v.Width))
	case ir.OpMeta:
		return []uint64{ir.MetaLen: math.MaxUint32, ir.MetaVLAN: 1, ir.MetaPartial: 1, ir.MetaBuffer: 1}[v.Imm]
	case ir.OpFold, ir.OpSwap16:
		return math.MaxUint16
	case ir.OpSelect:
		return max(s.max(v.Args[2]), s.max(v.Args[3]))
	case ir.OpField:
		f, _ := v.Table.Field(v.Field)
		return ones(8 * int(f.Width))
	case ir.OpLookup:
		return []uint64{ir.LPM: math.MaxInt16, ir.Set: 1, ir.Rows: 1, ir.Hash: math.MaxUint64, ir.FIB: 1}[v.Table.Kind]
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpShr:
		return s.arith(v)
	}
	return math.MaxUint64
}

func (s spans) arith(v *ir.Value) uint64 {
	a, b := s.max(v.Args[0]), s.max(v.Args[1])
	switch v.Op {
	case ir.OpAdd:
		if sum, carry := bits.Add64(a, b, 0); carry == 0 {
			return sum
		}
	case ir.OpMul:
		if hi, lo := bits.Mul64(a, b); hi == 0 {
			return lo
		}
	case ir.OpAnd:
		return min(a, b)
	case ir.OpOr, ir.OpXor:
		return ones(bits.Len64(a | b))
	case ir.OpShl:
		if v.Args[1].Op == ir.OpConst && bits.Len64(a)+int(b) <= 64 {
			return a << b
		}
	case ir.OpShr:
		if v.Args[1].Op == ir.OpConst {
			return a >> b
		}
		return a
	}
	return math.MaxUint64
}

// ones is a number whose n low bits are set.
func ones(n int) uint64 {
	if n >= 64 {
		return math.MaxUint64
	}
	return 1<<n - 1
}

package emit

import (
	"math"
	"math/bits"

	"github.com/hone-net/hone/synth/ir"
)

// spans knows an upper bound of every value, so that lowering can use 32-bit instructions where nothing is lost.
type spans map[*ir.Value]uint64

// narrow tells whether v fits 32 bits.
func (s spans) narrow(v *ir.Value) bool { return s.max(v) <= math.MaxUint32 }

// max is the largest number that v can be.
func (s spans) max(v *ir.Value) uint64 {
	if m, ok := s[v]; ok {
		return m
	}
	m := s.bound(v)
	s[v] = m
	return m
}

func (s spans) bound(v *ir.Value) uint64 {
	switch v.Op {
	case ir.OpConst:
		return v.Imm
	case ir.OpLoad, ir.OpLoadLE:
		return widthMax(v.Width)
	case ir.OpMeta:
		if ir.Meta(v.Imm) == ir.MetaLen {
			return math.MaxUint32
		}
		return 1
	case ir.OpFold, ir.OpSwap16:
		return math.MaxUint16
	case ir.OpSelect:
		return max(s.max(v.Args[2]), s.max(v.Args[3]))
	case ir.OpLookup:
		return tableMax(v.Table)
	case ir.OpField:
		f, _ := v.Table.Field(v.Field)
		return widthMax(f.Width)
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpShr:
		return arithMax(v.Op, s.max(v.Args[0]), s.max(v.Args[1]), v.Args[1].Op == ir.OpConst)
	}
	return math.MaxUint64
}

// arithMax bounds the result of an operation by the bounds of its operands; fixed says that the second one is exact.
func arithMax(op ir.Op, a, b uint64, fixed bool) uint64 {
	switch op {
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
		return uint64(1)<<bits.Len64(a|b) - 1
	case ir.OpShl:
		if fixed && b < 64 && bits.Len64(a)+int(b) <= 64 {
			return a << b
		}
	case ir.OpShr:
		if fixed && b < 64 {
			return a >> b
		}
		return a
	}
	return math.MaxUint64
}

func widthMax(width uint8) uint64 {
	if width >= 8 {
		return math.MaxUint64
	}
	return 1<<(8*width) - 1
}

func tableMax(t *ir.Table) uint64 {
	switch t.Kind {
	case ir.LPM:
		return math.MaxUint16
	case ir.Set:
		return 1
	}
	return math.MaxUint64
}

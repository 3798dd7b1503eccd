package ir

import (
	"math"
	"math/bits"
)

// Spans knows an upper bound of every number of a program. The map is filled as it is asked.
type Spans map[*Value]uint64

// Max is the largest number that v can be. That of a row is what a comparison with zero sees: 1, but for a Hash.
func (s Spans) Max(v *Value) uint64 {
	if m, ok := s[v]; ok {
		return m
	}
	m := s.bound(v)
	s[v] = m
	return m
}

func (s Spans) bound(v *Value) uint64 {
	switch v.Op {
	case OpConst:
		return v.Imm
	case OpLoad, OpLoadLE:
		return Ones(8 * int(v.Width))
	case OpMeta:
		if Meta(v.Imm) == MetaLen {
			return math.MaxUint32
		}
		return 1
	case OpFold, OpSwap16:
		return math.MaxUint16
	case OpSelect:
		return max(s.Max(v.Args[2]), s.Max(v.Args[3]))
	case OpField:
		f, _ := v.Table.Field(v.Field)
		return Ones(8 * int(f.Width))
	case OpLookup:
		return v.Table.Kind.most()
	case OpAdd, OpMul, OpAnd, OpOr, OpXor, OpShl, OpShr:
		return mostOf(v.Op, s.Max(v.Args[0]), s.Max(v.Args[1]), v.Args[1].Op == OpConst)
	}
	return math.MaxUint64
}

// most is the largest answer of a lookup.
func (k TableKind) most() uint64 {
	switch k {
	case LPM, LPM6, Packed:
		return math.MaxInt16
	case Set, Set6, Rows, Keyed, FIB, FIB6, Conntrack, Conntrack6:
		return 1
	}
	return math.MaxUint64
}

// mostOf bounds the result of an operation by the bounds of its operands; fixed says that the second one is exact.
func mostOf(op Op, a, b uint64, fixed bool) uint64 {
	switch op {
	case OpAdd:
		if sum, carry := bits.Add64(a, b, 0); carry == 0 {
			return sum
		}
	case OpMul:
		if hi, lo := bits.Mul64(a, b); hi == 0 {
			return lo
		}
	case OpAnd:
		return min(a, b)
	case OpOr, OpXor:
		return Ones(bits.Len64(a | b))
	case OpShl:
		if fixed && b < 64 && bits.Len64(a)+int(b) <= 64 {
			return a << b
		}
	case OpShr:
		if fixed && b < 64 {
			return a >> b
		}
		return a
	}
	return math.MaxUint64
}

// Ones is a number whose n low bits are set.
func Ones(n int) uint64 {
	if n >= 64 {
		return math.MaxUint64
	}
	return 1<<n - 1
}

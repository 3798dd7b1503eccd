package specialize

import (
	"math/bits"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// narrow picks cheaper operations that give the same:
//   - a load whose bytes are only compared with constants for equality needs no byte swap, the constants take it;
//   - comparing masked bits with zero is a condition of its own;
//   - part of a load is a smaller load.
func narrow(p *ir.Program) {
	testBits(p)
	splitLoads(p)
	e, all := edit(p), uses(p)
	for _, b := range p.Blocks {
		for _, v := range slices.Clone(b.Values) {
			if v.Op == ir.OpLoad && v.Width > 1 && onlyEquality(v, v, all) {
				swapLoad(e, v, all)
			}
		}
	}
}

// testBits makes `(a & b) == 0` one condition, and likewise where the one bit of the mask is asked for.
func testBits(p *ir.Program) {
	test := func(c *ir.Cond, args []*ir.Value) {
		and, n := args[0], args[1]
		if and.Op != ir.OpAnd || n.Op != ir.OpConst || *c != ir.Eq && *c != ir.Ne {
			return
		}
		none := *c == ir.Eq
		if n.Imm != 0 {
			if !isConst(and.Args[1], n.Imm) || bits.OnesCount64(n.Imm) != 1 {
				return
			}
			none = !none
		}
		*c = ir.AnySet
		if none {
			*c = ir.NoneSet
		}
		args[0], args[1] = and.Args[0], and.Args[1]
	}
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpGuard || v.Op == ir.OpSelect {
				test(&v.Cond, v.Args)
			}
		}
		if b.Exit.Kind == ir.If {
			test(&b.Exit.Cond, b.Exit.Args)
		}
	}
}

// onlyEquality tells whether every use of v, which is a load or its masked bytes, compares it with a constant that has
// no more bytes, in a way for which the order of bytes does not matter.
func onlyEquality(v, load *ir.Value, all map[*ir.Value][]use) bool {
	limit := ones(8 * int(load.Width))
	for _, u := range all[v] {
		if v == load && u.user != nil && u.user.Op == ir.OpAnd && u.arg == 0 && u.user.Args[1].Op == ir.OpConst {
			if !onlyEquality(u.user, load, all) {
				return false
			}
			continue
		}
		cond, args := u.cond()
		if cond == nil || u.arg != 0 || args[1].Op != ir.OpConst || args[1].Imm > limit {
			return false
		}
		if *cond != ir.Eq && *cond != ir.Ne && *cond != ir.AnySet && *cond != ir.NoneSet {
			return false
		}
	}
	return true
}

// swapLoad turns a load around, with the constants that it meets.
func swapLoad(e *editor, load *ir.Value, all map[*ir.Value][]use) {
	load.Op = ir.OpLoadLE
	for _, u := range all[load] {
		if u.user != nil && u.user.Op == ir.OpAnd {
			swapOperand(e, u, u.user.Args, load.Width)
			for _, w := range all[u.user] {
				_, args := w.cond()
				swapOperand(e, w, args, load.Width)
			}
			continue
		}
		_, args := u.cond()
		swapOperand(e, u, args, load.Width)
	}
}

// swapOperand replaces the constant that stands second by the same bytes in the other order.
func swapOperand(e *editor, u use, args []*ir.Value, width uint8) {
	at := len(u.block.Values)
	if u.user != nil {
		at = slices.Index(u.block.Values, u.user)
	}
	n := e.constant(bits.ReverseBytes64(args[1].Imm) >> (64 - 8*uint(width)))
	insert(u.block, at, n)
	args[1] = n
}

// splitLoads makes smaller loads of masks and shifts of a load that has no other use.
func splitLoads(p *ir.Program) {
	g, all := ir.NewGraph(p), uses(p)
	stored := written(p, g)
	for i, b := range p.Blocks {
		for _, v := range b.Values {
			note(&stored[i], v)
			if v.Op != ir.OpAnd && v.Op != ir.OpShr || v.Args[1].Op != ir.OpConst {
				continue
			}
			load := v.Args[0]
			if isLoad(load) && len(all[load]) == 1 && !stored[i].has(load.Imm, load.Width) {
				splitLoad(v, load, v.Args[1].Imm)
			}
		}
	}
}

// splitLoad makes v, a mask or shift of a load, a load of the bytes that are left.
func splitLoad(v, load *ir.Value, n uint64) {
	width := int(load.Width)
	first, left := 0, width // of the bytes, from the least significant
	switch {
	case v.Op == ir.OpAnd && (n == 0xff || n == 0xffff || n == 0xffffffff):
		left = bits.Len64(n) / 8
	case v.Op == ir.OpShr && n%8 == 0 && int(n/8) < width:
		first = int(n / 8)
		left = width - first
	}
	if left >= width || left&(left-1) != 0 {
		return
	}
	at := first
	if load.Op == ir.OpLoad {
		at = width - first - left
	}
	v.Op, v.Imm, v.Width, v.Args = load.Op, load.Imm+uint64(at), uint8(left), nil
}

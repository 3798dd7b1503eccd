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
	swapLoads(p)
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

// swapLoads turns loads around that are compared for equality, or gives these compares a load of their own if the number
// itself is needed only below, in other blocks.
func swapLoads(p *ir.Program) {
	e, all := edit(p), uses(p)
	for _, b := range p.Blocks {
		for _, v := range slices.Clone(b.Values) {
			if v.Op != ir.OpLoad || v.Width == 1 {
				continue
			}
			equal, other := split(all[v], func(u use) bool { return onlyEqual(u, v, all) })
			here := func(u use) bool { return u.block == b }
			switch {
			case len(equal) == 0 || len(other) > 0 && (slices.ContainsFunc(other, here) || !slices.ContainsFunc(equal, here)):
				continue
			case len(other) > 0:
				twin := e.value(ir.Value{Op: v.Op, Imm: v.Imm, Width: v.Width})
				insert(b, slices.Index(b.Values, v), twin)
				for _, u := range equal {
					u.operands()[u.arg] = twin
				}
				v = twin
			}
			v.Op = ir.OpLoadLE
			for _, u := range equal {
				swapUse(e, u, v.Width, all)
			}
		}
	}
}

func split(all []use, yes func(use) bool) (those, others []use) {
	for _, u := range all {
		if yes(u) {
			those = append(those, u)
		} else {
			others = append(others, u)
		}
	}
	return those, others
}

// onlyEqual tells whether a use of a load, or of its masked bytes, compares it with a constant that has no more bytes, in
// a way for which the order of bytes does not matter.
func onlyEqual(u use, load *ir.Value, all map[*ir.Value][]use) bool {
	if u.user != nil && u.user.Op == ir.OpAnd && u.arg == 0 && u.user.Args[0] == load {
		masks := u.user.Args[1].Op == ir.OpConst
		_, others := split(all[u.user], func(w use) bool { return onlyEqual(w, load, all) })
		return masks && len(others) == 0
	}
	cond, args := u.cond()
	if cond == nil || u.arg != 0 || args[1].Op != ir.OpConst || args[1].Imm > ir.Ones(8*int(load.Width)) {
		return false
	}
	return *cond == ir.Eq || *cond == ir.Ne || *cond == ir.AnySet || *cond == ir.NoneSet
}

// swapUse turns the constants around that a load meets in a use.
func swapUse(e *editor, u use, width uint8, all map[*ir.Value][]use) {
	if u.user == nil || u.user.Op != ir.OpAnd {
		_, args := u.cond()
		swapOperand(e, u, args, width)
		return
	}
	swapOperand(e, u, u.user.Args, width)
	for _, w := range all[u.user] {
		_, args := w.cond()
		swapOperand(e, w, args, width)
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

// splitLoads makes smaller loads of masks and shifts of a load: one instruction in place of a copy and an operation, even
// if the whole is needed, too.
func splitLoads(p *ir.Program) {
	g := ir.NewGraph(p)
	stored := written(p, g)
	for i, b := range p.Blocks {
		for _, v := range b.Values {
			note(&stored[i], v)
			if v.Op != ir.OpAnd && v.Op != ir.OpShr || v.Args[1].Op != ir.OpConst {
				continue
			}
			load := v.Args[0]
			if isLoad(load) && !stored[i].has(load.Imm, load.Width) {
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

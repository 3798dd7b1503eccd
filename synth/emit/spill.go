package emit

import "github.com/cilium/ebpf/asm"

// moveNarrow is a move of the low half, which clears the upper one.
const moveNarrow = asm.OpCode(asm.ALUClass) | asm.OpCode(asm.Mov) | asm.OpCode(asm.RegSource)

// spill takes a register out of the competition: its uses get registers of their own that live for one instruction.
func (c *code) spill(r reg) {
	if again, ok := c.recipes()[r]; ok {
		c.remake(r, again.insts)
		return
	}
	slot := c.slot()
	c.rewrite(func(i inst) {
		if i.kind == kMov && i.dst == r && i.src != r {
			i.kind, i.op, i.off, i.dst = kStore, asm.StoreMemOp(asm.DWord), slot, frame
			c.insts = append(c.insts, i)
			return
		}
		if i.kind == kMov && i.src == r {
			i.kind, i.op, i.off, i.src = kLoad, asm.LoadMemOp(asm.DWord), slot, frame
			c.insts = append(c.insts, i)
			return
		}
		in, out := i.reads(), i.writes()
		reads, writes := in.has(r), out.has(r)
		if !reads && !writes {
			c.insts = append(c.insts, i)
			return
		}
		t := c.temporary()
		if reads {
			c.insts = append(c.insts, inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: t, src: frame, off: slot,
				label: noLabel, weight: i.weight, note: "reload"})
		}
		c.insts = append(c.insts, i.substitute(r, t))
		if writes {
			c.insts = append(c.insts, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: t, off: slot,
				label: noLabel, weight: i.weight, note: "spill"})
		}
	})
}

// split keeps r on the stack while a slow call runs: from before its arguments are put into place until it returns.
func (c *code) split(r reg) {
	c.whole[r] = true
	slot := c.slot()
	crossed := map[int]bool{} // calls that r lives through
	c.backward(func(n int, i *inst, after set) bool {
		crossed[n] = i.kind == kCall && !i.fast && after.has(r)
		return true
	})
	starts := map[int]bool{}
	for n, yes := range crossed {
		if yes {
			starts[c.argumentsStart(n)] = true
		}
	}
	n := -1
	c.rewrite(func(i inst) {
		n++
		if starts[n] {
			c.insts = append(c.insts, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: r, off: slot,
				label: noLabel, weight: i.weight, note: "keep during the call"})
		}
		c.insts = append(c.insts, i)
		if crossed[n] {
			c.insts = append(c.insts, inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: r, src: frame, off: slot,
				label: noLabel, weight: i.weight, note: "after the call"})
		}
	})
}

// argumentsStart finds where the setting of a call's argument registers begins.
func (c *code) argumentsStart(call int) int {
	for call > 0 {
		i := &c.insts[call-1]
		if w := i.writes(); i.kind == kCall || w.n != 1 || w.regs[0] >= firstVirtual {
			break
		}
		call--
	}
	return call
}

// remake repeats the instructions that make r at each use.
func (c *code) remake(r reg, recipe []inst) {
	c.rewrite(func(i inst) {
		in, out := i.reads(), i.writes()
		switch {
		case out.has(r):
		case in.has(r):
			c.again(i, r, recipe)
		default:
			c.insts = append(c.insts, i)
		}
	})
}

// again appends an instruction that reads r, with what makes r before it.
func (c *code) again(i inst, r reg, recipe []inst) {
	t := c.temporary()
	for _, a := range recipe {
		a = a.substitute(r, t)
		a.weight = i.weight
		c.insts = append(c.insts, a)
	}
	c.insts = append(c.insts, i.substitute(r, t))
}

// remakeRare makes what can be made anew at those of its uses that are rare, so that the way there need not keep it.
func (c *code) remakeRare() {
	recipes := c.recipes()
	c.rewrite(func(i inst) {
		in := i.reads()
		for _, r := range in.all() {
			a, ok := recipes[r]
			if ok && i.weight < a.insts[0].weight/8 && !(i.kind == kALU && i.dst == r) {
				c.again(i, r, a.insts)
				return
			}
		}
		c.insts = append(c.insts, i)
	})
	c.dropDead()
}

// rewrite hands every instruction to f, which appends what takes its place.
func (c *code) rewrite(f func(inst)) {
	old := c.insts
	c.insts = make([]inst, 0, len(old)+8)
	for _, i := range old {
		f(i)
	}
}

func (c *code) temporary() reg {
	t := c.reg()
	c.tmp[t] = true
	return t
}

func (i inst) substitute(r, t reg) inst {
	if i.dst == r {
		i.dst = t
	}
	if i.src == r {
		i.src = t
	}
	return i
}

package emit

import "github.com/cilium/ebpf/asm"

// moveNarrow is a move of the low half, which clears the upper one.
const moveNarrow = asm.OpCode(asm.ALUClass) | asm.OpCode(asm.Mov) | asm.OpCode(asm.RegSource)

// spill takes a register out of the competition: its uses get registers of their own that live for one instruction.
func (c *code) spill(r reg) {
	if def := c.soleConstant(r); def != nil {
		c.remake(r, *def)
		return
	}
	slot := c.stack(8)
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
		reads, writes := mentions(i.reads(), r), mentions(i.writes(), r)
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

// soleConstant finds the one instruction that sets r, if that is a constant or a map's address.
func (c *code) soleConstant(r reg) *inst {
	var def *inst
	for n := range c.insts {
		i := &c.insts[n]
		if !mentions(i.writes(), r) {
			continue
		}
		if def != nil || i.kind != kImm && i.kind != kAddr && i.kind != kMap {
			return nil
		}
		def = i
	}
	return def
}

// remake repeats the constant at each use.
func (c *code) remake(r reg, def inst) {
	c.rewrite(func(i inst) {
		switch {
		case mentions(i.writes(), r):
		case mentions(i.reads(), r):
			t := c.temporary()
			again := def
			again.dst, again.weight = t, i.weight
			c.insts = append(c.insts, again, i.substitute(r, t))
		default:
			c.insts = append(c.insts, i)
		}
	})
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

func mentions(regs []reg, r reg) bool {
	for _, m := range regs {
		if m == r {
			return true
		}
	}
	return false
}

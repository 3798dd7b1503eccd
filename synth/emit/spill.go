package emit

import (
	"slices"

	"github.com/cilium/ebpf/asm"
)

// moveNarrow is a move of the low half, which clears the upper one.
const moveNarrow = asm.OpCode(asm.ALUClass) | asm.OpCode(asm.Mov) | asm.OpCode(asm.RegSource)

// spill takes registers out of the competition: their uses get registers of their own that live for one instruction. The
// register that recipes load from is spilled by itself.
func (c *code) spill(all []reg) {
	if slices.Contains(all, c.packet) {
		c.spillTogether([]reg{c.packet})
		all = slices.DeleteFunc(slices.Clone(all), func(r reg) bool { return r == c.packet })
	}
	c.spillTogether(all)
}

// spilled is where the contents of a register are kept: in a slot, or in instructions that make them anew.
type spilled struct {
	slot   int16
	recipe []inst
}

func (c *code) spillTogether(all []reg) {
	if len(all) == 0 {
		return
	}
	recipes, places := c.recipes(), make([]*spilled, c.regs)
	for _, r := range all {
		if a, ok := recipes[r]; ok {
			places[r] = &spilled{recipe: a.insts}
		} else {
			places[r] = &spilled{slot: c.slotOf(r)}
		}
	}
	c.rewrite(func(i inst) { c.replace(i, places) })
}

// replace appends an instruction with what it needs to do without the registers that have lost their place.
func (c *code) replace(i inst, places []*spilled) {
	in, out := i.reads(), i.writes()
	place := func(r reg) *spilled {
		if r < firstVirtual {
			return nil
		}
		return places[r]
	}
	var after []inst
	for n, r := range in.all() {
		s := place(r)
		switch {
		case s == nil || out.has(r) || slices.Contains(in.regs[:n], r):
		case s.recipe != nil:
			i = c.again(i, r, s.recipe)
		case i.kind == kMov && place(i.dst) == nil:
			i.kind, i.op, i.off, i.src = kLoad, asm.LoadMemOp(asm.DWord), s.slot, frame
		default:
			t := c.temporary()
			c.reload(t, s.slot, i.weight)
			i = i.substitute(r, t)
		}
	}
	for _, r := range out.all() {
		s := place(r)
		switch {
		case s == nil:
		case s.recipe != nil:
			return // it is made where it is needed
		case i.kind == kMov && !in.has(r):
			i.kind, i.op, i.off, i.dst = kStore, asm.StoreMemOp(asm.DWord), s.slot, frame
		default:
			t := c.temporary()
			if in.has(r) {
				c.reload(t, s.slot, i.weight)
			}
			i = i.substitute(r, t)
			after = append(after, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: t, off: s.slot,
				label: noLabel, weight: i.weight, note: "spill"})
		}
	}
	c.insts = append(append(c.insts, i), after...)
}

func (c *code) reload(to reg, slot int16, weight float32) {
	c.insts = append(c.insts, inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: to, src: frame, off: slot,
		label: noLabel, weight: weight, note: "reload"})
}

// split keeps registers on the stack while slow calls run: from before a call's arguments are put into place until it returns.
func (c *code) split(all []reg) {
	if len(all) == 0 {
		return
	}
	slots := make([]int16, len(all))
	for n, r := range all {
		c.whole[r], slots[n] = true, c.slotOf(r)
	}
	crossed, starts := map[int][]int{}, map[int][]int{} // by calls and the beginnings of their arguments, the registers that live on
	c.backward(func(n int, i *inst, after set) bool {
		for which, r := range all {
			if i.kind == kCall && !i.fast && after.has(r) {
				crossed[n] = append(crossed[n], which)
			}
		}
		return true
	})
	for n, through := range crossed {
		starts[c.argumentsStart(n)] = through
	}
	n := -1
	c.rewrite(func(i inst) {
		n++
		for _, which := range starts[n] {
			c.insts = append(c.insts, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: all[which], off: slots[which],
				label: noLabel, weight: i.weight, note: "keep during the call"})
		}
		c.insts = append(c.insts, i)
		for _, which := range slices.Backward(crossed[n]) {
			c.insts = append(c.insts, inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: all[which], src: frame, off: slots[which],
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

// again appends what makes r, and gives the instruction that reads it then.
func (c *code) again(i inst, r reg, recipe []inst) inst {
	t := c.temporary()
	for _, a := range recipe {
		a = a.substitute(r, t)
		a.weight = i.weight
		c.insts = append(c.insts, a)
	}
	return i.substitute(r, t)
}

// remakeRare makes what can be made anew at those of its uses that are rare, so that the way there need not keep it.
func (c *code) remakeRare() {
	recipes := c.recipes()
	c.rewrite(func(i inst) {
		in := i.reads()
		for _, r := range in.all() {
			a, ok := recipes[r]
			if ok && i.weight < a.insts[0].weight/8 && !(i.kind == kALU && i.dst == r) {
				i = c.again(i, r, a.insts)
				break
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

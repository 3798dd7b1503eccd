package emit

// firstSlot is an offset from the frame pointer below all that a program can have. Slots get such offsets until all are
// known.
const firstSlot = -4096

// slot gives a place on the stack for a register, which it may share with registers of other times.
func (c *code) slot() int16 {
	c.slots++
	return firstSlot - int16(8*c.slots)
}

// packSlots puts slots into as little stack as their times of use allow.
func (c *code) packSlots() {
	type span struct{ first, last int }
	spans := map[int16]*span{}
	var order []int16
	c.eachSlot(func(n int, i *inst) {
		if s := spans[i.off]; s != nil {
			s.last = n
			return
		}
		spans[i.off] = &span{n, n}
		order = append(order, i.off)
	})
	var places []int16 // in use
	var free []int     // the last instruction that uses each of them
	at := map[int16]int16{}
	for _, slot := range order {
		p := 0
		for p < len(places) && free[p] >= spans[slot].first {
			p++
		}
		if p == len(places) {
			places, free = append(places, c.stack(8)), append(free, 0)
		}
		free[p], at[slot] = spans[slot].last, places[p]
	}
	c.eachSlot(func(_ int, i *inst) { i.off = at[i.off] })
}

// eachSlot visits the instructions that store to or load from slots.
func (c *code) eachSlot(visit func(n int, i *inst)) {
	for n := range c.insts {
		i := &c.insts[n]
		if i.off < firstSlot && (i.kind == kStore && i.dst == frame || i.kind == kLoad && i.src == frame) {
			visit(n, i)
		}
	}
}

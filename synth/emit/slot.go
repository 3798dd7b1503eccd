package emit

import "slices"

// firstSlot is an offset from the frame pointer below all that a program can have. Slots get such offsets until all are
// known.
const firstSlot = -4096

// slot gives a place on the stack for a register, which it may share with registers of other times.
func (c *code) slot() int16 {
	c.slots++
	return firstSlot - int16(8*c.slots)
}

// slotOf is slot for what a register holds, and notes whether that is the address of the frame.
func (c *code) slotOf(r reg) int16 {
	slot := c.slot()
	c.packetAt[slot] = r == c.packet
	return slot
}

// packSlots puts slots into as little stack as their times of use allow: two of which one is written while the other one
// is yet to be read have places of their own.
func (c *code) packSlots() {
	apart := c.slotConflicts()
	at := map[int16]int16{}
	var tenants [][]reg // of each place
	var places []int16
	c.eachSlot(func(_ int, i *inst) {
		if _, ok := at[i.off]; ok {
			return
		}
		slot, p := slotNumber(i.off), 0
		for p < len(tenants) && slices.ContainsFunc(tenants[p], func(t reg) bool { return apart[slot].has(t) }) {
			p++
		}
		if p == len(tenants) {
			tenants, places = append(tenants, nil), append(places, c.stack(8))
		}
		tenants[p], at[i.off] = append(tenants[p], slot), places[p]
	})
	c.eachSlot(func(_ int, i *inst) { i.off = at[i.off] })
}

// slotNumber counts slots from one on.
func slotNumber(off int16) reg { return reg(firstSlot-off) / 8 }

// slotConflicts tells for each slot which ones it cannot share a place with. All jumps go forward.
func (c *code) slotConflicts() []set {
	apart := make([]set, c.slots+1)
	for n := range apart {
		apart[n] = newSet(reg(c.slots + 1))
	}
	live, at := newSet(reg(c.slots+1)), make([]set, c.labels)
	for n := len(c.insts) - 1; n >= 0; n-- {
		i := &c.insts[n]
		switch {
		case i.kind == kMark:
			at[i.label] = append(set(nil), live...)
		case i.kind == kJump, i.kind == kExit:
			clear(live)
		case i.off < firstSlot && i.kind == kStore && i.dst == frame:
			slot := slotNumber(i.off)
			live.drop(slot)
			live.each(func(other reg) {
				apart[slot].put(other)
				apart[other].put(slot)
			})
		case i.off < firstSlot && i.kind == kLoad && i.src == frame:
			live.put(slotNumber(i.off))
		}
		if (i.kind == kBranch || i.kind == kJump) && at[i.label] != nil {
			live.merge(at[i.label])
		}
	}
	return apart
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

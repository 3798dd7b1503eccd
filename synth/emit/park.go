package emit

import "github.com/cilium/ebpf/asm"

// parking is what it takes to keep a register on the stack for its rare uses only.
type parking struct {
	cost float32 // runs of the store behind its definition, and of the loads
	last int     // the last use that is not rare: from there on the register is free
}

// parkings finds the registers that are written once, and that rare arms of the program read later.
func (c *code) parkings() map[reg]parking {
	found, weight, spoiled := map[reg]parking{}, map[reg]float32{}, map[reg]bool{}
	for n := range c.insts {
		i := &c.insts[n]
		reads, writes := i.reads(), i.writes()
		for _, r := range reads.all() {
			p := found[r]
			if i.weight < weight[r]/8 {
				p.cost += i.weight
			} else {
				p.last = n
			}
			found[r] = p
		}
		for _, r := range writes.all() {
			_, again := weight[r]
			if again || r < firstVirtual || c.tmp[r] || c.parked[r] {
				spoiled[r] = true
			}
			weight[r] = i.weight
		}
	}
	for r, p := range found {
		if spoiled[r] || p.cost == 0 {
			delete(found, r)
			continue
		}
		found[r] = parking{p.cost + weight[r], p.last}
	}
	return found
}

// park stores r where it is made, and has its rare uses load it.
func (c *code) park(r reg) {
	c.parked[r] = true
	slot, weight := c.slot(), float32(0)
	c.rewrite(func(i inst) {
		in, out := i.reads(), i.writes()
		switch {
		case out.has(r):
			weight = i.weight
			c.insts = append(c.insts, i, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: r, off: slot,
				label: noLabel, weight: weight, note: "for rare uses"})
		case in.has(r) && i.weight < weight/8:
			t := c.temporary()
			c.insts = append(c.insts, inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: t, src: frame, off: slot,
				label: noLabel, weight: i.weight, note: "reload"}, i.substitute(r, t))
		default:
			c.insts = append(c.insts, i)
		}
	})
}

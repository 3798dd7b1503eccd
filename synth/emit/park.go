package emit

import "github.com/cilium/ebpf/asm"

// parking is what it takes to keep a register on the stack for its rare uses only.
type parking struct {
	cost float32 // runs of the stores, at most, and of the loads
	last int     // the last use that is not rare
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

// park frees r for the rare arms of the program: it is stored where one begins, their uses load it, and where one leads
// back it is loaded again.
func (c *code) park(r reg) {
	c.parked[r] = true
	slot, weight := c.slotOf(r), c.madeAt(r)
	arms := c.rareArms(r, weight)
	n := -1
	c.rewrite(func(i inst) {
		n++
		reload := inst{kind: kLoad, op: asm.LoadMemOp(asm.DWord), dst: r, src: frame, off: slot, label: noLabel,
			weight: i.weight, note: "reload"}
		if arms.ends[n] {
			c.insts = append(c.insts, reload)
		}
		in := i.reads()
		switch {
		case arms.begins[n]:
			c.insts = append(c.insts, i, inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: r, off: slot,
				label: noLabel, weight: i.weight, note: "for rare uses"})
		case in.has(r) && i.weight < weight/8:
			reload.dst = c.temporary()
			c.insts = append(c.insts, reload, i.substitute(r, reload.dst))
		default:
			c.insts = append(c.insts, i)
		}
	})
}

// madeAt is the weight of the instruction that makes r.
func (c *code) madeAt(r reg) float32 {
	for n := range c.insts {
		if w := c.insts[n].writes(); w.has(r) {
			return c.insts[n].weight
		}
	}
	return 0
}

// arms are the parts of a program that are rare, as far as a register lives there.
type arms struct {
	begins map[int]bool // marks that one begins at
	ends   map[int]bool // instructions before which it has to be in its register again
}

// rareArms finds the arms that are rare beside an instruction of this weight. Weights change at marks only.
func (c *code) rareArms(r reg, weight float32) arms {
	found := arms{begins: map[int]bool{}, ends: map[int]bool{}}
	marks, lives := make([]int, c.labels), make([]bool, c.labels)
	for n := range c.insts {
		if i := &c.insts[n]; i.kind == kMark {
			marks[i.label] = n
		}
	}
	c.backward(func(_ int, i *inst, after set) bool {
		if i.kind == kMark {
			lives[i.label] = after.has(r)
		}
		return true
	})
	rare := func(n int) bool { return c.insts[n].weight < weight/8 }
	follow := func(from, end int, to label) { // end is where the way there may load
		switch mark := marks[to]; {
		case !lives[to] || rare(from) == rare(mark):
		case rare(mark):
			found.begins[mark] = true
		default:
			found.ends[end] = true
		}
	}
	falls := false // from the instruction before
	for n := range c.insts {
		i := &c.insts[n]
		if i.kind == kMark && falls {
			follow(n-1, n, i.label)
		}
		if i.kind == kBranch || i.kind == kJump {
			follow(n, n, i.label)
		}
		falls = i.kind != kJump && i.kind != kExit
	}
	return found
}

package emit

// set is a set of registers.
type set []uint64

func newSet(n reg) set { return make(set, (n+63)/64) }

func (s set) has(r reg) bool { return s[r>>6]&(1<<(r&63)) != 0 }
func (s set) put(r reg)      { s[r>>6] |= 1 << (r & 63) }
func (s set) drop(r reg)     { s[r>>6] &^= 1 << (r & 63) }

func (s set) merge(t set) {
	for i, w := range t {
		s[i] |= w
	}
}

// reads lists the registers that an instruction reads; the frame pointer is nobody's concern.
func (i *inst) reads() []reg {
	switch i.kind {
	case kMov, kLoad:
		return virtual(i.src)
	case kALU:
		if i.op == moveNarrow {
			return virtual(i.src)
		}
		return virtual(i.dst, i.src)
	case kStore, kBranch:
		return virtual(i.dst, i.src)
	case kStoreImm:
		return virtual(i.dst)
	case kCall:
		return arguments(i.nargs)
	case kExit:
		return []reg{r0}
	}
	return nil
}

// writes lists the registers that an instruction gives a value or destroys.
func (i *inst) writes() []reg {
	switch i.kind {
	case kMov, kImm, kAddr, kMap, kALU, kLoad:
		return virtual(i.dst)
	case kCall:
		return append(arguments(i.nargs), r0)
	}
	return nil
}

// pure tells whether the instruction may be dropped if nobody reads what it writes.
func (i *inst) pure() bool {
	switch i.kind {
	case kMov, kImm, kAddr, kMap, kALU, kLoad:
		return true
	}
	return false
}

func virtual(regs ...reg) []reg {
	var out []reg
	for _, r := range regs {
		if r != noReg && r != frame {
			out = append(out, r)
		}
	}
	return out
}

func arguments(n int) []reg {
	var out []reg
	for r := r1; r <= reg(n); r++ {
		out = append(out, r)
	}
	return out
}

// backward visits the instructions from the last to the first with the set of registers that are read after each. All
// jumps go forward, so one pass knows it all. visit returns false to have the instruction dropped.
func (c *code) backward(visit func(n int, i *inst, after set) bool) {
	live := newSet(c.regs)
	at := make([]set, c.labels)
	kept := make([]inst, len(c.insts))
	first := len(kept)
	for n := len(c.insts) - 1; n >= 0; n-- {
		i := &c.insts[n]
		switch i.kind {
		case kMark:
			at[i.label] = append(set(nil), live...)
		case kJump, kExit:
			clear(live)
		}
		if (i.kind == kBranch || i.kind == kJump) && at[i.label] != nil {
			live.merge(at[i.label])
		}
		if !visit(n, i, live) {
			continue
		}
		for _, r := range i.writes() {
			live.drop(r)
		}
		for _, r := range i.reads() {
			live.put(r)
		}
		first--
		kept[first] = *i
	}
	c.insts = kept[first:]
}

// dropUnreachable removes the code that nothing leads to; the verifier refuses it.
func (c *code) dropUnreachable() {
	reached := make([]bool, c.labels)
	alive := true
	c.rewrite(func(i inst) {
		if i.kind == kMark {
			alive = alive || reached[i.label]
		}
		if !alive {
			return
		}
		c.insts = append(c.insts, i)
		switch i.kind {
		case kBranch:
			reached[i.label] = true
		case kJump:
			reached[i.label], alive = true, false
		case kExit:
			alive = false
		}
	})
}

// dropDead removes the instructions whose result nobody reads.
func (c *code) dropDead() {
	c.backward(func(_ int, i *inst, after set) bool {
		return !i.pure() || i.dst < firstVirtual || after.has(i.dst)
	})
}

// crossing is what lives through a call: it sits in the way of the call's own registers.
type crossing map[int][]reg

// interference tells which registers are in use at the same time and so have to differ.
type interference struct {
	edges    []set
	cost     []float32 // estimated runs of the instructions that mention the register
	partners [][]reg   // registers that it is moved to or from
	first    []int     // where it is first written
	last     []int     // where it is last mentioned
	through  []float32 // estimated runs of the slow calls that it lives through
	crossing crossing
}

func (c *code) interfere() *interference {
	g := &interference{edges: make([]set, c.regs), cost: make([]float32, c.regs), partners: make([][]reg, c.regs),
		first: make([]int, c.regs), last: make([]int, c.regs), through: make([]float32, c.regs), crossing: crossing{}}
	for r := range g.edges {
		g.edges[r] = newSet(c.regs)
		g.first[r] = -1
	}
	c.backward(func(n int, i *inst, after set) bool {
		g.note(n, i, after)
		return true
	})
	for r, a := range c.recipes() {
		g.cost[r] = min(g.cost[r], a.cost)
	}
	return g
}

func (g *interference) note(n int, i *inst, after set) {
	for _, r := range append(i.reads(), i.writes()...) {
		g.cost[r] += i.weight
		g.last[r] = max(g.last[r], n)
	}
	if i.kind == kMov && i.src != frame {
		g.partners[i.dst] = append(g.partners[i.dst], i.src)
		g.partners[i.src] = append(g.partners[i.src], i.dst)
	}
	for _, w := range i.writes() {
		g.first[w] = n
		after.each(func(r reg) {
			if r == w || i.kind == kMov && r == i.src {
				return
			}
			g.edges[w].put(r)
			g.edges[r].put(w)
		})
	}
	if i.kind == kCall {
		after.each(func(r reg) {
			if r == r0 {
				return
			}
			g.crossing[n] = append(g.crossing[n], r)
			if !i.fast {
				g.through[r] += i.weight
			}
		})
	}
}

func (s set) each(f func(reg)) {
	for i, w := range s {
		for b := reg(0); w != 0; b, w = b+1, w>>1 {
			if w&1 != 0 {
				f(reg(i)*64 + b)
			}
		}
	}
}

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

// few is a handful of registers, without allocation.
type few struct {
	n    int
	regs [6]reg
}

func (f *few) all() []reg { return f.regs[:f.n] }

// add appends registers; the frame pointer is nobody's concern.
func (f *few) add(regs ...reg) {
	for _, r := range regs {
		if r != noReg && r != frame {
			f.regs[f.n] = r
			f.n++
		}
	}
}

func (f *few) addArguments(n int) {
	for r := r1; r <= reg(n); r++ {
		f.add(r)
	}
}

func (f *few) has(r reg) bool {
	for _, m := range f.all() {
		if m == r {
			return true
		}
	}
	return false
}

// reads lists the registers that an instruction reads.
func (i *inst) reads() (f few) {
	switch i.kind {
	case kMov, kLoad:
		f.add(i.src)
	case kALU:
		if i.op != moveNarrow {
			f.add(i.dst)
		}
		f.add(i.src)
	case kStore, kBranch:
		f.add(i.dst, i.src)
	case kStoreImm:
		f.add(i.dst)
	case kCall:
		f.addArguments(i.nargs)
	case kExit:
		f.add(r0)
	}
	return f
}

// writes lists the registers that an instruction gives a value or destroys.
func (i *inst) writes() (f few) {
	switch i.kind {
	case kMov, kImm, kAddr, kMap, kALU, kLoad:
		f.add(i.dst)
	case kCall:
		if !i.fast { // else frameCalls restores what lives on
			f.addArguments(i.nargs)
		}
		f.add(r0)
	}
	return f
}

// pure tells whether the instruction may be dropped if nobody reads what it writes.
func (i *inst) pure() bool {
	switch i.kind {
	case kMov, kImm, kAddr, kMap, kALU, kLoad:
		return true
	}
	return false
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
		writes, reads := i.writes(), i.reads()
		for _, r := range writes.all() {
			live.drop(r)
		}
		for _, r := range reads.all() {
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
	spared   []reg     // the last argument of a fast call that it lives through: r1 to this one would have to be saved
	parkings map[reg]parking
	crossing crossing
}

func (c *code) interfere() *interference {
	g := &interference{edges: make([]set, c.regs), cost: make([]float32, c.regs), partners: make([][]reg, c.regs),
		first: make([]int, c.regs), last: make([]int, c.regs), through: make([]float32, c.regs), spared: make([]reg, c.regs),
		crossing: crossing{}}
	for r := range g.edges {
		g.edges[r] = newSet(c.regs)
		g.first[r] = -1
	}
	c.backward(func(n int, i *inst, after set) bool {
		g.note(n, i, after)
		return true
	})
	g.parkings = c.parkings()
	for r, a := range c.recipes() {
		g.cost[r] = min(g.cost[r], a.cost)
	}
	return g
}

func (g *interference) note(n int, i *inst, after set) {
	reads, writes := i.reads(), i.writes()
	for _, regs := range [][]reg{reads.all(), writes.all()} {
		for _, r := range regs {
			g.cost[r] += i.weight
			g.last[r] = max(g.last[r], n)
		}
	}
	if i.kind == kMov && i.src != frame {
		g.partners[i.dst] = append(g.partners[i.dst], i.src)
		g.partners[i.src] = append(g.partners[i.src], i.dst)
	}
	for _, w := range writes.all() {
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
			switch {
			case !i.fast:
				g.through[r] += i.weight
			case i.weight > rare:
				g.spared[r] = max(g.spared[r], reg(i.nargs))
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

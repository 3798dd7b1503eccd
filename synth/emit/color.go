package emit

import (
	"errors"
	"slices"
)

// preference is the order in which registers are given out. r6 to r9 come last: the JIT saves and restores each one
// that a program uses, on every run.
var preference = []reg{2, 3, 4, 5, 0, 1, 6, 7, 8, 9}

// saving is what the first use of one of r6 to r9 costs, in instructions of each run.
const saving = 2

// brief is the life of a register, in instructions, that spilling would not make shorter.
const brief = 3

// maxRounds bounds the attempts to find registers; each one that fails moves a register to the stack.
const maxRounds = 1000

// maxSlots is more registers on the stack than any program that fits has.
const maxSlots = 2048

// allocate replaces virtual registers by eBPF's. What does not fit lives on the stack, or is made anew at each use if
// it is a constant.
func (c *code) allocate() error {
	c.dropUnreachable()
	c.dropDead()
	c.remakeRare()
	for range maxRounds {
		g := c.interfere()
		colors, losers, ok := g.color(c)
		if !ok || c.slots > maxSlots {
			break
		}
		if len(losers) == 0 {
			c.rename(colors)
			for n, live := range g.crossing {
				c.insts[n].saved = callerSaved(live, colors)
			}
			c.packSlots()
			return nil
		}
		c.evict(losers)
	}
	return errors.New("emit: allocate registers: too many values in use at once")
}

// way is how a register loses its place.
type way uint8

const (
	stay    way = iota
	toSplit     // on the stack during slow calls
	toPark      // on the stack for its rare uses
	toSpill     // on the stack, or made anew
)

// eviction is a register that makes room, and how.
type eviction struct {
	reg
	way
}

func (c *code) evict(losers []eviction) {
	var split, spilled []reg
	for _, e := range losers {
		switch e.way {
		case toSplit:
			split = append(split, e.reg)
		case toPark:
			c.park(e.reg)
		case toSpill:
			spilled = append(spilled, e.reg)
		}
	}
	c.split(split)
	c.spill(spilled)
}

// color gives each virtual register one of eBPF's, in the order of their first writes, and names those that lose
// theirs: they are to be split or spilled.
func (g *interference) color(c *code) (colors []reg, losers []eviction, ok bool) {
	colors = make([]reg, c.regs)
	var order []reg
	for r := range c.regs {
		colors[r] = noReg
		if r < firstVirtual {
			colors[r] = r
		} else if g.first[r] >= 0 {
			order = append(order, r)
		}
	}
	slices.SortStableFunc(order, func(a, b reg) int { return g.first[a] - g.first[b] })
	var opened [firstVirtual]bool
	for _, r := range order {
		best := g.pick(r, colors)
		if best == noReg || best >= 6 && !opened[best] {
			loser := g.loser(r, best, colors, c)
			if loser.way == stay && best == noReg {
				return nil, nil, false
			}
			if loser.way != stay {
				losers = append(losers, loser)
				colors[loser.reg] = noReg
			}
			if loser.reg == r {
				continue
			}
			best = g.pick(r, colors)
			opened[best] = true
		}
		colors[r] = best
	}
	return colors, losers, true
}

// loser decides which register makes room for r, where only best, one that costs saving, or none is free; the way is
// stay if best is to be taken.
func (g *interference) loser(r, best reg, colors []reg, c *code) eviction {
	if g.splits(r, c) {
		return eviction{r, toSplit}
	}
	victim, cost := g.victim(r, colors, c.tmp)
	if victim.way != stay && (best == noReg || cost < saving) {
		return victim
	}
	return eviction{noReg, stay}
}

// splits tells whether r is to be kept on the stack during calls only: that is cheap where the calls are rare.
func (g *interference) splits(r reg, c *code) bool {
	return g.through[r] > 0 && 2*g.through[r] < saving && !c.whole[r] && g.cost[r] >= saving
}

// pick finds a free register: not an argument of a fast call that r lives through, since the verifier does not take the
// saving of those away, unless there is only that or one of r6 to r9.
func (g *interference) pick(r reg, colors []reg) reg {
	var taken [firstVirtual]bool
	g.edges[r].each(func(n reg) {
		if colors[n] != noReg {
			taken[colors[n]] = true
		}
	})
	apart := taken
	for a := r1; a <= g.spared[r]; a++ {
		apart[a] = true
	}
	if best := g.free(r, colors, apart); best != noReg && best < 6 {
		return best
	}
	return g.free(r, colors, taken)
}

// free finds a register that is not taken, if possible the one that a move then need not move to.
func (g *interference) free(r reg, colors []reg, taken [firstVirtual]bool) reg {
	for _, p := range g.partners[r] {
		if c := colors[p]; c != noReg && c < frame && !taken[c] {
			return c
		}
	}
	for _, p := range g.partners[r] {
		for _, q := range g.partners[p] {
			if c := colors[q]; c != noReg && c < frame && !taken[c] && !g.edges[p].has(c) {
				return c
			}
		}
	}
	for _, c := range preference {
		if !taken[c] {
			return c
		}
	}
	return noReg
}

// victim is the cheapest register whose eviction would make room for r: r itself or one that it interferes with.
func (g *interference) victim(r reg, colors []reg, tmp map[reg]bool) (best eviction, cost float32) {
	best = eviction{noReg, stay}
	consider := func(n reg) {
		if n < firstVirtual || tmp[n] || g.last[n]-g.first[n] <= brief {
			return
		}
		if best.way == stay || g.cost[n] < cost {
			best, cost = eviction{n, toSpill}, g.cost[n]
		}
		if p, ok := g.parkings[n]; ok && n != r && p.last <= g.first[r] && p.cost < cost {
			best, cost = eviction{n, toPark}, p.cost
		}
	}
	consider(r)
	holders := map[reg]int{}
	g.edges[r].each(func(n reg) {
		if colors[n] != noReg {
			holders[colors[n]]++
		}
	})
	g.edges[r].each(func(n reg) {
		if colors[n] != noReg && holders[colors[n]] == 1 {
			consider(n)
		}
	})
	return best, cost
}

func (c *code) rename(colors []reg) {
	name := func(r *reg) {
		if *r >= firstVirtual {
			*r = colors[*r]
		}
	}
	for n := range c.insts {
		name(&c.insts[n].dst)
		name(&c.insts[n].src)
	}
}

// callerSaved lists the registers that a call would destroy.
func callerSaved(live, colors []reg) []reg {
	var saved []reg
	for _, r := range live {
		if c := colors[r]; c >= r1 && c <= 5 {
			saved = append(saved, c)
		}
	}
	slices.Sort(saved)
	return slices.Compact(saved)
}

package emit

import "github.com/hone-net/hone/synth/ir"

// weights estimates how often each block runs, of one packet.
func weights(p *ir.Program) map[*ir.Block]float32 {
	weight := map[*ir.Block]float32{p.Blocks[0]: 1}
	for _, b := range p.Blocks {
		for i, s := range successors(b) {
			weight[s] += weight[b] * share(b, i)
		}
	}
	return weight
}

// layout puts the blocks into the order in which they stand in the program: the likely arm of each branch falls
// through, and what is rare comes last. Registers were allocated in the order of the program, where every jump goes
// forward; here some go back.
func layout(p *ir.Program, weight map[*ir.Block]float32) []*ir.Block {
	placed := map[*ir.Block]bool{}
	var order []*ir.Block
	next := p.Blocks[0] // though sums of weights may be rounded up
	for ; next != nil; next = heaviest(p.Blocks, placed, weight) {
		for b := next; b != nil; b = likely(b, placed) {
			placed[b] = true
			order = append(order, b)
		}
	}
	return order
}

// heaviest finds the block that runs most often, of equals the first.
func heaviest(blocks []*ir.Block, placed map[*ir.Block]bool, weight map[*ir.Block]float32) *ir.Block {
	var best *ir.Block
	for _, b := range blocks {
		if !placed[b] && (best == nil || weight[b] > weight[best]) {
			best = b
		}
	}
	return best
}

// likely finds the block that may fall through from b; nil if none is left.
func likely(b *ir.Block, placed map[*ir.Block]bool) *ir.Block {
	next := successors(b)
	if len(next) == 0 || placed[next[len(next)-1]] {
		return nil
	}
	return next[len(next)-1]
}

// successors lists where a block leads, the likely arm last.
func successors(b *ir.Block) []*ir.Block {
	switch b.Exit.Kind {
	case ir.Jump:
		return []*ir.Block{b.Exit.Then}
	case ir.If:
		if b.Exit.Then == b.Exit.Else {
			return []*ir.Block{b.Exit.Then}
		}
		if b.Exit.Unlikely {
			return []*ir.Block{b.Exit.Then, b.Exit.Else}
		}
		return []*ir.Block{b.Exit.Else, b.Exit.Then}
	}
	return nil
}

// share estimates which part of a block's runs goes on to its i-th successor.
func share(b *ir.Block, i int) float32 {
	switch {
	case len(successors(b)) == 1:
		return 1
	case b.Exit.Unlikely && i == 0:
		return rare
	case b.Exit.Unlikely:
		return 1 - rare
	}
	return 0.5
}

// rare is the share of an unlikely arm.
const rare = 1.0 / 64

// arrange moves the instructions of the blocks into a new order. Each block ends in a jump or exit, so that it may
// stand anywhere; what comes before the first block stays first, and what follows the last one (the stubs) last.
func (c *code) arrange(order []label, stubs label) {
	chunks := map[label][]inst{}
	current := noLabel
	starts := map[label]bool{stubs: true}
	for _, l := range order {
		starts[l] = true
	}
	for _, i := range c.insts {
		if i.kind == kMark && starts[i.label] {
			current = i.label
		}
		chunks[current] = append(chunks[current], i)
	}
	c.insts = chunks[noLabel]
	for _, l := range append(order, stubs) {
		c.insts = append(c.insts, chunks[l]...)
	}
}

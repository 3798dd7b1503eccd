package emit

import "github.com/hone-net/hone/synth/ir"

// layout puts the blocks into the order in which they are emitted: the likely arm of each branch falls through where it
// can, and every jump still goes forward. It also estimates how often each block runs, of one packet.
func layout(p *ir.Program) ([]*ir.Block, map[*ir.Block]float32) {
	waiting := map[*ir.Block]int{}
	weight := map[*ir.Block]float32{}
	for _, b := range p.Blocks {
		for _, s := range successors(b) {
			waiting[s]++
		}
	}
	weight[p.Blocks[0]] = 1
	var order, ready []*ir.Block
	for next := p.Blocks[0]; next != nil; {
		order = append(order, next)
		for i, s := range successors(next) {
			weight[s] += weight[next] * share(next, i)
			if waiting[s]--; waiting[s] == 0 {
				ready = append(ready, s)
			}
		}
		next, ready = take(ready, next, weight)
	}
	return order, weight
}

// take removes the next block: the likely successor of the last one, so that it falls through, unless it is rare; else
// the block that runs most often, of equals the one that became ready last.
func take(ready []*ir.Block, last *ir.Block, weight map[*ir.Block]float32) (*ir.Block, []*ir.Block) {
	if len(ready) == 0 {
		return nil, nil
	}
	best := len(ready) - 1
	for i := best - 1; i >= 0; i-- {
		if weight[ready[i]] > weight[ready[best]] {
			best = i
		}
	}
	if next := successors(last); len(next) > 0 {
		for i, b := range ready {
			if b == next[len(next)-1] && weight[b]*8 >= weight[ready[best]] {
				best = i
			}
		}
	}
	b := ready[best]
	return b, append(ready[:best:best], ready[best+1:]...)
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
		return 1.0 / 64
	case b.Exit.Unlikely:
		return 63.0 / 64
	}
	return 0.5
}

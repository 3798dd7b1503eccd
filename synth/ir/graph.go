package ir

// Graph is what the blocks of a program say about their order. Blocks are named by their index in the program.
type Graph struct {
	Index map[*Block]int
	Preds [][]int // the blocks that lead to each block, once for each arm
	Idom  []int   // the closest block that each block's every path passes; -1 for the entry and what cannot be reached
}

// NewGraph orders the blocks of a program without back edges.
func NewGraph(p *Program) *Graph {
	g := &Graph{Index: make(map[*Block]int, len(p.Blocks)), Preds: make([][]int, len(p.Blocks)),
		Idom: make([]int, len(p.Blocks))}
	for i, b := range p.Blocks {
		g.Index[b] = i
	}
	for i, b := range p.Blocks {
		for _, to := range b.Successors() {
			if j, ok := g.Index[to]; ok && j > i {
				g.Preds[j] = append(g.Preds[j], i)
			}
		}
	}
	for i := range p.Blocks {
		g.Idom[i] = g.meet(i)
	}
	return g
}

// Successors are the blocks that an exit leads to: both arms of an If, Then first.
func (b *Block) Successors() []*Block {
	switch b.Exit.Kind {
	case Jump:
		return []*Block{b.Exit.Then}
	case If:
		return []*Block{b.Exit.Then, b.Exit.Else}
	}
	return nil
}

// meet finds the dominator of a block whose predecessors' are known, which topological order makes sure of.
func (g *Graph) meet(i int) int {
	idom := -1
	for n, p := range g.Preds[i] {
		if n == 0 {
			idom = p
			continue
		}
		for idom != p && idom >= 0 && p >= 0 {
			if idom > p {
				idom = g.Idom[idom]
			} else {
				p = g.Idom[p]
			}
		}
		if idom != p {
			return -1
		}
	}
	return idom
}

// Dominates tells whether every path to block b passes block a.
func (g *Graph) Dominates(a, b int) bool {
	for b > a {
		b = g.Idom[b]
	}
	return a == b
}

// Arm is the branch whose one arm leads into block b and nowhere else, so that its condition (negated for Else) holds in
// b and all that b dominates; nil if b has several ways in.
func (g *Graph) Arm(p *Program, b int) (exit *Exit, then bool) {
	if len(g.Preds[b]) != 1 {
		return nil, false
	}
	e := &p.Blocks[g.Preds[b][0]].Exit
	if e.Kind != If {
		return nil, false
	}
	return e, e.Then == p.Blocks[b]
}

package irtest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Program makes a random program that ir.Check accepts.
func Program(r *rand.Rand, o Options) *ir.Program {
	g := &generator{Rand: r, o: o, b: ir.NewBuilder("random"), blocks: o.Blocks}
	if g.blocks == 0 {
		g.blocks = 8
	}
	g.addTables()
	if oneIn(r, 2) {
		g.tallies = &ir.Table{Name: "tallies", Kind: ir.Tallies, Domain: slowpath.Config, Size: 16}
		g.b.Tally()
	}
	g.region(scope{}, nil)
	return g.b.Program
}

// generator builds a program region by region: a region is a block and all that only it leads to.
type generator struct {
	*rand.Rand
	o       Options
	b       *ir.Builder
	blocks  int // that may still be made
	names   int
	rows    *ir.Table
	keyed   *ir.Table
	lpm     *ir.Table
	set     *ir.Table
	hash    *ir.Table
	fib     *ir.Table
	lpm6    *ir.Table
	packed  *ir.Table
	set6    *ir.Table
	fib6    *ir.Table
	ct      *ir.Table
	ct6     *ir.Table
	tallies *ir.Table // nil where nothing is tallied
}

// scope is what the place that is being built may rely on.
type scope struct {
	numbers []*ir.Value
	narrow  []*ir.Value // those of the numbers that fit 32 bits
	rows    []*ir.Value // whose fields may be read
	bound   int
	stored  bool
	marked  bool        // "used" was marked
	sets    []*ir.Value // whether something is in a set
}

func (s scope) clone() scope {
	s.numbers, s.narrow, s.rows = slices.Clone(s.numbers), slices.Clone(s.narrow), slices.Clone(s.rows)
	s.sets = slices.Clone(s.sets)
	return s
}

// join is a block in which several paths meet, to be built after them.
type join struct {
	block  *ir.Block
	used   bool
	stored bool
	marked bool
}

func (g *generator) newBlock() *ir.Block {
	g.blocks--
	g.names++
	return g.b.NewBlock(fmt.Sprintf("b%d", g.names))
}

// region builds the current block and what follows it; it may end in one of the joins.
func (g *generator) region(s scope, joins []*join) {
	for range g.IntN(10) {
		g.value(&s)
	}
	if s.bound > 0 && oneIn(g.Rand, 3) {
		g.store(&s)
		for range g.IntN(4) {
			g.value(&s)
		}
	}
	switch {
	case len(joins) > 0 && oneIn(g.Rand, 2):
		g.b.Jump(g.enter(s, joins))
	case g.blocks > 2 && !oneIn(g.Rand, 5):
		g.branch(s, joins)
	default:
		g.leave(&s)
	}
}

// enter notes that a path ends in one of the joins.
func (g *generator) enter(s scope, joins []*join) *ir.Block {
	j := pick(g.Rand, joins...)
	j.used, j.stored, j.marked = true, j.stored || s.stored, j.marked || s.marked
	return j.block
}

// branch ends the block with an If, builds its arms and, if they lead there, the block in which they meet.
func (g *generator) branch(s scope, joins []*join) {
	meet := &join{block: g.newBlock()}
	joins = append(slices.Clone(joins), meet)
	then, els := s.clone(), s.clone()
	cond, p, q := g.condition(&s)
	if row := g.mayLookup(&s); row != nil {
		cond, p, q = ir.Ne, row, g.b.Const(0)
		then.rows = append(then.rows, row)
	}
	blockThen, blockElse := g.newBlock(), g.newBlock()
	switch {
	case oneIn(g.Rand, 6):
		blockElse = g.enter(s, joins)
		g.b.If(cond, p, q, blockThen, blockElse, oneIn(g.Rand, 2))
		g.arm(blockThen, then, joins)
	case oneIn(g.Rand, 20):
		to := g.enter(s, joins)
		g.b.If(cond, p, q, to, to, false)
	default:
		g.b.If(cond, p, q, blockThen, blockElse, oneIn(g.Rand, 2))
		g.arm(blockThen, then, joins)
		g.arm(blockElse, els, joins)
	}
	if meet.used {
		s.stored, s.marked = s.stored || meet.stored, s.marked || meet.marked
		g.b.Start(meet.block)
		g.region(s, joins[:len(joins)-1])
	}
}

func (g *generator) arm(b *ir.Block, s scope, joins []*join) {
	g.b.Start(b)
	g.region(s, joins)
}

// leave ends the block and the program.
func (g *generator) leave(s *scope) {
	switch {
	case !s.stored && oneIn(g.Rand, 8):
		g.b.PuntBy(g.number(s))
	case !s.stored && oneIn(g.Rand, 4):
		g.b.Punt(g.reason())
	case oneIn(g.Rand, 30):
		g.b.Abort()
	default:
		out := g.number(s)
		if !s.stored && s.bound >= 20 && oneIn(g.Rand, 2) {
			if oneIn(g.Rand, 4) {
				g.mayShift(s, out)
				return
			}
			g.shift(s)
			if oneIn(g.Rand, 2) {
				g.behind(s, out)
				return
			}
		}
		if oneIn(g.Rand, 2) {
			g.b.Count(pick(g.Rand, ir.CountFast, ir.CountLive))
		}
		if g.tallies != nil && !oneIn(g.Rand, 4) {
			g.b.Commit(g.b.Table(g.tallies), g.b.Const(uint64(g.IntN(2000))))
		}
		if oneIn(g.Rand, 3) {
			g.trim(s)
		}
		g.b.Redirect(out)
	}
}

// trim changes the end of the packet, on one of two ways that meet or on both. Now and then too little would be left.
func (g *generator) trim(s *scope) {
	off, zeros := g.b.ArithImm(ir.OpAnd, g.number(s), 31), g.b.Const(0)
	if oneIn(g.Rand, 2) {
		zeros = g.b.ArithImm(ir.OpAnd, g.number(s), 15)
	}
	if oneIn(g.Rand, 2) {
		g.b.Trim(off, zeros)
		return
	}
	cond, p, q := g.condition(s)
	then, meet := g.newBlock(), g.newBlock()
	g.b.If(cond, p, q, then, meet, oneIn(g.Rand, 2))
	g.b.Start(then)
	g.b.Trim(off, zeros)
	g.b.Jump(meet)
	g.b.Start(meet)
}

// shift moves the packet's beginning.
func (g *generator) shift(s *scope) {
	macs := [2]*ir.Value{g.number(s), g.number(s)}
	if oneIn(g.Rand, 2) {
		g.b.Push(macs, g.number(s), g.reason())
	} else {
		g.b.Pop(macs, g.reason())
	}
	s.bound += ir.ShiftBy[g.b.Block.Values[len(g.b.Block.Values)-1].Op]
}

// mayShift shifts the packet on one of two ways that meet, or on the other by as much back.
func (g *generator) mayShift(s *scope, out *ir.Value) {
	cond, p, q := g.condition(s)
	then, els, meet := g.newBlock(), g.newBlock(), g.newBlock()
	g.b.If(cond, p, q, then, els, oneIn(g.Rand, 2))
	for _, b := range []*ir.Block{then, els} {
		way := s.clone()
		g.b.Start(b)
		if b == then || oneIn(g.Rand, 2) {
			g.shift(&way)
		}
		g.store(&way)
		g.b.Jump(meet)
	}
	g.b.Start(meet)
	g.b.Count(ir.CountFast)
	g.b.Redirect(out)
}

// behind writes to a packet that was shifted, on two ways that both redirect.
func (g *generator) behind(s *scope, out *ir.Value) {
	g.load(s)
	g.store(s)
	cond, p, q := g.condition(s)
	then, els := g.newBlock(), g.newBlock()
	g.b.If(cond, p, q, then, els, oneIn(g.Rand, 2))
	for _, b := range []*ir.Block{then, els} {
		g.b.Start(b)
		g.store(s)
		g.b.Redirect(out)
	}
}

func (g *generator) reason() slowpath.Reason { return pick(g.Rand, slowpath.Reasons()...) }

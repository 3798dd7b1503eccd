package ir

import (
	"fmt"

	"github.com/hone-net/hone/slowpath"
)

// Limits of a program that Check accepts.
const (
	MaxPacket = 4096    // offsets into the packet lie below
	MaxID     = 1 << 20 // numbers of values lie below
)

// Check tells whether a program keeps the rules of the language; everything that takes a program may rely on them:
//   - the blocks are reachable, stand in topological order and have an exit; names and numbers are unique;
//   - a value is used only where its definition dominates, a row only as a row, and a Hash row's fields only where a
//     comparison with zero has shown that there is a row;
//   - packet bytes are accessed only below a dominating Bound that covers them;
//   - once a path has stored into the packet (or counted it), nothing punts: no Bound, Guard or Punt, and no lookup that
//     needs the kernel;
//   - behind a shift, bytes are those of the packet as it is then, it is not shifted again, and where only some ways have
//     shifted it nothing looks at it;
//   - tables and fields exist, and a field is not read behind a mark that a program leaves in it.
func Check(p *Program) error {
	if p == nil || len(p.Blocks) == 0 {
		return fmt.Errorf("ir: check: program has no blocks")
	}
	c := &checker{p: p, where: map[*Value]place{}, ids: map[int]bool{}, tables: map[*Table]bool{}}
	if err := c.run(); err != nil {
		return fmt.Errorf("ir: check %s: %w", p.Name, err)
	}
	return nil
}

// place is where a value stands.
type place struct{ block, index int }

type fieldOf struct {
	table *Table
	field string
}

type checker struct {
	p      *Program
	g      *Graph
	where  map[*Value]place
	ids    map[int]bool
	tables map[*Table]bool
	marked []map[fieldOf]bool // by block: what some path has marked when the block begins
	stored []bool             // by block: some path has stored when the block begins
	bound  []int              // by block: bytes that every path to its end has bounded
	moved  []bool             // by block: some path has shifted the packet when the block begins
	shift  []bool             // by block: every path to its end has
	ended  []bool             // by block: some path has trimmed the packet when the block begins
}

func (c *checker) run() error {
	if err := c.checkTables(); err != nil {
		return err
	}
	if err := c.checkOrder(); err != nil {
		return err
	}
	c.stored, c.bound = make([]bool, len(c.p.Blocks)), make([]int, len(c.p.Blocks))
	c.moved, c.shift, c.ended = make([]bool, len(c.p.Blocks)), make([]bool, len(c.p.Blocks)), make([]bool, len(c.p.Blocks))
	c.marked = make([]map[fieldOf]bool, len(c.p.Blocks))
	for i, b := range c.p.Blocks {
		if err := c.checkBlock(i, b); err != nil {
			return fmt.Errorf("block %s: %w", b.Name, err)
		}
	}
	return nil
}

// checkOrder checks what the graph and the maps of the rest depend on.
func (c *checker) checkOrder() error {
	names, index := map[string]bool{}, map[*Block]int{}
	for i, b := range c.p.Blocks {
		if b == nil || !isName(b.Name) || names[b.Name] {
			return fmt.Errorf("block %d has no name of its own", i)
		}
		names[b.Name], index[b] = true, i
	}
	reached := make([]bool, len(c.p.Blocks))
	reached[0] = true
	for i, b := range c.p.Blocks {
		if !reached[i] {
			return fmt.Errorf("block %s cannot be reached", b.Name)
		}
		for _, to := range b.Successors() {
			j, ok := index[to]
			if !ok || j <= i {
				return fmt.Errorf("block %s leads to a block that does not stand below it", b.Name)
			}
			reached[j] = true
		}
	}
	c.g = NewGraph(c.p)
	return c.index()
}

// index notes where values stand.
func (c *checker) index() error {
	for i, b := range c.p.Blocks {
		for j, v := range b.Values {
			if v == nil || v.ID < 0 || v.ID >= MaxID || c.ids[v.ID] {
				return fmt.Errorf("block %s: value %d has no number of its own", b.Name, j)
			}
			c.ids[v.ID], c.where[v] = true, place{i, j}
		}
	}
	return nil
}

func (c *checker) checkBlock(i int, b *Block) error {
	if c.g.Idom[i] >= 0 {
		c.bound[i], c.shift[i] = c.bound[c.g.Idom[i]], c.shift[c.g.Idom[i]]
	}
	at := place{i, 0}
	for j, v := range b.Values {
		at.index = j
		if err := c.checkValue(at, v); err != nil {
			return fmt.Errorf("%s: %w", v, err)
		}
		if v.Op == OpBound {
			c.bound[i] = max(c.bound[i], int(v.Imm))
		}
		if v.Op.Shifts() {
			c.bound[i], c.moved[i], c.shift[i] = c.bound[i]+ShiftBy[v.Op], true, true
		}
		c.stored[i], c.ended[i] = c.stored[i] || v.Op.Stores(), c.ended[i] || v.Op == OpTrim
		if v.Op == OpMark {
			c.mark(i, fieldOf{v.Table, v.Field})
		}
	}
	at.index = len(b.Values)
	for _, to := range b.Successors() {
		j := c.g.Index[to]
		c.stored[j], c.moved[j], c.ended[j] = c.stored[j] || c.stored[i], c.moved[j] || c.moved[i], c.ended[j] || c.ended[i]
		for f := range c.marked[i] {
			c.mark(j, f)
		}
	}
	return c.checkExit(at, &b.Exit)
}

// mark notes that a field is marked in a block, or before it.
func (c *checker) mark(block int, f fieldOf) {
	if c.marked[block] == nil {
		c.marked[block] = map[fieldOf]bool{}
	}
	c.marked[block][f] = true
}

// isMarked tells whether some path to a place in a block has marked a part of a field.
func (c *checker) isMarked(block int, v *Value) bool {
	for m := range c.marked[block] {
		if (&Value{Op: OpMark, Table: m.table, Field: m.field}).Marks(v) {
			return true
		}
	}
	return false
}

// Marks tells whether v is a mark in what a field is read from.
func (v *Value) Marks(field *Value) bool {
	if v.Op != OpMark || field.Op != OpField || v.Table != field.Table {
		return false
	}
	f, _ := field.Table.Field(field.Field)
	m, _ := v.Table.Field(v.Field)
	return f.Offset < m.Offset+int(m.Width) && m.Offset < f.Offset+int(f.Width)
}

// Marked tells whether a program marks what a field is read from. Such a field is read where it stands.
func (p *Program) Marked(field *Value) bool {
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Marks(field) {
				return true
			}
		}
	}
	return false
}

func (c *checker) checkValue(at place, v *Value) error {
	if v.Op == OpNone || v.Op >= numOps {
		return fmt.Errorf("no such operation")
	}
	if want := v.arity(); len(v.Args) != want {
		return fmt.Errorf("%d operands, want %d", len(v.Args), want)
	}
	for i, a := range v.Args {
		if err := c.checkUse(at, a); err != nil {
			return err
		}
		asks := (v.Op == OpGuard || v.Op == OpSelect) && c.asksForRow(v.Cond, v.Args)
		if takesRow := i == 0 && (v.Op == OpField || v.Op == OpMark || v.Op == OpKeep || v.Op == OpAccount || asks); a.IsRow() != takesRow {
			return fmt.Errorf("v%d is%s a row", a.ID, map[bool]string{false: " not"}[a.IsRow()])
		}
	}
	if c.stored[at.block] && v.needsKernel() {
		return fmt.Errorf("may leave to the kernel after a store")
	}
	if c.ended[at.block] && v.Op.looks() {
		return fmt.Errorf("looks at the packet after it was trimmed")
	}
	return c.checkOp(at, v)
}

// asksForRow tells whether a condition compares the row of a Hash with zero.
func (c *checker) asksForRow(cond Cond, args []*Value) bool {
	return (cond == Eq || cond == Ne) && args[0].IsRow() && args[0].Table.Kind == Hash && args[1].Op == OpConst &&
		args[1].Imm == 0
}

// checkUse checks that the definition of a stands above on every path.
func (c *checker) checkUse(at place, a *Value) error {
	w, ok := c.where[a]
	if !ok {
		return fmt.Errorf("an operand is not in the program")
	}
	if w.block == at.block && w.index < at.index || w.block < at.block && c.g.Dominates(w.block, at.block) {
		if !a.Op.Yields() {
			return fmt.Errorf("v%d has no value", a.ID)
		}
		return nil
	}
	return fmt.Errorf("v%d is not defined on every path to here", a.ID)
}

func (c *checker) checkExit(at place, e *Exit) error {
	want := map[ExitKind][2]int{Jump: {0, 0}, If: {2, 2}, Punt: {0, 1}, RedirectExit: {1, 1}, Abort: {0, 0}}
	n, ok := want[e.Kind]
	if !ok {
		return fmt.Errorf("no exit")
	}
	if len(e.Args) < n[0] || len(e.Args) > n[1] {
		return fmt.Errorf("exit has %d operands", len(e.Args))
	}
	for _, a := range e.Args {
		if err := c.checkUse(at, a); err != nil {
			return fmt.Errorf("exit: %w", err)
		}
	}
	switch {
	case e.Kind == If && (e.Cond == CondNone || e.Cond >= numConds):
		return fmt.Errorf("exit: no such condition")
	case e.Kind == If && c.asksForRow(e.Cond, e.Args):
		return nil
	case e.Kind == Punt && c.stored[at.block]:
		return fmt.Errorf("punts after a store")
	case e.Kind == Punt && len(e.Args) == 0 && !validReason(e.Reason):
		return fmt.Errorf("punts for no reason")
	}
	for _, a := range e.Args {
		if a.IsRow() {
			return fmt.Errorf("exit: v%d is a row", a.ID)
		}
	}
	return nil
}

func validReason(r slowpath.Reason) bool { return r != slowpath.None && r.Doc() != "" }

package ir

import "slices"

// Clone copies a program, except for its tables: these are not changed once they are made.
func (p *Program) Clone() *Program {
	c := copier{blocks: make(map[*Block]*Block, len(p.Blocks)), values: map[*Value]*Value{}}
	for _, b := range p.Blocks {
		c.blocks[b] = &Block{Name: b.Name}
		for _, v := range b.Values {
			n := *v
			c.values[v] = &n
		}
	}
	q := &Program{Name: p.Name, Tables: slices.Clone(p.Tables)}
	for _, b := range p.Blocks {
		q.Blocks = append(q.Blocks, c.block(b))
	}
	return q
}

type copier struct {
	blocks map[*Block]*Block
	values map[*Value]*Value
}

func (c *copier) block(b *Block) *Block {
	n := c.blocks[b]
	for _, v := range b.Values {
		m := c.values[v]
		m.Args = c.args(v.Args)
		n.Values = append(n.Values, m)
	}
	n.Exit = b.Exit
	n.Exit.Args = c.args(b.Exit.Args)
	n.Exit.Then, n.Exit.Else = c.blocks[b.Exit.Then], c.blocks[b.Exit.Else]
	return n
}

func (c *copier) args(args []*Value) []*Value {
	if args == nil {
		return nil
	}
	n := make([]*Value, len(args))
	for i, a := range args {
		n[i] = c.values[a]
	}
	return n
}

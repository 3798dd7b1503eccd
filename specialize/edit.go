package specialize

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// editor changes a program: it makes values with numbers of their own and replaces values by others.
type editor struct {
	p    *ir.Program
	next int
	by   map[*ir.Value]*ir.Value // replaced value -> what stands for it
}

func edit(p *ir.Program) *editor {
	e := &editor{p: p, by: map[*ir.Value]*ir.Value{}}
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			e.next = max(e.next, v.ID+1)
		}
	}
	return e
}

// value makes a value that is not in a block yet.
func (e *editor) value(v ir.Value) *ir.Value {
	v.ID = e.next
	e.next++
	return &v
}

func (e *editor) constant(n uint64) *ir.Value { return e.value(ir.Value{Op: ir.OpConst, Imm: n}) }

// replace lets w stand for v. The uses change when they are resolved.
func (e *editor) replace(v, w *ir.Value) { e.by[v] = w }

// resolve changes operands to what stands for them.
func (e *editor) resolve(args []*ir.Value) {
	for i, a := range args {
		for e.by[a] != nil {
			a = e.by[a]
		}
		args[i] = a
	}
}

// resolveAll changes every operand of the program to what stands for it.
func (e *editor) resolveAll() {
	for _, b := range e.p.Blocks {
		for _, v := range b.Values {
			e.resolve(v.Args)
		}
		e.resolve(b.Exit.Args)
	}
}

// insert puts values into a block before the value with the given index.
func insert(b *ir.Block, at int, values ...*ir.Value) {
	b.Values = slices.Insert(b.Values, at, values...)
}

// use is a place where a value is an operand: of a value, or of the exit of a block if user is nil.
type use struct {
	block *ir.Block
	user  *ir.Value
	arg   int
}

// operands are those of the user.
func (u use) operands() []*ir.Value {
	if u.user == nil {
		return u.block.Exit.Args
	}
	return u.user.Args
}

// cond gives the condition and the operands of a comparison, if the use is an operand that is compared.
func (u use) cond() (c *ir.Cond, args []*ir.Value) {
	switch {
	case u.arg > 1:
	case u.user == nil && u.block.Exit.Kind == ir.If:
		return &u.block.Exit.Cond, u.block.Exit.Args
	case u.user != nil && (u.user.Op == ir.OpGuard || u.user.Op == ir.OpSelect):
		return &u.user.Cond, u.user.Args
	}
	return nil, nil
}

// uses finds all uses of each value, in the order of the program.
func uses(p *ir.Program) map[*ir.Value][]use {
	n := 0
	for _, b := range p.Blocks {
		n += len(b.Values)
	}
	all := make(map[*ir.Value][]use, n)
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				all[a] = append(all[a], use{b, v, i})
			}
		}
		for i, a := range b.Exit.Args {
			all[a] = append(all[a], use{b, nil, i})
		}
	}
	return all
}

// swapped exchanges the operands of comparisons: the condition that holds for (b, a) if c holds for (a, b).
func swapped(c ir.Cond) ir.Cond {
	switch c {
	case ir.Lt:
		return ir.Gt
	case ir.Gt:
		return ir.Lt
	case ir.Le:
		return ir.Ge
	case ir.Ge:
		return ir.Le
	}
	return c
}

func isConst(v *ir.Value, n uint64) bool { return v.Op == ir.OpConst && v.Imm == n }

// leave ends a block before the value with the given index.
func leave(b *ir.Block, at int, exit ir.Exit) {
	b.Values = b.Values[:at]
	b.Exit = exit
}

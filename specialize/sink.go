package specialize

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// sink moves what only one arm needs into that arm, and everything close to its first use, so that a packet that punts
// early costs little and few registers are taken at a time. An epoch stays where it is, because the tables that it guards
// are read after it, and a load stays above stores into its bytes.
func sink(p *ir.Program) {
	s := sinker{p: p, g: ir.NewGraph(p), all: uses(p), where: map[*ir.Value]int{}}
	s.stored = written(p, s.g)
	for i, b := range p.Blocks {
		for _, v := range b.Values {
			s.where[v] = i
		}
	}
	for i := len(p.Blocks) - 1; i >= 0; i-- {
		b := p.Blocks[i]
		for _, v := range slices.Backward(slices.Clone(b.Values)) {
			if to := s.target(i, v); to > i {
				at := slices.Index(b.Values, v)
				b.Values = slices.Delete(b.Values, at, at+1)
				insert(p.Blocks[to], s.firstUse(to, 0, v), v)
				s.where[v] = to
			} else if !s.fixed(v) {
				s.lower(i, v)
			}
		}
	}
}

type sinker struct {
	p      *ir.Program
	g      *ir.Graph
	all    map[*ir.Value][]use
	where  map[*ir.Value]int
	stored []extent
}

// target is the block that v can move to: the lowest that dominates all uses.
func (s *sinker) target(from int, v *ir.Value) int {
	if s.fixed(v) || len(s.all[v]) == 0 {
		return from
	}
	to := -1
	for _, u := range s.all[v] {
		if b := s.blockOf(u); to < 0 {
			to = b
		} else {
			to = s.common(to, b)
		}
	}
	if spoils(&s.stored[to], v) {
		return from
	}
	return to
}

// fixed tells whether a value stays where it is. To walk from table to table and to the row takes long, one load waiting
// for the other; it is begun where synthesis wants it, so that other work fills the time.
func (s *sinker) fixed(v *ir.Value) bool {
	switch v.Op {
	case ir.OpLookup:
		return v.Table.Kind.InMemory()
	case ir.OpField:
		return v.Table.Kind == ir.Rows && s.where[v] == s.where[v.Args[0]] || s.p.Marked(v)
	}
	return !v.Op.Yields() || v.Op == ir.OpMoved
}

func (s *sinker) blockOf(u use) int {
	if u.user != nil {
		return s.where[u.user]
	}
	return s.g.Index[u.block]
}

// common is the lowest block that dominates both.
func (s *sinker) common(a, b int) int {
	for a != b {
		if a < b {
			a, b = b, a
		}
		a = s.g.Idom[a]
	}
	return a
}

// needsKernel tells whether a value calls into the kernel, which is not done once something is stored.
func needsKernel(v *ir.Value) bool {
	return v.Op == ir.OpMeta || v.Op == ir.OpLookup && (v.Table.Kind == ir.Hash || v.Table.Kind.Live())
}

// spoils tells whether v must stand above a store into the extent.
func spoils(stored *extent, v *ir.Value) bool {
	return isLoad(v) && stored.has(v.Imm, v.Width) || needsKernel(v) && !stored.empty()
}

// lower moves v down in its block.
func (s *sinker) lower(block int, v *ir.Value) {
	b := s.p.Blocks[block]
	at := slices.Index(b.Values, v)
	to := s.firstUse(block, at+1, v)
	copy(b.Values[at:], b.Values[at+1:to])
	b.Values[to-1] = v
}

// firstUse is where in a block, from a place on, v must stand: close to its use, but above the stores that spoil it.
func (s *sinker) firstUse(block, from int, v *ir.Value) int {
	values := s.p.Blocks[block].Values
	stored := s.stored[block]
	for i, w := range values {
		if note(&stored, w); i >= from && (slices.Contains(w.Args, v) || spoils(&stored, v)) {
			return i
		}
	}
	return len(values)
}

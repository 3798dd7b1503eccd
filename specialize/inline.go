package specialize

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// mostInlined is the number of prefixes up to which a set becomes compares.
const mostInlined = 16

// inline makes compares of lookups in small sets: one guard a prefix where an address must not be in the set, one
// compare where the set is a single prefix. What is left is for emission to lower.
func inline(p *ir.Program) {
	e := edit(p)
	all := uses(p)
	for _, b := range p.Blocks {
		for _, v := range slices.Clone(b.Values) {
			if v.Op != ir.OpLookup || v.Table.Kind != ir.Set {
				continue
			}
			prefixes := reduce(v.Table.Prefixes)
			if len(prefixes) == 0 || len(prefixes) > mostInlined {
				continue
			}
			for _, u := range all[v] {
				inlineUse(e, u, v.Args[0], prefixes)
			}
		}
	}
}

// inlineUse rewrites a comparison of a lookup's result with zero.
func inlineUse(e *editor, u use, addr *ir.Value, prefixes []ir.Prefix) {
	cond, args := u.cond()
	if cond == nil || u.arg != 0 || !isConst(args[1], 0) || *cond != ir.Eq && *cond != ir.Ne {
		return
	}
	at := len(u.block.Values)
	if u.user != nil {
		at = slices.Index(u.block.Values, u.user)
	}
	c := comparer{e: e, block: u.block, at: at}
	switch {
	case len(prefixes) == 1:
		args[0], args[1] = c.compare(addr, prefixes[0])
		*cond = cond.Not() // 1 is to be in the set
	case u.user != nil && u.user.Op == ir.OpGuard && *cond == ir.Eq:
		for _, p := range prefixes[1:] {
			masked, n := c.compare(addr, p)
			c.insert(ir.Value{Op: ir.OpGuard, Cond: ir.Ne, Args: []*ir.Value{masked, n}, Reason: u.user.Reason})
		}
		args[0], args[1] = c.compare(addr, prefixes[0])
		*cond = ir.Ne
	}
}

// comparer inserts values into a block one after the other.
type comparer struct {
	e     *editor
	block *ir.Block
	at    int
}

func (c *comparer) insert(v ir.Value) *ir.Value {
	w := c.e.value(v)
	insert(c.block, c.at, w)
	c.at++
	return w
}

// compare gives two values that are equal for the addresses in a prefix.
func (c *comparer) compare(addr *ir.Value, p ir.Prefix) (masked, n *ir.Value) {
	mask := c.insert(ir.Value{Op: ir.OpConst, Imm: uint64(p.Mask())})
	n = c.insert(ir.Value{Op: ir.OpConst, Imm: uint64(p.Addr)})
	return c.insert(ir.Value{Op: ir.OpAnd, Args: []*ir.Value{addr, mask}}), n
}

// reduce gives the fewest prefixes that hold the same addresses, short ones first.
func reduce(prefixes []ir.Prefix) []ir.Prefix {
	set := map[ir.Prefix]bool{}
	for _, p := range prefixes {
		set[p] = true
	}
	for length := 32; length > 0; length-- {
		for p := range set {
			sibling := ir.Prefix{Addr: p.Addr ^ 1<<(32-length), Len: length}
			if p.Len == length && (set[sibling] || covered(set, p)) {
				parent := ir.Prefix{Addr: p.Addr &^ (1 << (32 - length)), Len: length - 1}
				if set[sibling] {
					set[parent] = true
					delete(set, sibling)
				}
				delete(set, p)
			}
		}
	}
	all := make([]ir.Prefix, 0, len(set))
	for p := range set {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b ir.Prefix) int {
		if a.Len != b.Len {
			return a.Len - b.Len
		}
		return int(int64(a.Addr) - int64(b.Addr))
	})
	return all
}

// covered tells whether a shorter prefix of the set contains p.
func covered(set map[ir.Prefix]bool, p ir.Prefix) bool {
	for length := p.Len - 1; length >= 0; length-- {
		q := ir.Prefix{Len: length}
		q.Addr = p.Addr & q.Mask()
		if set[q] {
			return true
		}
	}
	return false
}

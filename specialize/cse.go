package specialize

import "github.com/hone-net/hone/synth/ir"

// cse computes once what is computed again below. A load is the same as an earlier one as long as no path to it has
// stored into its bytes. Epochs and tables that change between two reads may be read at the first time for both: the
// guard that vouches for a table is read before it either way.
func cse(p *ir.Program) {
	e, g := edit(p), ir.NewGraph(p)
	stored := written(p, g)
	seen := map[likeness][]found{}
	for i, b := range p.Blocks {
		var kept []*ir.Value
		for _, v := range b.Values {
			e.resolve(v.Args)
			note(&stored[i], v)
			if k, ok := like(v); ok && v.Op.Yields() && !(isLoad(v) && stored[i].has(v.Imm, v.Width)) {
				if old := above(seen[k], g, i); old != nil {
					e.replace(v, old)
					continue
				}
				seen[k] = append(seen[k], found{v, i})
			}
			kept = append(kept, v)
		}
		b.Values = kept
		e.resolve(b.Exit.Args)
	}
}

// found is a value and the block where it stands.
type found struct {
	value *ir.Value
	block int
}

// above picks one whose block dominates block i.
func above(all []found, g *ir.Graph, i int) *ir.Value {
	for _, f := range all {
		if g.Dominates(f.block, i) {
			return f.value
		}
	}
	return nil
}

// likeness is equal for values that are equal, apart from stores between them.
type likeness struct {
	op     ir.Op
	width  uint8
	cond   ir.Cond
	domain int
	imm    uint64
	field  string
	table  string
	args   [mostArgs]*ir.Value
}

// mostArgs is how many operands values may have that are computed once: a live lookup of IPv6 has most.
const mostArgs = 9

// like gives what values are told apart by; false if there is too much.
func like(v *ir.Value) (k likeness, ok bool) {
	if len(v.Args) > mostArgs {
		return k, false
	}
	k = likeness{op: v.Op, width: v.Width, cond: v.Cond, domain: int(v.Domain), imm: v.Imm, field: v.Field}
	if v.Table != nil {
		k.table = v.Table.Name
	}
	copy(k.args[:], v.Args)
	return k, true
}

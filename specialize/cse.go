package specialize

import (
	"fmt"
	"strings"

	"github.com/hone-net/hone/synth/ir"
)

// cse computes once what is computed again below. A load is the same as an earlier one as long as no path to it has
// stored into its bytes. Epochs and tables that change between two reads may be read at the first time for both: the
// guard that vouches for a table is read before it either way.
func cse(p *ir.Program) {
	e, g := edit(p), ir.NewGraph(p)
	stored := written(p, g)
	seen := map[string][]found{}
	for i, b := range p.Blocks {
		var kept []*ir.Value
		for _, v := range b.Values {
			e.resolve(v.Args)
			note(&stored[i], v)
			if v.Op.Yields() && !(isLoad(v) && stored[i].has(v.Imm, v.Width)) {
				k := key(v)
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

// key is equal for values that are equal, apart from stores between them.
func key(v *ir.Value) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%d %d %d %d %d %s", v.Op, v.Width, v.Cond, v.Imm, v.Domain, v.Field)
	if v.Table != nil {
		fmt.Fprintf(&w, " %s", v.Table.Name)
	}
	for _, a := range v.Args {
		fmt.Fprintf(&w, " v%d", a.ID)
	}
	return w.String()
}

package specialize_test

import (
	"strings"
	"testing"

	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/ir"
)

// TestRowsAreReadBehindGuards: rows change in place, and what is sent of them is written before the words that let it be read.
// So it has to be read after these, whatever has become of the program.
func TestRowsAreReadBehindGuards(t *testing.T) {
	for name, change := range configurations {
		s := router(t, change)
		p, err := synth.Program(s, 2, options, synth.NewFIB(s).Shape())
		if err != nil {
			t.Fatal(err)
		}
		q, sent := specialize.Run(p), 0
		g := ir.NewGraph(q)
		for i, b := range q.Blocks {
			for _, v := range b.Values {
				if v.Op != ir.OpField || v.Table.Name != "nexthop" || v.Field != "mac" && v.Field != "smac" {
					continue
				}
				sent++
				want := []string{"limit"}
				if strings.HasPrefix(b.Name, "over") {
					want = append(want, "flags")
				}
				for _, field := range want {
					if !guarded(q, g, i, v.Args[0], field) {
						t.Errorf("%s: %s is read in %s before %s:\n%s", name, v.Field, b.Name, field, q)
					}
				}
			}
		}
		if sent < 4 {
			t.Errorf("%s: %d fields", name, sent)
		}
	}
}

// guarded tells whether one leads to block i only past a compare of a field of a row.
func guarded(p *ir.Program, g *ir.Graph, i int, row *ir.Value, field string) bool {
	for n, b := range p.Blocks {
		if n == i || b.Exit.Kind != ir.If || !g.Dominates(n, i) {
			continue
		}
		for _, a := range b.Exit.Args {
			if a.Op == ir.OpField && a.Field == field && a.Args[0] == row {
				return true
			}
		}
	}
	return false
}

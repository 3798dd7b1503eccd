package emit

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestLongWalksLoad: the verifier can follow walks that are as long as they get, and what comes after them.
func TestLongWalksLoad(t *testing.T) {
	b := ir.NewBuilder("long")
	b.Bound(54, slowpath.Short)
	routes := &ir.Table{Name: "route6", Kind: ir.LPM6, Domain: slowpath.Any, Steps: ir.MaxSteps, Size: 1 << 16, Leaves: true}
	src := b.Lookup(b.Table(routes), b.Load(22, 8), b.Load(30, 8))
	dst := b.Lookup(routes, b.Load(38, 8), b.Load(46, 8))
	row := b.Lookup(b.Table(testNexthop), dst)
	b.GuardImm(ir.Ne, b.Field(b.Lookup(testNexthop, src), "mac"), 0, slowpath.NoRoute)
	for off := 0; off < 32; off += 8 {
		next := b.NewBlock("next" + string(rune('a'+off/8)))
		mark := b.NewBlock("mark" + string(rune('a'+off/8)))
		b.If(ir.AnySet, b.Load(off, 8), b.Field(row, "flags"), mark, next, true)
		b.Start(mark)
		b.Mark(row, "used")
		b.Jump(next)
		b.Start(next)
	}
	b.Redirect(b.Field(row, "oif"))
	load(t, b.Program, testKernel)
}

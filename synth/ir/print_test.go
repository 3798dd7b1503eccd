package ir_test

import (
	"fmt"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// BenchmarkString prints a program of three thousand lines.
func BenchmarkString(b *testing.B) {
	bl := ir.NewBuilder("long")
	bl.Bound(64, slowpath.Short)
	for i := range 1000 {
		v := bl.Load(i%60, 4)
		next, other := bl.NewBlock(fmt.Sprint("next", i)), bl.NewBlock(fmt.Sprint("other", i))
		bl.If(ir.Eq, v, bl.Const(uint64(i)), other, next, false)
		bl.Start(other)
		bl.Punt(slowpath.TTL)
		bl.Start(next)
	}
	bl.Punt(slowpath.Short)
	for b.Loop() {
		_ = bl.Program.String()
	}
}

package irtest

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/hone-net/hone/synth/ir"
)

// packed is contents of a Packed table: nodes of both kinds, and blocks below them.
func packed(r *rand.Rand, t *ir.Table) []byte {
	data := make([]byte, t.Bytes())
	for i := 0; i < t.NodesAt(); i += 4 {
		word := uint32(i*2654435761>>20) & 15
		if i < ir.PalettePacked && !oneIn(r, 4) {
			word = ir.NodePacked | uint32(r.IntN(t.Size)*ir.UnitPacked)
			if oneIn(r, 2) {
				word |= ir.NarrowPacked
			}
		}
		binary.NativeEndian.PutUint32(data[i:], word)
	}
	for i := t.NodesAt(); i < len(data); i += 2 {
		word := uint16(r.IntN(16))
		if oneIn(r, 8) {
			word = 1<<15 | uint16(r.IntN(t.Blocks))
		}
		binary.NativeEndian.PutUint16(data[i:], word)
	}
	return data
}

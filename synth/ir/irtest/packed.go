package irtest

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/hone-net/hone/synth/ir"
)

// packed is contents of a Packed table: nodes with maps of any density, and blocks below them.
func packed(r *rand.Rand, t *ir.Table) []byte {
	data := make([]byte, t.Bytes())
	for i := 0; i < t.NodesAt(); i += 4 {
		word := uint32(i*2654435761>>20) & 15
		if i < t.BlocksAt() && !oneIn(r, 4) {
			word = ir.NodePacked | uint32(r.IntN(t.Size)*ir.UnitPacked)
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
	for unit := range t.Size {
		if oneIn(r, 2) {
			bits := r.Uint64()&r.Uint64() | 1
			binary.NativeEndian.PutUint64(data[t.NodesAt()+unit*ir.UnitPacked:], bits)
		}
	}
	return data
}

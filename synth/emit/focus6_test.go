package emit

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

// TestFocusAgrees: of every length that a focus may have, addresses in it and beside it find what Eval finds, from the
// packet and from numbers.
func TestFocusAgrees(t *testing.T) {
	needRoot(t)
	r := rand.New(rand.NewPCG(5, 6))
	for length := 8; length <= ir.MostFocus; length += 8 {
		p := ir.Prefix6{Len: length}
		maskHi, maskLo := p.Mask()
		p.Hi, p.Lo = r.Uint64()&maskHi, r.Uint64()&maskLo
		routes := &ir.Table{Name: "route6", Kind: ir.LPM6, Domain: slowpath.Any, Steps: 2, Size: 2 * ir.FocusUnits, Focus: p}
		b := ir.NewBuilder("focus")
		b.Bound(54, slowpath.Short)
		hi, lo := b.Load(38, 8), b.Load(46, 8)
		b.StoreLE(0, 8, b.Lookup(b.Table(routes), hi, lo))
		b.StoreLE(8, 8, b.Lookup(routes, b.ArithImm(ir.OpXor, hi, 0), b.ArithImm(ir.OpXor, lo, 0)))
		b.Redirect(b.Const(1))
		k := newKernelRun(t, b.Program, testKernel)
		env := irtest.Env(r, b.Program)
		for i := range 200 {
			pkt := make([]byte, 64)
			hi, lo := p.Hi|r.Uint64()&^maskHi, p.Lo|r.Uint64()&^maskLo
			if i%4 == 0 {
				if flip := r.IntN(128); flip < 64 {
					hi ^= 1 << flip
				} else {
					lo ^= 1 << (flip - 64)
				}
			}
			binary.BigEndian.PutUint64(pkt[38:], hi)
			binary.BigEndian.PutUint64(pkt[46:], lo)
			if _, err := k.agree(t, env, pkt); err != nil {
				t.Fatalf("%v: %016x%016x: %v", p, hi, lo, err)
			}
		}
		k.coll.Close()
	}
}

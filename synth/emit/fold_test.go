package emit

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

// TestFolds folds numbers of all sizes, around the multiples of 0xffff, as a value and as a compare.
func TestFolds(t *testing.T) {
	needRoot(t)
	seed := testSeed(t)
	r := irtest.New(seed)
	for _, size := range []int{15, 16, 17, 31, 32, 33, 35, 46, 47, 48, 63, 64} {
		mask := uint64(math.MaxUint64) >> (64 - size)
		b := ir.NewBuilder("fold")
		equal, differs := b.NewBlock("equal"), b.NewBlock("differs")
		b.Bound(64, slowpath.Short)
		n := b.ArithImm(ir.OpAnd, b.LoadLE(0, 8), mask)
		b.GuardImm(ir.Ne, b.Arith(ir.OpFold, n), 0xffff, slowpath.HeaderChecksum)
		b.If(ir.Eq, b.Arith(ir.OpFold, b.ArithImm(ir.OpShr, n, 1)), b.Const(0xffff), equal, differs, false)
		b.Start(equal)
		b.Redirect(b.Const(1))
		b.Start(differs)
		b.StoreLE(16, 8, b.Arith(ir.OpFold, n))
		b.Redirect(b.Const(2))
		if err := ir.Check(b.Program); err != nil {
			t.Fatal(err)
		}
		k := newKernelRun(t, b.Program, testKernel)
		verdicts := map[string]int{}
		for _, x := range []uint64{0, 1, 0xfffe, 0xffff, 0x10000, 0x1fffe, mask - 1, mask, r.Uint64(), r.Uint64(),
			r.Uint64() & mask / 0xffff * 0xffff, r.Uint64()&mask/0xffff*0xffff + 1, mask / 0xffff * 0xffff, 2 * 0xffff,
			r.Uint64()&mask>>1/0xffff*0xffff<<1 | 1, mask>>1/0xffff*0xffff<<1 | 1} {
			frame := make([]byte, 64)
			binary.LittleEndian.PutUint64(frame, x)
			v, err := k.agree(t, &ir.Env{}, frame)
			if err != nil {
				t.Errorf("seed %d: %d bits, %#x: %v", seed, size, x, err)
			}
			verdicts[v.String()]++
		}
		if len(verdicts) < 3 && size > 16 {
			t.Errorf("%d bits: %v", size, verdicts)
		}
	}
}

package emit

import (
	"encoding/binary"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestEither adds one of two constants, on both sides of where the other one begins; the second block is a rare one.
func TestEither(t *testing.T) {
	needRoot(t)
	for _, c := range []ir.Cond{ir.Ge, ir.Gt, ir.Lt} {
		b := ir.NewBuilder("either")
		small, large := b.NewBlock("small"), b.NewBlock("large")
		b.Bound(32, slowpath.Short)
		n := b.LoadLE(0, 4)
		b.If(ir.Ge, n, b.Const(1<<31), large, small, true)
		b.Start(small)
		b.StoreLE(8, 8, b.Arith(ir.OpAdd, b.Select(c, b.LoadLE(4, 2), b.Const(0xfffe), b.Const(0x1ffff), b.Const(0)), n))
		b.Redirect(b.Const(1))
		b.Start(large)
		b.StoreLE(8, 8, b.Arith(ir.OpAdd, n, b.Select(c, n, b.Const(0xfffe0000), b.Const(0x1ffff), b.Const(0xffff))))
		b.Redirect(b.Const(2))
		if err := ir.Check(b.Program); err != nil {
			t.Fatal(err)
		}
		k := newKernelRun(t, b.Program, testKernel)
		for _, x := range []uint64{0, 0x0000fffd_7fffffff, 0x0000fffe_00000000, 0x0000ffff_12345678, 0xfffdffff, 0xfffe0000,
			0xfffe0001, 0xffffffff, 0x80000000} {
			frame := make([]byte, 64)
			binary.LittleEndian.PutUint64(frame, x)
			if _, err := k.agree(t, &ir.Env{}, frame); err != nil {
				t.Errorf("%v %#x: %v", c, x, err)
			}
		}
	}
}

package emit

import (
	"encoding/binary"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestSumOfTwoChoices adds two values of which each is hardly ever the one of two constants.
func TestSumOfTwoChoices(t *testing.T) {
	needRoot(t)
	b := ir.NewBuilder("choices")
	b.Bound(32, slowpath.Short)
	choose := func(at int, yes, no uint64) *ir.Value {
		return b.Select(ir.Ge, b.LoadLE(at, 2), b.Const(0xfffe), b.Const(yes), b.Const(no))
	}
	b.StoreLE(8, 8, b.Arith(ir.OpAdd, choose(0, 1, 2), choose(2, 0x10, 0x20)))
	b.Redirect(b.Const(1))
	if err := ir.Check(b.Program); err != nil {
		t.Fatal(err)
	}
	k := newKernelRun(t, b.Program, testKernel)
	for _, x := range []uint32{0, 0xffff, 0xffff0000, 0xffffffff} {
		frame := make([]byte, 64)
		binary.LittleEndian.PutUint32(frame, x)
		if _, err := k.agree(t, &ir.Env{}, frame); err != nil {
			t.Errorf("%#x: %v", x, err)
		}
	}
}

func rowsTable() *ir.Table {
	return &ir.Table{Name: "rows", Kind: ir.Rows, Domain: slowpath.Any, Size: 4, RowSize: 16,
		Fields: []ir.Field{{Name: "wide", Offset: 0, Width: 8}, {Name: "used", Offset: 8, Width: 1}}}
}

// TestFieldsAreReadBeforeTheyAreMarked uses what a field was before it was marked, behind that.
func TestFieldsAreReadBeforeTheyAreMarked(t *testing.T) {
	needRoot(t)
	b := ir.NewBuilder("marked")
	rows := b.Table(rowsTable())
	b.Bound(32, slowpath.Short)
	row := b.Lookup(rows, b.LoadLE(0, 1))
	was := b.Field(row, "used")
	b.Mark(row, "used")
	b.StoreLE(8, 1, was)
	b.Redirect(b.Const(1))
	if err := ir.Check(b.Program); err != nil {
		t.Fatal(err)
	}
	k := newKernelRun(t, b.Program, testKernel)
	if _, err := k.agree(t, &ir.Env{Tables: map[string][]byte{"rows": make([]byte, 64)}}, make([]byte, 64)); err != nil {
		t.Error(err)
	}
}

// TestSetsOfFieldsInTwoArms asks whether a number of a row is in a set, in two arms.
func TestSetsOfFieldsInTwoArms(t *testing.T) {
	needRoot(t)
	b := ir.NewBuilder("arms")
	rows := b.Table(rowsTable())
	set := b.Table(&ir.Table{Name: "set", Kind: ir.Set6, Domain: slowpath.Any, Prefixes6: []ir.Prefix6{{Hi: 5, Lo: 0, Len: 128}}})
	b.Bound(32, slowpath.Short)
	wide := b.Field(b.Lookup(rows, b.LoadLE(0, 1)), "wide")
	in := b.Lookup(set, wide, b.Load(8, 8))
	one, two := b.NewBlock("one"), b.NewBlock("two")
	b.If(ir.Eq, b.LoadLE(1, 1), b.Const(0), one, two, false)
	b.Start(one)
	b.GuardImm(ir.Eq, in, 0, slowpath.TTL)
	b.Redirect(b.Const(1))
	b.Start(two)
	b.GuardImm(ir.Eq, in, 0, slowpath.MTU)
	b.Redirect(b.Const(2))
	if err := ir.Check(b.Program); err != nil {
		t.Fatal(err)
	}
	k := newKernelRun(t, b.Program, testKernel)
	data := make([]byte, 64)
	data[0] = 5
	for _, x := range []byte{0, 1} {
		for _, y := range []byte{0, 1} {
			frame := make([]byte, 64)
			frame[0], frame[1] = y, x
			if _, err := k.agree(t, &ir.Env{Tables: map[string][]byte{"rows": data}}, frame); err != nil {
				t.Errorf("%d %d: %v", x, y, err)
			}
		}
	}
}

// TestProgramsBeginWithTheirFirstBlock has one block to which many unlikely ways lead.
func TestProgramsBeginWithTheirFirstBlock(t *testing.T) {
	for n := range 400 {
		b := ir.NewBuilder("many")
		b.Bound(14, slowpath.Short)
		all := b.NewBlock("all")
		for i := range n {
			next := b.NewBlock("b" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
			b.If(ir.Eq, b.Load(12, 2), b.Const(uint64(i)), all, next, true)
			b.Start(next)
		}
		b.Jump(all)
		b.Start(all)
		b.Redirect(b.Const(1))
		if first := layout(b.Program, weights(b.Program))[0]; first != b.Program.Blocks[0] {
			t.Fatalf("%d ways: begins with %s", n, first.Name)
		}
	}
}

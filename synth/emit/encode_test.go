package emit

import (
	"os"
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// TestFastCallsKeepTheirPattern: what is stored at the lowest places of the stack is what the verifier expects there, else
// it would keep all saving around calls: no argument of the call that follows.
func TestFastCallsKeepTheirPattern(t *testing.T) {
	l, lines := compiled(t, "veth")
	lowest, calls := int16(-l.frame), 0 // what is saved around fast calls is below the frame
	for n, line := range lines {
		if line.from == nil || line.from.kind != kCall || !line.from.fast {
			continue
		}
		calls++
		for before := n - 1; lines[before].from == nil && lines[before].mark == noLabel; before-- {
			store := lines[before].ins
			if store.Dst == asm.RFP && store.Offset < lowest && store.Src <= asm.Register(line.from.nargs) {
				t.Errorf("%v before a call with %d arguments", store, line.from.nargs)
			}
		}
	}
	if calls == 0 {
		t.Error("no fast call")
	}
}

// TestHotFastCallsSaveNothing: what lives through the fast calls of the likely path is in none of their arguments, which
// would have to be saved.
func TestHotFastCallsSaveNothing(t *testing.T) {
	for _, name := range []string{"veth", "bridge-nf"} {
		l, _ := compiled(t, name)
		for n := range l.insts {
			if i := &l.insts[n]; i.fast && i.weight > rare {
				if _, lost := i.savedFast(); len(lost) > 0 {
					t.Errorf("%s: a fast call of the likely path saves %v", name, lost)
				}
			}
		}
	}
}

// compiled is the code of a golden program on a veth.
func compiled(t *testing.T, name string) (*lowering, []line) {
	t.Helper()
	text, err := os.ReadFile("../testdata/" + name + ".ir")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ir.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	l, lines, err := compile(p, vethKernel())
	if err != nil {
		t.Fatal(err)
	}
	return l, lines
}

// vethKernel is testKernel with a veth's metadata.
func vethKernel() Kernel {
	k := testKernel
	k.VethTag = &VethTag{RdonlyCast: 1, VethBuff: 2, SkBuff: 3, SkbOffset: 56, TagOffset: 152, SummedOffset: 128, SummedMask: 0x60}
	return k
}

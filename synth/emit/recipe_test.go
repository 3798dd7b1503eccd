package emit

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// TestWrittenPartsAreNotLoadedAgain writes to a part of the packet after it was loaded, by the register that has the address
// of the packet or by what was kept of that on the stack.
func TestWrittenPartsAreNotLoadedAgain(t *testing.T) {
	for name, write := range map[string]func(c *code, kept int16){
		"nothing":   nil,
		"directly":  func(c *code, _ int16) { c.storeImm(c.packet, 16, 0, 4) },
		"by a copy": func(c *code, _ int16) { to := c.reg(); c.mov(to, c.packet); c.storeImm(to, 16, 0, 4) },
		"by what was kept": func(c *code, kept int16) {
			to := c.temporary()
			c.reload(to, kept, 1)
			c.storeImm(to, 16, 0, 4)
		},
	} {
		c := newCode()
		c.packet = c.reg()
		loaded, kept := c.reg(), c.slotOf(c.packet)
		c.load(loaded, c.packet, 16, 4)
		c.add(inst{kind: kStore, op: asm.StoreMemOp(asm.DWord), dst: frame, src: c.packet, off: kept, label: noLabel})
		if write != nil {
			write(c, kept)
		}
		c.store(frame, c.slot(), loaded, 8)
		if _, again := c.recipes()[loaded]; again != (write == nil) {
			t.Errorf("written %s: loaded again: %v", name, again)
		}
	}
}

// TestProgramsThatDisagreed runs the random programs that the kernel has taken in another way than Eval.
func TestProgramsThatDisagreed(t *testing.T) {
	needRoot(t)
	for _, seed := range []uint64{1795348243416962495} {
		agreeOnce(t, seed, map[ir.ExitKind]int{})
	}
}

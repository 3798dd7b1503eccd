package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
)

// Asking the kernel for an entry costs as much as forwarding does, and where most connections are short it is in vain. So the
// flow cache keeps count: one more for what was in vain, mostVain at the most, and worthIt less for what was not, which is about
// what that saves. While there are mostVain, the kernel is asked for the packets of a flow in one jiffy of each quarter of a
// second only; those in between are the kernel's, as are those of flows that do not last as long.
const (
	mostVain = 1024
	worthIt  = 8
)

// turns is the number of jiffies in a quarter of a second, about, a power of two.
func (t *tracked) turns() int32 { return 1 << bits.Len(uint(t.k.HZ/5)) }

// patience goes on if the kernel is to be asked for the packet's entry now.
func (t *tracked) patience() {
	now, vain := t.newLabel(), t.reg()
	t.load(vain, t.address(t.table.Name, 0), headVain, 4)
	t.branchImm(asm.JLT, true, vain, mostVain, now)
	turn := t.copy(t.tag)
	t.aluImm(asm.RSh, true, turn, 24)
	t.alu(asm.Add, true, turn, t.now)
	t.branchImm(asm.JSet, true, turn, t.turns()-1, t.fail(slowpath.ConntrackMiss))
	t.mark(now)
}

// vain counts an entry that was asked for in vain.
func (t *tracked) vain() {
	most, head, vain := t.newLabel(), t.address(t.table.Name, 0), t.reg()
	t.load(vain, head, headVain, 4)
	t.branchImm(asm.JGE, true, vain, mostVain, most) // CPUs share this line: in a flood it does not change
	t.aluImm(asm.Add, true, vain, 1)
	t.store(head, headVain, vain, 4)
	t.mark(most)
}

// promising wants the entry that was found to be established, and counts it if its packets can go on without the kernel now.
func (t *tracked) promising(useless label) {
	entry, status, counts, done := t.view(t.entry), t.reg(), t.newLabel(), t.newLabel()
	t.load(status, entry, t.k.Status, 4)
	t.aluImm(asm.And, true, status, statusAlive|statusDying)
	t.branchImm(asm.JNE, true, status, statusAlive, useless)
	t.branchImm(asm.JNE, true, t.protocol(), protocolTCP, counts)
	state, flags := t.reg(), t.reg()
	t.load(flags, entry, t.k.FlagsReply, 4)
	t.mov(state, flags)
	t.aluImm(asm.RSh, true, state, 24)
	t.branchImm(asm.JNE, true, state, tcpEstablished, useless)
	if !t.table.Tracking.Liberal {
		t.aluImm(asm.And, true, flags, tcpLiberal)
		t.branchImm(asm.JEq, true, flags, 0, done) // its window is watched as yet
	}
	t.mark(counts)
	head, vain := t.address(t.table.Name, 0), t.reg()
	t.load(vain, head, headVain, 4)
	t.branchImm(asm.JLT, true, vain, worthIt, done)
	t.aluImm(asm.Sub, true, vain, worthIt)
	t.store(head, headVain, vain, 4)
	t.mark(done)
}

package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// What a packet asks for when it is accepted is found with its entry, and done when it is: no sooner, as one that a rule
// drops keeps no connection alive in the kernel, and a window need not be left alone for packets that are the kernel's
// anyway. Until then it stands in a byte of the stack that is never zero, at no offset that a word may have, and in a word that
// nothing else is written to meanwhile: to the verifier it is a number that it does not know, and the same for packets in the
// cache and others, so that it follows the rest of the program once, not for each of these.
const (
	keepNothing = 1 + iota
	keepAlive   // the time-out is to begin anew
	keepAsk     // the agent is to have the window left alone
)

// watched notes that the agent is to be told of a connection whose window the kernel watches, once for the slot and not before
// the connection has gone on for a while: many are over by then.
func (t *tracked) watched() {
	no := t.fail(slowpath.ConntrackWindow)
	t.branchImm(asm.JLT, true, t.age, t.k.HZ/8, no)
	t.branchImm(asm.JSet, true, t.bits, tagAsked, no)
	t.storeImm(frame, t.place+keepAt, keepAsk, 1)
}

// keep does what the packet asks for. The tuple is read anew: where a packet asks for nothing, as most do, nothing is kept of it.
func (l *lowering) keep(v *ir.Value) {
	of := l.conntracks[v.Args[0]]
	l.note = "what the connection asks for"
	t := &tracked{lowering: l, k: of.k, table: of.table, args: v.Args[1:], reads: true, place: of.place}
	for _, a := range t.args {
		if a.Op != ir.OpLoad && a.Op != ir.OpConst && !isByte(a) {
			l.in(a) // not under the branch
		}
	}
	what, aside := l.reg(), l.newLabel()
	l.load(what, frame, t.place+keepAt, 1)
	l.branchImm(asm.JNE, true, what, keepNothing, aside)
	l.aside(aside, func() {
		t.key()
		alive := t.newLabel()
		t.branchImm(asm.JEq, true, what, keepAlive, alive)
		t.ask()
		t.jump(t.stub(v.Reason))
		t.mark(alive)
		t.refresh()
	})
	if t.table.Tracking.Account {
		t.findAccount(of.record)
	}
}

// refresh keeps the entry alive, as the packet would have done in the kernel.
func (t *tracked) refresh() {
	t.note = "keep the entry alive"
	t.lookup()
	entry, gone, tcp := t.copy(r0), t.newLabel(), t.newLabel()
	t.branchImm(asm.JEq, false, entry, 0, gone)
	milliseconds := t.constant(uint64(t.table.Tracking.TCP) * 1000)
	t.branchImm(asm.JEq, true, t.protocol(), protocolTCP, tcp)
	t.setConstant(milliseconds, uint64(t.table.Tracking.UDP)*1000)
	t.mark(tcp)
	t.mov(1, entry)
	t.mov(2, milliseconds)
	t.callFunction(t.k.ChangeTimeout, t.k.Module, 2)
	t.mov(1, entry)
	t.callFunction(t.k.Release, t.k.Module, 1)
	t.mark(gone)
}

// ask tells the agent of a connection whose window the kernel watches. A single packet that the kernel gets makes it watch again,
// so that the slot is filled anew, and may ask again, sooner than others.
func (t *tracked) ask() {
	t.note = "ask"
	found, gone := t.newLabel(), t.newLabel()
	t.seek(t.line(), found)
	t.jump(gone)
	t.mark(found)
	tag := t.copy(t.tag)
	t.alu(asm.Or, true, tag, t.bits)
	t.aluImm(asm.Or, true, tag, tagAsked)
	t.store(t.slot, slotTag, tag, 4)
	stamp := t.copy(t.now)
	t.aluImm(asm.Sub, true, stamp, t.k.HZ-t.k.HZ/4)
	t.store(t.slot, slotStamp, stamp, 4)
	for at := int16(0); at < askBytes; at += 8 {
		t.storeImm(frame, t.place+at, 0, 8)
	}
	t.storeImm(frame, t.place+askFamily, t.family(), 1)
	t.store(frame, t.place+askProtocol, t.protocol(), 1)
	t.putTuple()
	t.mapPointer(1, MapAsks)
	t.stackPointer(2, 0)
	t.setConstant(3, askBytes)
	t.setConstant(4, 0)
	t.call(asm.FnRingbufOutput, 4)
	t.mark(gone)
}

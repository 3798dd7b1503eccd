package emit

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

const protocolTCP = unix.IPPROTO_TCP

func (t *tracked) family() int32 {
	if t.table.Kind == ir.Conntrack6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// facts are what was read of an entry.
type facts struct {
	life   reg // its time-out in the low half, the number of its zone above
	status reg
	net    reg
	flags  reg // of the original direction's window, if it is TCP
	reply  reg // those of the other one, and the state in the last of four bytes
	limit  reg // jiffies that are left of it one second after it was refreshed
}

// verify reads the entry, and answers.
func (t *tracked) verify() {
	t.note = "the entry"
	t.reply = t.copy(t.bits)
	t.aluImm(asm.And, true, t.reply, tagReply)
	stride, at := t.copy(t.reply), t.copy(t.entry)
	t.aluImm(asm.Mul, false, stride, t.k.Stride)
	t.alu(asm.Add, false, at, stride)
	tuple := t.view(at)
	t.matches(tuple)
	entry := t.view(t.entry)
	f := t.read(entry)
	if t.table.Tracking.NAT {
		t.translate(stride, f.status)
	}
	t.matches(tuple)
	t.unchanged(entry, f.status)
	t.accept(f)
	t.mov(t.out["dir"], t.reply)
	t.mov(t.out["status"], f.status)
	if !t.table.Tracking.NAT {
		t.own()
		t.setConstant(t.out["oif"], 0)
	}
	t.setConstant(t.out["reason"], 0)
	if t.table.Tracking.Account {
		t.store(frame, t.place+accountKey, t.entry, 8)
	}
}

// matches wants the tuple to be the packet's.
func (t *tracked) matches(tuple reg) {
	for _, w := range t.words {
		is := t.reg()
		t.load(is, tuple, t.k.Tuple+w.offset, w.width)
		if w.offset == 36 { // the direction stands in the last byte
			t.aluImm(asm.And, true, is, 0xffffff)
		}
		t.branch(asm.JNE, w.width < 8, is, w.value, t.stale)
	}
}

// unchanged wants the status that was read before the rest: an entry is marked as dying before its memory is used again, and
// a new one of the same tuple has no status when the tuple stands there.
func (t *tracked) unchanged(entry, status reg) {
	is := t.reg()
	t.load(is, entry, t.k.Status, 4)
	t.branch(asm.JNE, true, is, status, t.stale)
}

// read reads what decides about the packet.
func (t *tracked) read(entry reg) facts {
	f := facts{t.reg(), t.reg(), t.reg(), t.reg(), t.reg(), t.reg()}
	t.load(f.life, entry, t.k.Timeout, 8)
	t.load(f.status, entry, t.k.Status, 4)
	t.load(f.net, entry, t.k.Net, 8)
	t.load(t.out["mark"], entry, t.k.Mark, 4)
	udp, done := t.newLabel(), t.newLabel()
	t.branchImm(asm.JNE, true, t.protocol(), protocolTCP, udp)
	t.load(f.flags, entry, t.k.Flags, 1)
	t.load(f.reply, entry, t.k.FlagsReply, 4)
	t.setConstant(f.limit, t.limit(t.table.Tracking.TCP))
	t.jump(done)
	t.mark(udp)
	t.setConstant(f.flags, tcpLiberal)
	t.setConstant(f.reply, tcpEstablished<<24|tcpLiberal)
	t.setConstant(f.limit, t.limit(t.table.Tracking.UDP))
	t.mark(done)
	if t.used["oif"] && t.table.Tracking.NAT {
		t.masquerade(entry)
	}
	return f
}

// limit is how many jiffies are left of seconds after one of them has gone.
func (t *tracked) limit(seconds uint32) uint64 {
	if seconds == 0 {
		return 0
	}
	return uint64(seconds-1) * uint64(t.k.HZ)
}

// accept wants an entry of this namespace and of no zone, that is alive, established both ways, and in no way special.
func (t *tracked) accept(f facts) {
	t.note = "facts"
	net := t.reg()
	t.load(net, t.address(t.table.Name, 0), headNet, 8)
	t.branch(asm.JNE, false, f.net, net, t.stale)
	left, zone, status := t.copy(f.life), t.copy(f.life), t.copy(f.status)
	t.alu(asm.Sub, true, left, t.now)
	t.branchImm(asm.JSLE, true, left, 0, t.fail(slowpath.ConntrackMiss))
	t.aluImm(asm.LSh, false, zone, 16)
	t.aluImm(asm.RSh, false, zone, 48)
	t.branchImm(asm.JNE, true, zone, 0, t.fail(slowpath.ConntrackSpecial))
	t.branchImm(asm.JSet, true, status, ir.StatusSpecial, t.fail(slowpath.ConntrackSpecial))
	switch {
	case !t.table.Tracking.NAT:
		t.branchImm(asm.JSet, true, status, ir.StatusSourceNAT|ir.StatusDestNAT, t.fail(slowpath.ConntrackNAT))
	case t.k.Masquerade == UnknownMasquerade:
		t.branchImm(asm.JSet, true, status, ir.StatusSourceNAT, t.fail(slowpath.ConntrackNAT))
	}
	t.aluImm(asm.And, true, status, statusAlive|statusDying)
	not := t.newLabel()
	t.branchImm(asm.JNE, true, status, statusAlive, not)
	t.aside(not, func() { // what has died stays in memory until that is used again, and says nothing of another entry
		t.branchImm(asm.JSet, true, status, statusDying, t.stale)
		t.jump(t.fail(slowpath.ConntrackState))
	})
	t.alu(asm.Sub, true, left, f.limit)
	again := t.newLabel()
	t.branchImm(asm.JGT, true, left, t.k.HZ, again)
	t.aside(again, func() { t.storeImm(frame, t.place+keepAt, keepAlive, 1) })
	t.established(f)
}

// established wants a TCP connection to be established, and the kernel to take whatever comes for a part of it. It watches
// the window unless it is told otherwise, and takes a RST for false that does not go with the acknowledgements it has
// seen: where it remembers one, it would never believe the RST that ends the connection.
func (t *tracked) established(f facts) {
	tracking := t.table.Tracking
	if tracking.TCP == 0 {
		t.branchImm(asm.JEq, true, t.protocol(), protocolTCP, t.fail(slowpath.ConntrackState))
	}
	if tracking.UDP == 0 {
		t.branchImm(asm.JNE, true, t.protocol(), protocolTCP, t.fail(slowpath.ConntrackState))
	}
	state := t.copy(f.reply)
	t.aluImm(asm.RSh, true, state, 24)
	t.branchImm(asm.JNE, true, state, tcpEstablished, t.fail(slowpath.ConntrackState))
	watched := t.newLabel()
	if !tracking.Liberal {
		both := t.copy(f.flags)
		t.alu(asm.And, true, both, f.reply)
		t.aluImm(asm.And, true, both, tcpLiberal)
		t.branchImm(asm.JEq, true, both, 0, watched)
	}
	either := t.copy(f.flags)
	t.alu(asm.Or, true, either, f.reply)
	t.branchImm(asm.JSet, true, either, tcpAcknowledged, watched)
	t.aside(watched, t.watched)
}

package emit

import (
	"errors"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Conntrack locates what programs read of a tracked connection, struct nf_conn, and the kernel functions that find one
// and keep it alive. All is read from the kernel's BTF, and the ticks of jiffies from its clock.
//
// A tuple is laid out as ever: source address at 0, source port at 16, family at 18, destination address at 20, port at
// 36, protocol at 38, direction at 39; fastpath tells whether it is.
type Conntrack struct {
	// Module is the id of the BTF object of the module nf_conntrack, whose the first three functions are; 0 where it is built in.
	Module        uint32
	Lookup        int32 // BTF id of the kfunc bpf_xdp_ct_lookup
	Release       int32 // of bpf_ct_release
	ChangeTimeout int32 // of bpf_ct_change_timeout
	RdonlyCast    int32 // of bpf_rdonly_cast
	Words         int32 // BTF id of a structure that begins with an array of words: any memory may be read by its name
	HZ            int32 // jiffies a second
	Timeout       int16 // offset in nf_conn of timeout, with the number of the zone in the two bytes that follow it
	Tuple         int16 // of the tuple of the original direction
	Stride        int32 // from there to that of the other direction
	Status        int16
	Net           int16 // of ct_net, the namespace
	Mark          int16
	Ext           int16   // of ext, the extensions
	Flags         int16   // of the flags of a TCP connection's original direction
	FlagsReply    int16   // of those of the other one, with the state in the third byte after it
	ExtNAT        int16   // number of the extension for NAT
	Masquerade    int16   // in it, the interface whose address a connection has taken; 0 is a place as any other
	Foreign       []int16 // numbers of the extensions that want every packet to themselves
	Accounts      bool    // the end of a connection can be noticed where it comes
}

// ModuleKey is the key of the metadata of an instruction that calls a function of a module: the id of the module's BTF object
// (uint32). Who loads the program hands that object over and puts its index into the instruction.
type ModuleKey struct{}

// Call calls a function of the kernel by its BTF id: of the module that has this BTF object, or of the kernel proper if that is 0.
func Call(id int32, module uint32) asm.Instruction {
	call := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)}
	if module != 0 {
		call.Metadata.Set(ModuleKey{}, module)
	}
	return call
}

// What Masquerade is of a kernel that does not, and where it cannot be known, as the module is not loaded that does: then
// packets of connections with another source are the kernel's.
const (
	NoMasquerade      = -1
	UnknownMasquerade = -2
)

// Bits of nf_conn's status (enum ip_conntrack_status).
const (
	statusSeenReply = 1 << 1
	statusAssured   = 1 << 2
	statusConfirmed = 1 << 3
	statusDying     = 1 << 9

	statusAlive = statusSeenReply | statusAssured | statusConfirmed

	tcpEstablished  = 3
	tcpLiberal      = 1 << 3 // IP_CT_TCP_FLAG_BE_LIBERAL
	tcpAcknowledged = 1 << 5 // IP_CT_TCP_FLAG_MAXACK_SET
)

// Places in the head of the flow cache: the namespace of the entries; in a line of its own how often entries were asked for in
// vain.
const (
	headNet  = 0
	headVain = 64
)

// Places in a slot of the flow cache: the address of the entry, when it was found there, and which packet it was found
// for: bits of the packet's hash, its direction, and whether the agent was asked to have its window left alone.
const (
	slotEntry = 0
	slotStamp = 8
	slotTag   = 12

	tagReply = 1 << 0
	tagAsked = 1 << 1
	tagBits  = tagReply | tagAsked
)

// tracked is the state of lowering one lookup.
//
// The flow cache remembers where in memory the entries of connections stand, and nothing else of them: an entry is read
// anew for each packet, whose tuple it must have before and after the facts were read. The memory of entries is not used
// for anything but entries for as long as a program may run that could find them, on which the kernel's own lookup relies,
// too; an address that is older than a second, or that leads to no entry of this namespace with the packet's tuple, is
// forgotten. So nothing has to be told that a connection has ended or changed.
type tracked struct {
	*lowering
	k     *Conntrack
	table *ir.Table
	used  map[string]bool // the fields that the program asks for
	out   map[string]reg

	args  []*ir.Value
	reads bool  // from the packet, whatever was read before
	tuple []reg // the packet's addresses, protocol and ports as they stand in the frame
	words []tupleWord
	mix   []reg // what the hash is made of
	now   reg
	tag   reg // what a slot for the packet has above tagBits
	slot  reg // the address of its slot
	at    reg // the same from the first slot on
	bits  reg // tagBits of that slot
	age   reg // jiffies since the entry was found
	entry reg // its address
	reply reg // 1 against the direction of the connection's first packet
	place int16

	record reg // the connection's account, once it was kept

	fails map[slowpath.Reason]label
	order []slowpath.Reason
	stale label // forgets the slot
}

// lookupConntrack lowers the lookup of a connection.
func (l *lowering) lookupConntrack(v *ir.Value) error {
	if l.kernel.Conntrack == nil {
		return errors.New("the kernel's table of connections cannot be read (Kernel.Conntrack)")
	}
	t := &tracked{lowering: l, k: l.kernel.Conntrack, args: v.Args, table: v.Table, used: l.fieldsOf(v),
		out: map[string]reg{}, fails: map[slowpath.Reason]label{}, stale: l.newLabel()}
	for _, f := range v.Table.Kind.LiveFields() {
		t.out[f.Name] = l.reg()
	}
	l.conntracks[v] = t
	t.place = l.areaFor(areaBytes(v.Table))
	if v.Table.Tracking.Account {
		t.record = l.reg()
	}
	t.storeImm(frame, t.place+keepAt, keepNothing, 1) // whatever becomes of the lookup
	t.key()
	t.probe()
	t.verify()
	t.aside(t.stale, t.failures)
	return nil
}

// fieldsOf are the names of the fields of a row that are used.
func (l *lowering) fieldsOf(row *ir.Value) map[string]bool {
	used := map[string]bool{}
	for v, n := range l.total {
		if n > 0 && v.Op == ir.OpField && v.Args[0] == row {
			used[v.Field] = true
		}
	}
	return used
}

// aside emits code that is hardly ever run, from the label start on, out of the way of what is.
func (l *lowering) aside(start label, emit func()) {
	resume, weight := l.newLabel(), l.weight
	l.jump(resume)
	l.weight = weight * rare
	l.mark(start)
	emit()
	l.jump(resume)
	l.weight = weight
	l.mark(resume)
	l.resumes[l.blocks[l.block]] = append(l.resumes[l.blocks[l.block]], resume)
	l.asides = append(l.asides, start)
}

// fail is the place that answers with a Reason, or, where that is all that comes of it, counts it and passes the packet.
func (t *tracked) fail(r slowpath.Reason) label {
	if t.punts() {
		return t.stub(r)
	}
	if _, ok := t.fails[r]; !ok {
		t.fails[r] = t.newLabel()
		t.order = append(t.order, r)
	}
	return t.fails[r]
}

// punts tells whether the program does nothing with any Reason but to leave the packet to the kernel for it, at once.
func (t *tracked) punts() bool {
	asks := t.block.Exit
	if asks.Kind != ir.If || asks.Cond != ir.Ne || !t.isReason(asks.Args[0]) || asks.Args[1].Op != ir.OpConst || asks.Args[1].Imm != 0 {
		return false
	}
	punt := asks.Then.Exit
	return len(asks.Then.Values) == 0 && punt.Kind == ir.Punt && len(punt.Args) == 1 && t.isReason(punt.Args[0])
}

// isReason tells whether a number is the Reason that the lookup answers with.
func (t *tracked) isReason(v *ir.Value) bool {
	return v.Op == ir.OpField && v.Field == "reason" && v.Args[0] == t.value
}

// failures answers with Reasons; then nothing else counts, but everything has a value.
func (t *tracked) failures() {
	t.storeImm(t.slot, slotTag, 0, 4)
	t.jump(t.fail(slowpath.ConntrackMiss))
	if t.punts() {
		return
	}
	failed := t.newLabel()
	for _, r := range t.order {
		t.mark(t.fails[r])
		t.setConstant(t.out["reason"], uint64(r))
		t.jump(failed)
	}
	t.mark(failed)
	for _, f := range t.table.Kind.LiveFields() {
		if f.Name != "reason" {
			t.setConstant(t.out[f.Name], 0)
		}
	}
}

// tupleWord is a part of a tuple that is compared at once: width bytes at an offset.
type tupleWord struct {
	offset int16
	width  uint8
	value  reg
}

// key makes the words that the tuple of the packet's entry must hold. The direction is in none of them: the tuple that is
// compared stands where the one of its direction does.
func (t *tracked) key() {
	t.note = "tuple"
	if t.table.Kind == ir.Conntrack {
		source, dest := t.raw(t.args[0], 4), t.raw(t.args[1], 4)
		protocol, sport, dport := t.byte(t.args[2]), t.raw(t.args[3], 2), t.raw(t.args[4], 2)
		t.tuple = []reg{source, dest, protocol, sport, dport}
		middle := t.join(t.copy(sport), unix.AF_INET<<16, dest, 32)
		last := t.join(t.copy(dport), 0, protocol, 16)
		t.words = []tupleWord{{0, 4, source}, {16, 8, middle}, {36, 4, last}}
		t.mix = []reg{t.join(t.copy(source), 0, last, 32), middle}
		return
	}
	hi, lo, dhi, dlo := t.raw(t.args[0], 8), t.raw(t.args[1], 8), t.raw(t.args[2], 8), t.raw(t.args[3], 8)
	protocol, sport, dport := t.byte(t.args[4]), t.raw(t.args[5], 2), t.raw(t.args[6], 2)
	t.tuple = []reg{hi, lo, dhi, dlo, protocol, sport, dport}
	middle := t.join(t.copy(sport), unix.AF_INET6<<16, dhi, 32)
	next, last := t.copy(dhi), t.copy(dlo)
	t.aluImm(asm.RSh, false, next, 32)
	t.aluImm(asm.RSh, false, last, 32)
	next = t.join(next, 0, dlo, 32)
	end := t.join(t.copy(dport), 0, protocol, 16)
	last = t.join(last, 0, end, 32)
	t.words = []tupleWord{{0, 8, hi}, {8, 8, lo}, {16, 8, middle}, {24, 8, next}, {36, 4, end}, {32, 4, last}}
	t.mix = []reg{hi, lo, middle, next, last}
}

// join is a | constant | b << shift; a is overwritten.
func (t *tracked) join(a reg, constant int32, b reg, shift int32) reg {
	high := t.copy(b)
	t.aluImm(asm.LSh, false, high, shift)
	t.alu(asm.Or, false, a, high)
	if constant != 0 {
		t.aluImm(asm.Or, false, a, constant)
	}
	return a
}

// raw gives a register with the low bytes of a number, the most significant one first in memory: as the packet has
// them, and as they are best read if that is where they come from.
func (t *tracked) raw(v *ir.Value, width uint8) reg {
	if v.Op == ir.OpLoad && v.Width == width {
		r := t.reg()
		t.load(r, t.data, int16(v.Imm), width)
		return r
	}
	r := t.scratch(v)
	t.swap(r, width)
	return r
}

// byte gives a register with the low byte of a number.
func (t *tracked) byte(v *ir.Value) reg {
	if t.reads && isByte(v) {
		r := t.reg()
		t.load(r, t.data, int16(v.Imm), 1)
		return r
	}
	r := t.scratch(v)
	if t.spans.Max(v) > 0xff {
		t.aluImm(asm.And, true, r, 0xff)
	}
	return r
}

// isByte tells whether a number is a byte of the packet: specialize says of those that they have no order.
func isByte(v *ir.Value) bool { return (v.Op == ir.OpLoad || v.Op == ir.OpLoadLE) && v.Width == 1 }

package emit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// hashFactor is an odd number whose bits look random.
const hashFactor = 0x9e3779b97f4a7c15

// hash makes one number of the packet's words, whose upper half depends on all of their bits.
func (t *tracked) hash() reg {
	factor := t.constant(hashFactor)
	h := t.copy(t.mix[0])
	for _, w := range t.mix[1:] {
		t.alu(asm.Mul, false, h, factor)
		high := t.copy(h)
		t.aluImm(asm.RSh, false, high, 32)
		t.alu(asm.Xor, false, h, high)
		t.alu(asm.Xor, false, h, w)
	}
	t.alu(asm.Mul, false, h, factor)
	return h
}

// probe finds the address of the packet's entry: in the flow cache, or by the kernel's lookup.
func (t *tracked) probe() {
	t.note = "flow cache"
	offset := t.line()
	t.entry = t.reg()
	found, old, missing, ask := t.newLabel(), t.newLabel(), t.newLabel(), t.newLabel()
	t.fresh(offset, missing)
	t.seek(offset, found)
	t.jump(missing)
	t.mark(found)
	t.age = t.sinceStamp()
	t.load(t.entry, t.slot, slotEntry, 8)
	t.branchImm(asm.JGE, true, t.age, t.k.HZ, old)
	t.aside(missing, func() {
		t.patience()
		t.way(offset, 0)
		anew := t.constant(1)
		t.jump(ask)
		t.mark(old)
		t.setConstant(anew, 0)
		t.mark(ask)
		t.find(offset, anew)
	})
}

// line tells the time, and where the slots begin that the packet may have.
func (t *tracked) line() (offset reg) {
	t.call(asm.FnJiffies64, 0)
	t.now = t.copy(r0)
	offset = t.hash()
	t.tag = t.copy(offset)
	t.aluImm(asm.RSh, false, t.tag, 12)
	t.aluImm(asm.And, true, t.tag, ^tagBits)
	t.aluImm(asm.RSh, false, offset, int32(64-bits.TrailingZeros(uint(t.table.Size))))
	t.aluImm(asm.LSh, true, offset, int32(bits.TrailingZeros(ir.ConntrackSlot)))
	t.slot, t.at, t.bits = t.reg(), t.reg(), t.reg()
	return offset
}

// seek goes to found with the packet's slot.
func (t *tracked) seek(offset reg, found label) {
	for way := range ir.ConntrackWays {
		t.way(offset, way)
		t.load(t.bits, t.slot, slotTag, 4)
		t.alu(asm.Xor, true, t.bits, t.tag)
		t.branchImm(asm.JLE, true, t.bits, tagBits, found)
	}
}

// freshUnits is for how many units of time, which are a second or a little more, a line of slots is looked at after one of them
// was filled. An address in a slot is used for a second.
const freshUnits = 3

// fresh goes on if a slot of the packet's line was filled of late.
func (t *tracked) fresh(offset reg, missing label) {
	units, last := t.units(), t.reg()
	t.load(last, t.momentOf(offset), 0, 1)
	t.alu(asm.Sub, true, units, last)
	t.aluImm(asm.And, true, units, 0xff)
	t.branchImm(asm.JGT, true, units, freshUnits, missing)
}

// refreshed notes that a slot of the line is filled.
func (t *tracked) refreshed() {
	units, last, same := t.units(), t.reg(), t.newLabel()
	moment := t.momentOf(t.at)
	t.aluImm(asm.And, true, units, 0xff)
	t.load(last, moment, 0, 1)
	t.branch(asm.JEq, true, units, last, same) // it is read far more often than it changes
	t.store(moment, 0, units, 1)
	t.mark(same)
}

// units is the time in units of a second or more.
func (t *tracked) units() reg {
	units := t.copy(t.now)
	t.aluImm(asm.RSh, true, units, int32(bits.Len(uint(t.k.HZ-1))))
	return units
}

// momentOf is where the moment of a slot's line is.
func (t *tracked) momentOf(at reg) reg {
	moments, n := t.address(t.table.Name, ir.ConntrackHead+t.table.Size*ir.ConntrackSlot), t.copy(at)
	t.aluImm(asm.RSh, true, n, int32(bits.TrailingZeros(ir.ConntrackSlot*ir.ConntrackWays)))
	t.alu(asm.Add, false, moments, n)
	return moments
}

// way makes slot the address of one of the slots that a packet may have. Which of them comes first is a matter of the
// hash, so that to the verifier, which goes each way, all are the same.
func (t *tracked) way(offset reg, n int) {
	t.mov(t.at, offset)
	if n > 0 {
		t.aluImm(asm.Xor, true, t.at, int32(n*ir.ConntrackSlot))
	}
	t.setAddress(t.slot, t.table.Name, ir.ConntrackHead)
	t.alu(asm.Add, false, t.slot, t.at)
}

// sinceStamp is how many jiffies ago the slot's entry was found.
func (t *tracked) sinceStamp() reg {
	age, stamp := t.copy(t.now), t.reg()
	t.load(stamp, t.slot, slotStamp, 4)
	t.alu(asm.Sub, true, age, stamp)
	return age
}

// victim picks the slot for an entry that is in none: one that was not filled for a second, else the first.
func (t *tracked) victim(offset reg) {
	picked := t.newLabel()
	for way := range ir.ConntrackWays {
		t.way(offset, way)
		t.branchImm(asm.JGE, true, t.sinceStamp(), t.k.HZ, picked)
	}
	t.way(offset, 0)
	t.mark(picked)
}

// Places in what is put on the stack for the kernel: what the agent is told, which begins with family and protocol, the
// tuple in it (struct bpf_sock_tuple), and the options of the lookup (struct bpf_ct_opts).
const (
	askFamily   = 0
	askProtocol = 1
	askTuple    = 8
	askBytes    = 48
	optsAt      = askBytes
	optsError   = optsAt + 4
	optsL4Proto = optsAt + 8
	optsDir     = optsAt + 9
	optsBytes   = 12 // what Linux 6.1 takes
	keepAt      = 5  // beside family and protocol, which come when it has been read; see keep.go
	kernelBytes = askBytes + 16
)

// lookup asks the kernel for the entry of the packet's tuple; its address, or zero, is in r0.
//
// Whole words come first. To the verifier, only they end what was in a word before: else the stack of a packet whose entry the
// kernel was asked for, and that of one found in the cache, differ in words that keep is going to hand to the kernel, and
// Linux before 6.3 follows all that is in between for either.
func (t *tracked) lookup() {
	for at := int16(askTuple); at < kernelBytes; at += 8 {
		t.storeImm(frame, t.place+at, 0, 8)
	}
	size := t.putTuple()
	t.storeImm(frame, t.place+optsAt, -1, 4) // the namespace of the interface
	t.store(frame, t.place+optsL4Proto, t.protocol(), 1)
	t.mov(1, t.ctx)
	t.stackPointer(2, askTuple)
	t.setConstant(3, size)
	t.stackPointer(4, optsAt)
	t.setConstant(5, optsBytes)
	t.callFunction(t.k.Lookup, t.k.Module, 5)
}

// putTuple puts the packet's addresses and ports on the stack.
func (t *tracked) putTuple() (size uint64) {
	at, width := t.place+askTuple, uint8(8)
	if t.table.Kind == ir.Conntrack {
		width = 4
	}
	n := len(t.tuple)
	for _, r := range t.tuple[:n-3] {
		t.store(frame, at, r, width)
		at += int16(width)
	}
	t.store(frame, at, t.tuple[n-2], 2)
	t.store(frame, at+2, t.tuple[n-1], 2)
	return uint64(at + 4 - t.place - askTuple)
}

func (t *tracked) protocol() reg { return t.tuple[len(t.tuple)-3] }

// stackPointer puts the address of a place in what is for the kernel into an argument register.
func (t *tracked) stackPointer(r reg, offset int16) {
	t.mov(r, frame)
	t.aluImm(asm.Add, false, r, int32(t.place+offset))
}

// find asks the kernel for the entry and puts its address into a slot, if packets of it may be forwarded, now or soon. A
// packet that is in no slot touches none before that is known: first packets of connections do not, nor those of short ones.
func (t *tracked) find(offset, anew reg) {
	t.note = "find the entry"
	t.lookup()
	entry, foreign := t.copy(r0), t.reg()
	none, useless, has, kept := t.newLabel(), t.newLabel(), t.newLabel(), t.newLabel()
	t.branchImm(asm.JEq, false, entry, 0, none)
	t.untyped(entry, t.entry)
	t.foreign(t.view(t.entry), foreign)
	t.mov(1, entry)
	t.callFunction(t.k.Release, t.k.Module, 1)
	t.branchImm(asm.JNE, true, foreign, 0, t.fail(slowpath.ConntrackSpecial))
	t.load(t.bits, frame, t.place+optsDir, 1)
	t.aluImm(asm.And, true, t.bits, tagReply)
	t.setConstant(t.age, 0)
	t.promising(useless)
	t.branchImm(asm.JEq, true, anew, 0, has)
	t.victim(offset)
	t.mark(has)
	tag := t.copy(t.tag)
	t.alu(asm.Or, true, tag, t.bits)
	t.store(t.slot, slotEntry, t.entry, 8)
	t.store(t.slot, slotStamp, t.now, 4)
	t.store(t.slot, slotTag, tag, 4)
	t.refreshed()
	t.jump(kept)
	t.mark(none)
	t.vain()
	t.jump(t.fail(slowpath.ConntrackMiss))
	t.mark(useless)
	t.vain()
	t.branchImm(asm.JNE, true, anew, 0, kept)
	t.storeImm(t.slot, slotTag, 0, 4)
	t.mark(kept)
}

// untyped makes a number of a pointer, which is nothing to hold on to, by way of memory that no other CPU writes.
func (t *tracked) untyped(pointer, number reg) {
	t.call(asm.FnGetSmpProcessorId, 0)
	own := t.ownCounters(scratchOffset)
	t.store(own, 0, pointer, 8)
	t.load(number, own, 0, 8)
}

// foreign makes a register tell whether an entry has extensions that want every packet, and notes its namespace.
func (t *tracked) foreign(entry, any reg) {
	head, net, known, ext, none, same := t.address(t.table.Name, 0), t.reg(), t.reg(), t.reg(), t.newLabel(), t.newLabel()
	t.load(net, entry, t.k.Net, 8)
	t.load(known, head, headNet, 8)
	t.branch(asm.JEq, false, known, net, same) // all CPUs read that line for every packet
	t.store(head, headNet, net, 8)
	t.mark(same)
	t.setConstant(any, 0)
	t.load(ext, entry, t.k.Ext, 8)
	t.branchImm(asm.JEq, false, ext, 0, none)
	offsets := t.view(ext)
	for _, n := range t.k.Foreign {
		one := t.reg()
		t.load(one, offsets, n, 1)
		t.alu(asm.Or, true, any, one)
	}
	t.mark(none)
}

// view gives a register through which memory of the kernel can be read, whatever is there.
func (t *tracked) view(at reg) reg {
	t.mov(1, at)
	t.setConstant(2, uint64(t.k.Words))
	t.callKernel(t.k.RdonlyCast, 2)
	return t.copy(r0)
}

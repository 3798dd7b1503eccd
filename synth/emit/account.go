package emit

import (
	"errors"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places of an account on the stack of the packet that opens it: what it begins as stands where the kernel's lookup had its own,
// and behind that the key, the address of the connection's entry, which the lookup of the flow cache has left there.
const (
	accountValue = askTuple
	accountKey   = accountValue + AccountBytes
	noExist      = 1 // BPF_NOEXIST
)

// areaBytes is how much of the stack the kernel is asked on.
func areaBytes(t *ir.Table) int {
	if t.Tracking.Account {
		return accountKey + 8
	}
	return kernelBytes
}

// findAccount gives a register the account of the connection. One that has ended is that of an entry that stood in the same
// memory before: it stays until no program can have it in hand that has found it open, and packets are the kernel's for as long.
// One that is removed may become that of another entry at once, so that it is asked whose it is when it is known to be open.
func (t *tracked) findAccount(record reg) {
	no, missing, state, known, entry := t.stub(slowpath.ConntrackAccount), t.newLabel(), t.reg(), t.reg(), t.reg()
	t.accountOf(record)
	t.branchImm(asm.JEq, false, record, 0, missing)
	t.aside(missing, func() { t.openAccount(record, no) })
	t.load(state, record, accountState, 4)
	t.branchImm(asm.JNE, true, state, AccountOpen, no)
	t.load(known, frame, t.place+accountKey, 8)
	t.load(entry, record, AccountEntry, 8)
	t.branch(asm.JNE, false, entry, known, no)
}

// accountOf looks for the account; its address, or zero, is in the register.
func (t *tracked) accountOf(record reg) {
	t.note = "account"
	t.mapPointer(1, MapAccounts)
	t.stackPointer(2, accountKey)
	t.call(asm.FnMapLookupElem, 2)
	t.mov(record, r0)
}

// openAccount makes the account of a connection. It holds the entry meanwhile: its end, which ends the account, comes later.
func (t *tracked) openAccount(record reg, no label) {
	t.key()
	t.note = "open an account"
	t.lookup()
	entry, number, known := t.copy(r0), t.reg(), t.reg()
	failed, opened := t.newLabel(), t.newLabel()
	t.branchImm(asm.JEq, false, entry, 0, no)
	t.untyped(entry, number)
	t.load(known, frame, t.place+accountKey, 8)
	t.branch(asm.JNE, false, number, known, failed)
	for at := int16(0); at < AccountBytes; at += 8 {
		t.storeImm(frame, t.place+accountValue+at, 0, 8)
	}
	t.mapPointer(1, MapAccounts)
	t.stackPointer(2, accountKey)
	t.stackPointer(3, accountValue)
	t.setConstant(4, noExist)
	t.call(asm.FnMapUpdateElem, 4)
	result := t.copy(r0)
	t.branchImm(asm.JNE, false, result, 0, failed)
	t.accountOf(record)
	t.branchImm(asm.JEq, false, record, 0, failed)
	t.store(record, AccountEntry, known, 8)
	t.name(record, t.view(known))
	t.mov(1, entry)
	t.callFunction(t.k.Release, t.k.Module, 1)
	t.jump(opened)
	t.mark(failed)
	t.mov(1, entry)
	t.callFunction(t.k.Release, t.k.Module, 1)
	t.jump(no)
	t.mark(opened)
}

// name writes into the account whose it is.
func (t *tracked) name(record, entry reg) {
	for at := int16(0); at < tupleBytes; at += 8 {
		word := t.reg()
		t.load(word, entry, t.k.Tuple+at, 8)
		t.store(record, accountTuple+at, word, 8)
	}
	t.storeImm(record, accountState, AccountOpen, 4)
}

// account adds the packet to the account that keep has found.
func (l *lowering) account(v *ir.Value) error {
	of := l.conntracks[v.Args[0]]
	if of == nil {
		return errors.New("the connection was not looked up")
	}
	at, bytes := l.scratch(v.Args[1]), l.in(v.Args[2])
	l.aluImm(asm.And, true, at, 1)
	l.aluImm(asm.LSh, true, at, 4)
	l.alu(asm.Add, false, at, of.record)
	l.addAtomic(at, accountSums, l.constant(1))
	l.addAtomic(at, accountSums+8, bytes)
	return nil
}

// addAtomic adds to a number of eight bytes that other CPUs add to, too.
func (c *code) addAtomic(to reg, offset int16, n reg) {
	c.add(inst{kind: kStore, op: asm.AddAtomic.OpCode(asm.DWord), dst: to, src: n, off: offset, label: noLabel})
}

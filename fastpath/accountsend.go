package fastpath

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/emit"
)

// ending is a program that the kernel calls before it frees the entry of a connection, whatever it has ended by: nobody can find
// the entry any more, and its memory belongs to nobody else as yet. It ends the account and has it removed. What finds no room in
// the ring is found when that is emptied.
func ending(accounts, ring int) *ebpf.ProgramSpec {
	const key = -8
	return &ebpf.ProgramSpec{Name: "hone_ending", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "nf_ct_destroy",
		License: "GPL", Instructions: asm.Instructions{
			asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord), // the entry begins with what is handed over
			asm.StoreMem(asm.RFP, key, asm.R1, asm.DWord),
			asm.LoadMapPtr(asm.R1, accounts),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, key),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "none"),
			asm.LoadMem(asm.R1, asm.R0, emit.AccountState, asm.Word),
			asm.JEq.Imm(asm.R1, emit.AccountEnded, "none"),
			asm.LoadMem(asm.R1, asm.R0, emit.AccountEntry, asm.DWord),
			asm.LoadMem(asm.R2, asm.RFP, key, asm.DWord),
			asm.JNE.Reg(asm.R1, asm.R2, "none"),
			asm.StoreImm(asm.R0, emit.AccountState, emit.AccountEnded, asm.Word),
			asm.LoadMapPtr(asm.R1, ring),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, key),
			asm.Mov.Imm(asm.R3, 8),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnRingbufOutput.Call(),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("none"),
			asm.Return(),
		}}
}

// endings tells whether the kernel takes such a program.
func endings() bool {
	m, err := ebpf.NewMap(emit.Accounts())
	if err != nil {
		return false
	}
	defer func() { _ = m.Close() }()
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: endedBytes})
	if err != nil {
		return false
	}
	defer func() { _ = ring.Close() }()
	p, err := ebpf.NewProgram(ending(m.FD(), ring.FD()))
	if err != nil {
		return false
	}
	return p.Close() == nil
}

package bench

import (
	"encoding/binary"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/hone-net/hone/slowpath/lab"
)

const (
	xdpDrop = 1
	xdpPass = 2
)

// verdictSpec is the program that gives one verdict to every frame.
func verdictSpec(name string, verdict int32) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()}}
}

// bareSpec is the physical limit of forwarding on this rig, written by hand: one bound, the MACs from constants, TTL
// less one, the checksum, redirect. It checks nothing and is right for the generator's frames only.
func bareSpec(f format, dst, src net.HardwareAddr, oif int32) *ebpf.ProgramSpec {
	macs := append(append([]byte{}, dst...), src...)
	insns := append(bareBound(34),
		asm.LoadImm(asm.R5, int64(binary.LittleEndian.Uint64(macs)), asm.DWord),
		asm.StoreMem(asm.R2, 0, asm.R5, asm.DWord),
		asm.Mov.Imm32(asm.R5, int32(binary.LittleEndian.Uint32(macs[8:]))),
		asm.StoreMem(asm.R2, 8, asm.R5, asm.Word),
	)
	if f.six {
		insns = append(insns, bareHops(lab.Off6HopLimit)...)
	} else {
		insns = append(insns, bareHops(lab.OffTTL)...)
		insns = append(insns, bareChecksum()...)
	}
	return bareRedirect(insns, oif)
}

// bareBound wants so many bytes of the frame, which begins at r2; shorter ones go to "pass".
func bareBound(n int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, n),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
	}
}

// bareRedirect ends a program that is written by hand: the frame leaves by an interface.
func bareRedirect(insns asm.Instructions, oif int32) *ebpf.ProgramSpec {
	insns = append(insns,
		asm.Mov.Imm(asm.R1, oif),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("pass"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "bare", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL", Instructions: insns}
}

// bareHops takes one from the byte at off.
func bareHops(off int16) asm.Instructions {
	return asm.Instructions{asm.LoadMem(asm.R5, asm.R2, off, asm.Byte), asm.Sub.Imm(asm.R5, 1), asm.StoreMem(asm.R2, off, asm.R5, asm.Byte)}
}

// bareChecksum follows: one less TTL is 0x0001 more in little-endian words.
func bareChecksum() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R5, asm.R2, lab.OffChecksum, asm.Half),
		asm.Add.Imm(asm.R5, 1),
		asm.Mov.Reg(asm.R4, asm.R5),
		asm.RSh.Imm(asm.R4, 16),
		asm.Add.Reg(asm.R5, asm.R4),
		asm.StoreMem(asm.R2, lab.OffChecksum, asm.R5, asm.Half),
	}
}

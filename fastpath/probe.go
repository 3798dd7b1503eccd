package fastpath

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/hone-net/hone/synth/emit"
)

// Probe asks what the kernel can do. Facts that only make programs faster or complete are left out where the kernel
// does not have them; a missing capability or no eBPF at all is an error.
func Probe() (emit.Kernel, error) {
	var k emit.Kernel
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return k, fmt.Errorf("fastpath: probe: %s is big-endian, for which programs are not made", runtime.GOARCH)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return k, fmt.Errorf("fastpath: probe: count CPUs: %w", err)
	}
	if err := load(asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()}); err != nil {
		return k, failed("probe: load an XDP program", loadCause(err), err)
	}
	k.CPUs = cpus
	k.FIBLookup = features.HaveProgramHelper(ebpf.XDP, asm.FnFibLookup) == nil
	k.CPUv4 = features.HaveV4ISA() == nil
	k.SwapBounds, k.CPUBounds = load(swapBounds()) == nil, load(cpuBounds(cpus)) == nil
	k.WeakOrder = runtime.GOARCH != "amd64"
	k.VethTag = vethTag()
	if !k.WeakOrder { // entries are read while they change, in an order that matters
		if c, err := conntrack(); err == nil {
			k.Conntrack = c
		}
	}
	return k, nil
}

// swapBounds is a program that only a verifier takes that knows how large the result of a byte swap can be: for others it
// reads where nothing is.
func swapBounds() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, rxQueue, asm.Word),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.JLE.Imm(asm.R2, 0xffff, "known"),
		asm.LoadMem(asm.R2, asm.RFP, 8, asm.DWord),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("known"),
		asm.Return(),
	}
}

// cpuBounds is the same for the number of the CPU, of so many.
func cpuBounds(cpus int) asm.Instructions {
	return asm.Instructions{
		asm.FnGetSmpProcessorId.Call(),
		asm.JLT.Imm(asm.R0, int32(cpus), "known"),
		asm.LoadMem(asm.R2, asm.RFP, 8, asm.DWord),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("known"),
		asm.Return(),
	}
}

// rxQueue is the offset of rx_queue_index in struct xdp_md (linux/bpf.h): a number of which nothing is known.
const rxQueue = 16

// load tells whether the kernel takes an XDP program. The library caches its own probes, this one asks anew, so that a
// process that regained its capabilities is not told about the past.
func load(insns asm.Instructions) error {
	coll, err := collect(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{emit.ProgramName: {Name: "hone_probe",
		Type: ebpf.XDP, License: "GPL", Instructions: insns}}}, nil, true)
	if err != nil {
		return err
	}
	coll.Close()
	return nil
}

// xdpPass is XDP_PASS, the verdict that hands a frame to the kernel.
const xdpPass = 2

package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// sinkStride is what a Sink has for each CPU: packets and bytes on a cache line of their own.
const sinkStride = 64

// Sink counts what arrives at a device, in the driver, and drops it.
type Sink struct {
	counts *shared
	macs   *ebpf.Map // by destination MAC, nil without
	prog   *ebpf.Program
	link   link.Link
}

// NewSink turns a device of a namespace into a sink. With byMAC it counts each destination MAC apart, which takes longer.
func NewSink(ns *Namespace, ifindex int, byMAC bool) (_ *Sink, err error) {
	s := &Sink{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("lab: make sink: %w", err)
	}
	slots := 1
	for slots < cpus {
		slots *= 2
	}
	if s.counts, err = newShared("sink", slots*sinkStride); err != nil {
		return nil, err
	}
	if byMAC {
		s.macs, err = ebpf.NewMap(&ebpf.MapSpec{Name: "sink_macs", Type: ebpf.Hash, KeySize: 8, ValueSize: 8,
			MaxEntries: 1024})
		if err != nil {
			return nil, fmt.Errorf("lab: make sink: %w", err)
		}
	}
	s.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "lab_sink", Type: ebpf.XDP, License: "GPL",
		Instructions: s.code(slots)})
	if err != nil {
		return nil, fmt.Errorf("lab: load sink: %w", err)
	}
	return s, ns.Do(func() error {
		s.link, err = link.AttachXDP(link.XDPOptions{Program: s.prog, Interface: ifindex, Flags: link.XDPDriverMode})
		if err != nil {
			return fmt.Errorf("lab: attach sink to interface %d: %w", ifindex, err)
		}
		return nil
	})
}

func (s *Sink) code(slots int) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R7, asm.R1, 4, asm.Word),
		asm.LoadMapValue(asm.R8, s.counts.m.FD(), 0),
		asm.FnGetSmpProcessorId.Call(),
		asm.And.Imm(asm.R0, int32(slots-1)),
		asm.Mul.Imm(asm.R0, sinkStride),
		asm.Add.Reg(asm.R8, asm.R0),
		asm.LoadMem(asm.R1, asm.R8, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R8, 0, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Sub.Reg(asm.R2, asm.R6),
		asm.LoadMem(asm.R1, asm.R8, 8, asm.DWord),
		asm.Add.Reg(asm.R1, asm.R2),
		asm.StoreMem(asm.R8, 8, asm.R1, asm.DWord),
	}
	if s.macs != nil {
		code = append(code, s.countMAC()...)
	}
	return append(code, asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("out"), asm.Return())
}

// countMAC adds one to the entry of the destination MAC, which it makes on first sight.
func (s *Sink) countMAC() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Add.Imm(asm.R1, 14),
		asm.JGT.Reg(asm.R1, asm.R7, "out"),
		asm.LoadMem(asm.R1, asm.R6, 0, asm.Word),
		asm.LoadMem(asm.R2, asm.R6, 4, asm.Half),
		asm.StoreMem(asm.RFP, -8, asm.R1, asm.Word),
		asm.StoreMem(asm.RFP, -4, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R1, s.macs.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "first"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Ja.Label("out"),
		asm.Mov.Imm(asm.R1, 1).WithSymbol("first"),
		asm.StoreMem(asm.RFP, -16, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, s.macs.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
	}
}

// Count is how many packets and bytes have arrived.
func (s *Sink) Count() (packets, bytes uint64) {
	for off := 0; off+sinkStride <= len(s.counts.mem); off += sinkStride {
		packets += s.counts.word(off)
		bytes += s.counts.word(off + 8)
	}
	return packets, bytes
}

// ByMAC is how many packets have arrived for each destination MAC.
func (s *Sink) ByMAC() (map[string]uint64, error) {
	counts := map[string]uint64{}
	if s.macs == nil {
		return counts, nil
	}
	var key [8]byte
	var n uint64
	it := s.macs.Iterate()
	for it.Next(&key, &n) {
		counts[net.HardwareAddr(key[:6]).String()] = n
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("lab: read sink: %w", err)
	}
	return counts, nil
}

// Of is how many packets have arrived for a destination MAC.
func (s *Sink) Of(mac net.HardwareAddr) uint64 {
	var n uint64
	if s.macs == nil || len(mac) != 6 || s.macs.Lookup(append(mac[:6:6], 0, 0), &n) != nil {
		return 0
	}
	return n
}

// Close gives the device back.
func (s *Sink) Close() error {
	var failures []error
	if s.link != nil {
		failures = append(failures, s.link.Close())
	}
	if s.prog != nil {
		failures = append(failures, s.prog.Close())
	}
	if s.macs != nil {
		failures = append(failures, s.macs.Close())
	}
	return errors.Join(append(failures, s.counts.close())...)
}

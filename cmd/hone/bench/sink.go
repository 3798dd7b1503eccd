package bench

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// sinkKeys is the number of kinds of frame that a sink tells apart: by the low four bits of the last byte of the
// destination MAC, and those of the source MAC above.
const sinkKeys = 256

// sinkKey is the kind of frame with these last bytes of its MACs.
func sinkKey(dst, src byte) int { return int(dst&15 | src&15<<4) }

// sink drops and counts what arrives at an interface.
type sink struct {
	prog *ebpf.Program
	m    *ebpf.Map
	mem  *ebpf.Memory
	link link.Link
}

// arrival is what a sink knows of one kind of frame: how many came, and the stamp of the last.
type arrival struct{ Count, Stamp uint64 }

// newSink attaches a sink of frames of a format; the calling thread must be in the interface's namespace. If watched is
// not nil, the sink writes down there how each target arrives.
func newSink(ifindex int, f format, watched *arrivals) (*sink, error) {
	spec := &ebpf.MapSpec{Name: "sink", Type: ebpf.Array, KeySize: 4, ValueSize: sinkKeys * 16, MaxEntries: 1, Flags: mmapable}
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("bench: make sink: %w", err)
	}
	s := &sink{m: m}
	if s.mem, err = m.Memory(); err != nil {
		return nil, fmt.Errorf("bench: map sink: %w", errors.Join(err, s.close()))
	}
	if s.prog, err = ebpf.NewProgram(sinkSpec(m, f, watched)); err != nil {
		return nil, fmt.Errorf("bench: load sink: %w", errors.Join(err, s.close()))
	}
	s.link, err = link.AttachXDP(link.XDPOptions{Program: s.prog, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		return nil, fmt.Errorf("bench: attach sink: %w", errors.Join(err, s.close()))
	}
	return s, nil
}

const mmapable = 1 << 10 // BPF_F_MMAPABLE

func sinkSpec(m *ebpf.Map, f format, watched *arrivals) *ebpf.ProgramSpec {
	insns := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, int32(f.stamp)+8),
		asm.JGT.Reg(asm.R4, asm.R3, "drop"),
		asm.LoadMem(asm.R5, asm.R2, 5, asm.Byte),
		asm.And.Imm(asm.R5, 15),
		asm.Mov.Reg(asm.R6, asm.R5),
		asm.LoadMem(asm.R4, asm.R2, 11, asm.Byte),
		asm.And.Imm(asm.R4, 15),
		asm.LSh.Imm(asm.R4, 4),
		asm.Or.Reg(asm.R5, asm.R4),
		asm.LSh.Imm(asm.R5, 4),
		asm.LoadMapValue(asm.R0, m.FD(), 0),
		asm.Add.Reg(asm.R0, asm.R5),
		asm.LoadMem(asm.R7, asm.R2, f.stamp, asm.DWord),
		asm.StoreMem(asm.R0, 8, asm.R7, asm.DWord),
		asm.LoadMem(asm.R4, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R4, 1),
		asm.StoreMem(asm.R0, 0, asm.R4, asm.DWord),
	}
	if watched != nil {
		insns = append(insns, watched.note(f)...)
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("drop"), asm.Return())
	return &ebpf.ProgramSpec{Name: "sink", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL", Instructions: insns}
}

// read tells what arrived of one kind of frame.
func (s *sink) read(key int) arrival {
	var b [16]byte
	if _, err := s.mem.ReadAt(b[:], int64(key*16)); err != nil {
		return arrival{}
	}
	return arrival{binary.NativeEndian.Uint64(b[:]), binary.NativeEndian.Uint64(b[8:])}
}

// total is the number of frames of every kind.
func (s *sink) total() (n uint64) {
	for k := range sinkKeys {
		n += s.read(k).Count
	}
	return n
}

func (s *sink) close() error {
	var errs []error
	if s.link != nil {
		errs = append(errs, s.link.Close())
	}
	if s.prog != nil {
		errs = append(errs, s.prog.Close())
	}
	return errors.Join(append(errs, s.m.Close())...)
}

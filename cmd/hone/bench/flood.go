package bench

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/hone-net/hone/slowpath/lab"
)

// Places in the generator's memory: how many frames were made, whether they carry the moment of that, the bytes that all
// frames have, and the targets.
const (
	atCount   = 0
	atStamped = 8
	atHeader  = 16
	atTargets = atHeader + 80
)

// flood makes frames in the generator's namespace and sends them out of one of its interfaces.
type flood struct {
	format
	prog *ebpf.Program
	m    *ebpf.Map
	mem  *ebpf.Memory
	port lab.Port // the router's, to which they go
	room int      // targets, a power of two
}

// newFlood loads a generator with room for so many targets, a power of two.
func newFlood(port lab.Port, f format, room int) (*flood, error) {
	if room <= 0 || room&(room-1) != 0 {
		return nil, fmt.Errorf("bench: make generator: %d targets, not a power of two", room)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "targets", Type: ebpf.Array, KeySize: 4,
		ValueSize: uint32(atTargets + room*f.target()), MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return nil, fmt.Errorf("bench: make generator: %w", err)
	}
	mem, err := m.Memory()
	if err != nil {
		return nil, fmt.Errorf("bench: map generator: %w", errors.Join(err, m.Close()))
	}
	made := &flood{format: f, m: m, mem: mem, port: port, room: room}
	if made.prog, err = ebpf.NewProgram(made.spec()); err != nil {
		return nil, fmt.Errorf("bench: load generator: %w", errors.Join(err, m.Close()))
	}
	return made, made.stamping(true)
}

// stamping says whether frames carry the moment of their making. To read the clock costs about as much as all else that the
// generator does, so that frames whose speed is measured carry none.
func (f *flood) stamping(on bool) error {
	word := make([]byte, 8)
	if on {
		word[0] = 1
	}
	if _, err := f.mem.WriteAt(word, atStamped); err != nil {
		return fmt.Errorf("bench: stamp frames: %w", err)
	}
	return nil
}

// aim makes the generator send to these destinations by turns. They are repeated until there is no room for more.
func (f *flood) aim(dsts []netip.Addr) error {
	if len(dsts) == 0 || len(dsts) > f.room {
		return fmt.Errorf("bench: aim at %d targets: there is room for 1 to %d", len(dsts), f.room)
	}
	frames := make([][]byte, len(dsts))
	for i, dst := range dsts {
		frames[i] = f.frame(f.port, dst)
	}
	return f.repeat(frames)
}

// repeat makes the generator send these frames by turns, which are alike but for the parts that may differ.
func (f *flood) repeat(frames [][]byte) error {
	size := f.target()
	all := make([]byte, f.room*size)
	for i, frame := range frames {
		at := i * size
		for _, p := range f.differ {
			at += copy(all[at:], frame[p.at:p.at+p.size])
		}
	}
	for n := len(frames) * size; n < len(all); n *= 2 {
		copy(all[n:], all[:n])
	}
	if _, err := f.mem.WriteAt(frames[0][:f.end], atHeader); err != nil {
		return fmt.Errorf("bench: aim: %w", err)
	}
	if _, err := f.mem.WriteAt(all, atTargets); err != nil {
		return fmt.Errorf("bench: aim: %w", err)
	}
	return nil
}

// spec writes the whole header anew: live frames are recycled and keep what the router wrote.
func (f *flood) spec() *ebpf.ProgramSpec {
	insns := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R7, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R6),
		asm.Add.Imm(asm.R2, int32(f.size)),
		asm.JGT.Reg(asm.R2, asm.R7, "abort"),
		asm.LoadMapValue(asm.R8, f.m.FD(), 0),
		asm.LoadMem(asm.R7, asm.R8, atStamped, asm.DWord),
		asm.LoadMem(asm.R9, asm.R8, atCount, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R9),
		asm.Add.Imm(asm.R2, 1),
		asm.StoreMem(asm.R8, atCount, asm.R2, asm.DWord),
		asm.And.Imm(asm.R9, int32(f.room-1)),
		asm.StoreMem(asm.R6, f.flow, asm.R9, asm.Word),
	}
	end := int16(0)
	for _, p := range f.differ {
		insns = append(insns, copied(atHeader+end, end, p.at-end)...)
		end = p.at + p.size
	}
	insns = append(insns, copied(atHeader+end, end, f.end-end)...)
	insns = append(insns, asm.Mul.Imm(asm.R9, int32(f.target())), asm.Add.Reg(asm.R8, asm.R9))
	from := int16(atTargets)
	for _, p := range f.differ {
		insns = append(insns, copied(from, p.at, p.size)...)
		from += p.size
	}
	insns = append(insns,
		asm.JEq.Imm(asm.R7, 0, "send"),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R6, f.stamp, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R1, int32(f.port.Peer.Index)).WithSymbol("send"),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("abort"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "generator", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL", Instructions: insns}
}

// copied copies size bytes from R8 to R6, in the largest pieces.
func copied(from, to, size int16) (insns asm.Instructions) {
	for _, width := range []asm.Size{asm.DWord, asm.Word, asm.Half} {
		for n := int16(width.Sizeof()); size >= n; size -= n {
			insns = append(insns, asm.LoadMem(asm.R1, asm.R8, from, width), asm.StoreMem(asm.R6, to, asm.R1, width))
			from, to = from+n, to+n
		}
	}
	return insns
}

// sent is the number of frames that were made so far.
func (f *flood) sent() uint64 { return wordAt(f.mem, atCount) }

func (f *flood) close() error { return errors.Join(f.prog.Close(), f.m.Close()) }

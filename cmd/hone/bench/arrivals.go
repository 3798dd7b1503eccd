package bench

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// arrivals is what sinks write down of each target: the stamp of the last frame that came to each of the receivers, which
// are told apart by the low three bits of the destination MAC.
type arrivals struct {
	m    *ebpf.Map
	mem  *ebpf.Memory
	room int
}

// receivers is how many are told apart for each target.
const receivers = 8

func newArrivals(room int) (*arrivals, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "arrivals", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(room * receivers * 8),
		MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return nil, fmt.Errorf("bench: make sink: %w", err)
	}
	mem, err := m.Memory()
	if err != nil {
		return nil, fmt.Errorf("bench: map sink: %w", errors.Join(err, m.Close()))
	}
	return &arrivals{m, mem, room}, nil
}

// note is the code that writes a frame at R2 down: R6 is the low bits of its destination MAC, R7 its stamp.
func (a *arrivals) note(f format) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R4, asm.R2, f.flow, asm.Word),
		asm.And.Imm(asm.R4, int32(a.room-1)),
		asm.LSh.Imm(asm.R4, 6),
		asm.And.Imm(asm.R6, receivers-1),
		asm.LSh.Imm(asm.R6, 3),
		asm.Add.Reg(asm.R4, asm.R6),
		asm.LoadMapValue(asm.R0, a.m.FD(), 0),
		asm.Add.Reg(asm.R0, asm.R4),
		asm.StoreMem(asm.R0, 0, asm.R7, asm.DWord),
	}
}

// last is the stamp of the last frame of a target that came to a receiver; 0 if none did.
func (a *arrivals) last(target, receiver int) uint64 {
	return wordAt(a.mem, int64(target*receivers+receiver)*8)
}

// since tells which receivers got frames of a target that were made after a moment, one bit each.
func (a *arrivals) since(target int, moment uint64) (got uint8) {
	var b [receivers * 8]byte
	if _, err := a.mem.ReadAt(b[:], int64(target*len(b))); err != nil {
		return 0
	}
	for i := range receivers {
		if binary.NativeEndian.Uint64(b[8*i:]) > moment {
			got |= 1 << i
		}
	}
	return got
}

package emit

import (
	"math/bits"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// StatsStride is the number of bytes that the counters of one CPU take in the stats map. It is a power of two, so that
// the verifier can follow the index, and no two CPUs share a cache line.
const StatsStride = 2048

const statsShift = 11

// ReasonOffset is the place of a Reason's counter among the counters of one CPU.
func ReasonOffset(r slowpath.Reason) int { return int(r) * 8 }

// CounterOffset is the place of a Counter among the counters of one CPU.
func CounterOffset(c ir.Counter) int { return (slowpath.MaxReasons + int(c)) * 8 }

// hitsOffset is the place, among the numbers of one CPU, of how many hits the packet has, eight bytes; the hits follow,
// four bytes each.
const hitsOffset = 1536

// scratchOffset is the place, among the numbers of one CPU, where a pointer is put down to be read as a number.
const scratchOffset = hitsOffset - 64

// StatsValue is the size of the stats map's value: the counters of every possible CPU.
func StatsValue(k Kernel) int { return statsCPUs(k) * StatsStride }

// statsCPUs rounds the number of CPUs up to a power of two: a mask then proves the index.
func statsCPUs(k Kernel) int {
	if k.CPUs <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(k.CPUs-1))
}

// Maps describes every map that Spec's program refers to, by name.
func Maps(p *ir.Program, k Kernel) map[string]*ebpf.MapSpec {
	epochs := uint32(unsafe.Sizeof(slowpath.Epochs{}))
	maps := map[string]*ebpf.MapSpec{
		MapSeen:  oneValue(MapSeen, epochs),
		MapBuilt: oneValue(MapBuilt, epochs),
		MapStats: oneValue(MapStats, uint32(StatsValue(k))),
	}
	for _, t := range p.Tables {
		if m := MapSpec(t, k); m != nil {
			maps[t.Name] = m
		}
		if asks(t) {
			maps[MapAsks] = Asks()
		}
		if t.Tracking.Account {
			maps[MapAccounts] = Accounts()
		}
	}
	return maps
}

// MapSpec describes the map that holds a table; nil for a table that is no map. The contents of a table in memory are
// the one value of an array: the program has its address as a constant, the agent has it in its memory.
func MapSpec(t *ir.Table, k Kernel) *ebpf.MapSpec {
	switch t.Kind {
	case ir.Rows, ir.Keyed, ir.LPM, ir.LPM6, ir.Packed, ir.Conntrack, ir.Conntrack6:
		m := oneValue(t.Name, uint32(t.Bytes()))
		if t.Data != nil {
			m.Contents = []ebpf.MapKV{{Key: uint32(0), Value: t.Data}}
		}
		return m
	case ir.Tallies:
		return oneValue(t.Name, uint32(statsCPUs(k)*t.Bytes()))
	case ir.Hash:
		return &ebpf.MapSpec{Name: t.Name, Type: ebpf.Hash, KeySize: 4, ValueSize: uint32(t.RowSize),
			MaxEntries: uint32(t.Size)}
	}
	return nil
}

func oneValue(name string, size uint32) *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1,
		Flags: unix.BPF_F_MMAPABLE}
}

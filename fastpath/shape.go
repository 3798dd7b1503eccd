package fastpath

import (
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// statsStride is what each CPU has in a map of counters, bytes.
const statsStride = 2048

// reasonOffset and counterOffset are where a CPU's counters stand in its stride.
func reasonOffset(r slowpath.Reason) int { return 8 * int(r) }
func counterOffset(c ir.Counter) int     { return 8 * (slowpath.MaxReasons + int(c)) }

// mapSpec is the map of a table: the whole of Rows and LPM is one value, so that programs address it directly.
func mapSpec(t *ir.Table) *ebpf.MapSpec {
	if t.Kind == ir.Hash {
		return &ebpf.MapSpec{Name: t.Name, Type: ebpf.Hash, KeySize: 4, ValueSize: uint32(t.RowSize),
			MaxEntries: uint32(t.Size)}
	}
	return &ebpf.MapSpec{Name: t.Name, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(t.Bytes()), MaxEntries: 1,
		Flags: unix.BPF_F_MMAPABLE}
}

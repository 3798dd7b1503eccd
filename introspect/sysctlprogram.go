package introspect

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// A record is the name of a sysctl and the new value, each padded with zeros, and the network namespace of the writer.
const (
	recordName  = 88
	recordValue = 40
	recordSpace = 8
	recordSize  = recordName + recordValue + recordSpace
)

// sysctlProgram counts a write below net/ipv4/ as a move of Config, and reports it.
func sysctlProgram(c *counters, ring int) asm.Instructions {
	const name, value, space = -recordSize, -recordSpace - recordValue, -recordSpace
	code := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R0, asm.R6, 0, asm.Word), // write
		asm.JEq.Imm(asm.R0, 0, "allow"),
		asm.Mov.Imm(asm.R0, 0),
	}
	for at := int16(name); at < 0; at += 8 {
		code = append(code, asm.StoreMem(asm.RFP, at, asm.R0, asm.DWord))
	}
	code = append(code,
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, name),
		asm.Mov.Imm(asm.R3, recordName),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnSysctlGetName.Call(),
		asm.LoadMem(asm.R1, asm.RFP, name, asm.DWord),
		asm.LoadImm(asm.R2, int64(native.Uint64([]byte("net/ipv4"))), asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, "allow"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, value),
		asm.Mov.Imm(asm.R3, recordValue),
		asm.FnSysctlGetNewValue.Call(),
		asm.Mov.Imm(asm.R2, 1),
	)
	code = append(code, addTo(c.seen.FD(), 0, toConfig)...)
	code = append(code, writerSpace(space)...)
	return append(code,
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, name),
		asm.Mov.Imm(asm.R3, recordSize),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "allow"),
		asm.LoadMapValue(asm.R1, c.tally.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, int16(tallyLost)),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("allow"),
		asm.Return(),
	)
}

// writerSpace stores the number of the writer's network namespace: current->nsproxy->net_ns->ns.inum. It stays 0 where BTF
// does not tell the way.
func writerSpace(at int32) asm.Instructions {
	offsets, ok := spaceOffsets()
	if !ok {
		return nil
	}
	code := asm.Instructions{asm.FnGetCurrentTask.Call(), asm.StoreMem(asm.RFP, int16(at), asm.R0, asm.DWord)}
	for i, offset := range offsets {
		size := int32(8)
		code = append(code, asm.LoadMem(asm.R3, asm.RFP, int16(at), asm.DWord), asm.Add.Imm(asm.R3, int32(offset)))
		if i == len(offsets)-1 {
			size = 4
			code = append(code, asm.Mov.Imm(asm.R0, 0), asm.StoreMem(asm.RFP, int16(at), asm.R0, asm.DWord))
		}
		code = append(code,
			asm.Mov.Reg(asm.R1, asm.RFP),
			asm.Add.Imm(asm.R1, at),
			asm.Mov.Imm(asm.R2, size),
			asm.FnProbeReadKernel.Call(),
		)
	}
	return code
}

// spaceOffsets finds the members on the way from a task to the number of its network namespace.
func spaceOffsets() ([]uint32, bool) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, false
	}
	var offsets []uint32
	for _, step := range [][]string{{"task_struct", "nsproxy"}, {"nsproxy", "net_ns"}, {"net", "ns", "inum"}} {
		var s *btf.Struct
		if err := spec.TypeByName(step[0], &s); err != nil {
			return nil, false
		}
		offset, ok := memberOffset(s, step[1:])
		if !ok {
			return nil, false
		}
		offsets = append(offsets, offset)
	}
	return offsets, true
}

func memberOffset(s *btf.Struct, path []string) (uint32, bool) {
	for _, m := range s.Members {
		if m.Name != path[0] {
			continue
		}
		if len(path) == 1 {
			return m.Offset.Bytes(), true
		}
		inner, ok := btf.UnderlyingType(m.Type).(*btf.Struct)
		if !ok {
			return 0, false
		}
		offset, ok := memberOffset(inner, path[1:])
		return m.Offset.Bytes() + offset, ok
	}
	return 0, false
}

// namespaceHere is the number of the calling thread's network namespace.
func namespaceHere() uint64 {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return 0
	}
	return st.Ino
}

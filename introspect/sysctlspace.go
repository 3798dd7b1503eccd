package introspect

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// spaceAsker writes code that stores the number of the network namespace that a write is about, 0 if it cannot be known.
// R6 is the context.
type spaceAsker func(at int32) (asm.Instructions, error)

// ownSpace leaves the program for "allow" if the namespace is another than the calling thread's: elsewhere containers start
// all the time.
func ownSpace(at int32) (asm.Instructions, error) {
	code, err := targetSpace(at)
	return append(code,
		asm.LoadMem(asm.R1, asm.RFP, int16(at), asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "ours"),
		asm.LoadImm(asm.R2, int64(namespaceHere()), asm.DWord),
		asm.JEq.Imm(asm.R2, 0, "ours"),
		asm.JNE.Reg(asm.R1, asm.R2, "allow"),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("ours"),
	), err
}

// targetSpace stores the number of the namespace whose sysctl is written, whoever writes it, through whatever file: the
// set of a table of net is a part of its struct net.
func targetSpace(at int32) (asm.Instructions, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var cast *btf.Func
	if err := spec.TypeByName("bpf_cast_to_kern_ctx", &cast); err != nil {
		return nil, err
	}
	id, err := spec.TypeID(cast)
	if err != nil {
		return nil, err
	}
	var head, set, number, inNet uint32
	err = locate(map[*uint32]member{
		&head: {"bpf_sysctl_kern", []string{"head"}}, &set: {"ctl_table_header", []string{"set"}}, &number: spaceNumber,
		&inNet: {"net", []string{"sysctls"}},
	})
	if err != nil {
		return nil, err
	}
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6),
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)},
		asm.LoadMem(asm.R3, asm.R0, int16(head), asm.DWord),
		asm.LoadMem(asm.R3, asm.R3, int16(set), asm.DWord),
		asm.Add.Imm(asm.R3, int32(number)-int32(inNet)),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, at),
		asm.Mov.Imm(asm.R2, 4),
		asm.FnProbeReadKernel.Call(),
	}, nil
}

// writerSpace stores the number of the writer's network namespace: current->nsproxy->net_ns->ns.inum. It stays 0 where BTF
// does not tell the way. The write may be about another, through a file that was opened there, so it does not leave.
func writerSpace(at int32) (asm.Instructions, error) {
	var way [3]uint32
	if locate(map[*uint32]member{&way[0]: taskSpaces, &way[1]: spacesSpace, &way[2]: spaceNumber}) != nil {
		return nil, nil
	}
	code := asm.Instructions{asm.FnGetCurrentTask.Call(), asm.StoreMem(asm.RFP, int16(at), asm.R0, asm.DWord)}
	for i, offset := range way {
		size := int32(8)
		code = append(code, asm.LoadMem(asm.R3, asm.RFP, int16(at), asm.DWord), asm.Add.Imm(asm.R3, int32(offset)))
		if i == len(way)-1 {
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
	return code, nil
}

// The way from a task to its network namespace, and the namespace's number.
var (
	taskSpaces  = member{"task_struct", []string{"nsproxy"}}
	spacesSpace = member{"nsproxy", []string{"net_ns"}}
	spaceNumber = member{"net", []string{"ns", "inum"}}
)

// namespaceHere is the number of the calling thread's network namespace.
func namespaceHere() uint64 {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return 0
	}
	return st.Ino
}

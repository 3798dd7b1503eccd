package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// onlooker is a program that runs nowhere, but by hand: it looks at a device in the kernel's own memory, where netlink does
// not show something.
type onlooker struct {
	program *ebpf.Program // nil where nobody can tell
}

// What an onlooker may answer.
const (
	onlookerUnknown = 0 // the device is gone, or has no queue to come in by
	onlookerNo      = 16
	onlookerYes     = 17
)

// Where the code of an onlooker goes that does not find what it looks for, with the answer in R0 as it was, and that does.
const (
	onlookerNone = "return"
	onlookerSome = "some"
)

// newOnlooker loads a program that answers with Yes where its code, which begins with the address of the struct net_device
// in R1, comes to an end.
func newOnlooker(kernel *btf.Spec, name string, look ...asm.Instruction) onlooker {
	code, err := lookAtDevice(kernel)
	if err != nil {
		return onlooker{}
	}
	code = append(append(code, look...), asm.Mov.Imm(asm.R0, onlookerYes).WithSymbol(onlookerSome), asm.Return().WithSymbol(onlookerNone))
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, License: "GPL", Instructions: code})
	if err != nil {
		return onlooker{}
	}
	return onlooker{program: p}
}

// lookAtDevice walks from the context to the device, and has the answer No ready.
func lookAtDevice(kernel *btf.Spec) (asm.Instructions, error) {
	var cast *btf.Func
	if err := kernel.TypeByName("bpf_cast_to_kern_ctx", &cast); err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
	}
	id, err := kernel.TypeID(cast)
	if err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
	}
	var queue, device uint32
	if err := locate(map[*uint32]member{
		&queue: {"xdp_buff", []string{"rxq"}}, &device: {"xdp_rxq_info", []string{"dev"}},
	}); err != nil {
		return nil, err
	}
	return asm.Instructions{
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)},
		asm.LoadMem(asm.R1, asm.R0, int16(queue), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, int16(device), asm.DWord),
		asm.Mov.Imm(asm.R0, onlookerNo),
	}, nil
}

// xdpContext is a struct xdp_md.
type xdpContext struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }

// look asks about a device of the calling thread's network namespace.
func (o onlooker) look(i Index) (answer uint32, err error) {
	frame := make([]byte, 64)
	answer, err = o.program.Run(&ebpf.RunOptions{Data: frame, Context: xdpContext{DataEnd: uint32(len(frame)), Ingress: uint32(i)}})
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return onlookerUnknown, nil // a notification is about to tell
	}
	return answer, err
}

func (o onlooker) close() error {
	if o.program == nil {
		return nil
	}
	return o.program.Close()
}

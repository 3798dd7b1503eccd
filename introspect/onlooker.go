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
// in R1, comes to an end. Before Linux 6.2 there is no cast of the context, and the program reads where it can see nothing.
func newOnlooker(kernel *btf.Spec, name string, look func(cast bool) asm.Instructions) onlooker {
	for _, cast := range []bool{true, false} {
		code, err := lookAtDevice(kernel, cast)
		if err != nil {
			continue
		}
		code = append(append(code, look(cast)...), asm.Mov.Imm(asm.R0, onlookerYes).WithSymbol(onlookerSome), asm.Return().WithSymbol(onlookerNone))
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, License: "GPL", Instructions: code})
		if err == nil {
			return onlooker{program: p}
		}
	}
	return onlooker{}
}

// word is one of the device, or of what the word before points to.
type word struct {
	at   uint32
	size int32
}

// notZero looks for a word along others; one that is 0 ends it.
func notZero(words ...word) func(cast bool) asm.Instructions {
	return func(cast bool) (code asm.Instructions) {
		for _, w := range words {
			if cast {
				code = append(code, asm.LoadMem(asm.R1, asm.R1, int16(w.at), map[int32]asm.Size{4: asm.Word, 8: asm.DWord}[w.size]))
			} else {
				code = append(code, peek(asm.R1, int32(w.at), w.size)...)
				code = append(code, asm.Mov.Imm(asm.R0, onlookerNo), asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord))
			}
			code = append(code, asm.JEq.Imm(asm.R1, 0, onlookerNone))
		}
		return code
	}
}

// lookAtDevice walks from the context to the device, and has the answer No ready.
func lookAtDevice(kernel *btf.Spec, cast bool) (asm.Instructions, error) {
	var queue, device uint32
	if err := locate(map[*uint32]member{
		&queue: {"xdp_buff", []string{"rxq"}}, &device: {"xdp_rxq_info", []string{"dev"}},
	}); err != nil {
		return nil, err
	}
	if !cast {
		code := append(peek(asm.R1, int32(queue), 8), asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord))
		code = append(code, peek(asm.R1, int32(device), 8)...)
		return append(code, asm.Mov.Imm(asm.R0, onlookerNo), asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord)), nil
	}
	var function *btf.Func
	if err := kernel.TypeByName("bpf_cast_to_kern_ctx", &function); err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
	}
	id, err := kernel.TypeID(function)
	if err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
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

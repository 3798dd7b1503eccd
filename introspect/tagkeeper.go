package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// tagKeeper tells whether the frames of a device keep their VLAN tags, unless the device strips them itself: whether no VLAN
// device stands on it. One that was moved to another network namespace, or made there, is invisible over netlink, and
// takes frames off all the same. So a program that runs nowhere looks at the device in the kernel's own memory.
type tagKeeper struct {
	always  bool          // the kernel knows no VLAN devices
	program *ebpf.Program // nil where nobody can tell
}

// What the program returns: whether there are VLAN devices.
const (
	keepsTags = 16
	takesTags = 17
)

// newTagKeeper asks BTF. Where that does not help, no device is known to keep tags.
func newTagKeeper() *tagKeeper {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return &tagKeeper{}
	}
	var info, receive = locate(map[*uint32]member{new(uint32): {"net_device", []string{"vlan_info"}}}), new(btf.Func)
	if info != nil && errors.Is(kernel.TypeByName("vlan_do_receive", &receive), btf.ErrNotFound) {
		return &tagKeeper{always: true}
	}
	code, err := countVLANDevices(kernel)
	if err != nil {
		return &tagKeeper{}
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "hone_tags", Type: ebpf.XDP, License: "GPL", Instructions: code})
	if err != nil {
		return &tagKeeper{}
	}
	return &tagKeeper{program: p}
}

// countVLANDevices walks from the context to the count that the device has of its VLAN devices, in whichever namespace.
func countVLANDevices(kernel *btf.Spec) (asm.Instructions, error) {
	var cast *btf.Func
	if err := kernel.TypeByName("bpf_cast_to_kern_ctx", &cast); err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
	}
	id, err := kernel.TypeID(cast)
	if err != nil {
		return nil, fmt.Errorf("introspect: find bpf_cast_to_kern_ctx: %w", err)
	}
	var queue, device, info, count uint32
	if err := locate(map[*uint32]member{
		&queue: {"xdp_buff", []string{"rxq"}}, &device: {"xdp_rxq_info", []string{"dev"}},
		&info: {"net_device", []string{"vlan_info"}}, &count: {"vlan_info", []string{"grp", "nr_vlan_devs"}},
	}); err != nil {
		return nil, err
	}
	return asm.Instructions{
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)},
		asm.LoadMem(asm.R1, asm.R0, int16(queue), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, int16(device), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, int16(info), asm.DWord),
		asm.Mov.Imm(asm.R0, keepsTags),
		asm.JEq.Imm(asm.R1, 0, "return"),
		asm.LoadMem(asm.R1, asm.R1, int16(count), asm.Word),
		asm.JEq.Imm(asm.R1, 0, "return"),
		asm.Mov.Imm(asm.R0, takesTags),
		asm.Return().WithSymbol("return"),
	}, nil
}

// xdpContext is a struct xdp_md.
type xdpContext struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }

// keeps asks about a device of the calling thread's network namespace.
func (k *tagKeeper) keeps(i Index) (bool, error) {
	if k.program == nil {
		return k.always, nil
	}
	frame := make([]byte, 64)
	answer, err := k.program.Run(&ebpf.RunOptions{Data: frame, Context: xdpContext{DataEnd: uint32(len(frame)), Ingress: uint32(i)}})
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return false, nil // gone, as a notification is about to tell, or without a queue to come in by
	}
	if err != nil {
		return false, fmt.Errorf("introspect: ask for VLAN devices: %w", err)
	}
	return answer == keepsTags, nil
}

func (k *tagKeeper) close() error {
	if k == nil || k.program == nil {
		return nil
	}
	return k.program.Close()
}

// readTags asks about all ports of bridges.
func (k *sensors) readTags(s *Snapshot) (*Snapshot, error) {
	for i := range s.Links.All() {
		var err error
		if s, err = k.readTagsOf(s, i); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readTagsOf asks about one link. Of those that are not ports of a bridge nobody wants to know.
func (k *sensors) readTagsOf(s *Snapshot, i Index) (_ *Snapshot, err error) {
	l, ok := s.Links.Get(i)
	if !ok {
		return s, nil
	}
	keeps := false
	if l.isPort() {
		if k.tags == nil {
			k.tags = newTagKeeper()
		}
		if keeps, err = k.tags.keeps(i); err != nil {
			return s, err
		}
	}
	if keeps == l.KeepsTags {
		return s, nil
	}
	l.KeepsTags = keeps
	n := *s
	n.Links = s.Links.With(i, l)
	return &n, nil
}

// isPort tells whether a link is a port of a bridge.
func (l Link) isPort() bool { return l.SlaveKind == "bridge" }

package fastpath

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/hone-net/hone/synth/emit"
)

// vethTag finds out from BTF where a frame's metadata VLAN tag stands behind a veth's xdp_buff. It is nil where the
// kernel lacks what it takes: then interfaces of that kind have no fast path, nothing else.
func vethTag() *emit.VethTag {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil
	}
	buff, skb, ok := vethBuff(kernel)
	if !ok {
		return nil
	}
	var t emit.VethTag
	var found [3]bool
	t.RdonlyCast, found[0] = funcID(kernel, "bpf_rdonly_cast")
	t.SkBuff, found[1] = structID(kernel, "sk_buff")
	t.VethBuff, found[2] = pointerAt(kernel, buff, skb)
	t.SkbOffset = int16(skb)
	var sk *btf.Struct
	if found != [3]bool{true, true, true} || kernel.TypeByName("sk_buff", &sk) != nil {
		return nil
	}
	tag, ok := member(sk.Members, "vlan_all")
	t.TagOffset = int16(tag)
	if !ok || load(tagReader(&t)) != nil {
		return nil
	}
	return withSummed(t, sk)
}

// withSummed adds where the frame's metadata says whether its checksum is partial, if a program may look there.
func withSummed(t emit.VethTag, sk *btf.Struct) *emit.VethTag {
	with := t
	at, bits, ok := bitfield(sk.Members, "ip_summed")
	with.SummedOffset, with.SummedMask = int16(at/8), uint8((1<<bits-1)<<(at%8))
	if !ok || at%8+bits > 8 || load(tagReader(&with)) != nil {
		return &t
	}
	return &with
}

// tagReader is a program that reads the tag, to see whether the verifier allows it: that these functions may be called
// from XDP is no part of the BTF.
func tagReader(t *emit.VethTag) asm.Instructions {
	insns := asm.Instructions{
		asm.Mov.Imm(asm.R2, t.VethBuff),
		emit.Call(t.RdonlyCast, 0),
		asm.LoadMem(asm.R1, asm.R0, t.SkbOffset, asm.DWord),
		asm.Mov.Imm(asm.R2, t.SkBuff),
		emit.Call(t.RdonlyCast, 0),
		asm.LoadMem(asm.R1, asm.R0, t.TagOffset, asm.Word),
	}
	if t.SummedMask != 0 {
		insns = append(insns, asm.LoadMem(asm.R1, asm.R0, t.SummedOffset, asm.Byte))
	}
	return append(insns, asm.Mov.Imm(asm.R0, xdpPass), asm.Return())
}

const vethModule = "veth"

// vethBuff finds struct veth_xdp_buff, in the kernel or in the module veth, and the offset of its skb.
func vethBuff(kernel *btf.Spec) (*btf.Struct, int, bool) {
	var buff *btf.Struct
	if kernel.TypeByName("veth_xdp_buff", &buff) != nil {
		module, err := btf.LoadKernelModuleSpec(vethModule)
		if err != nil || module.TypeByName("veth_xdp_buff", &buff) != nil {
			return nil, 0, false
		}
	}
	off, ok := member(buff.Members, "skb")
	return buff, off, ok
}

// pointerAt is the id of a type of the kernel proper through which a pointer to a sk_buff at off can be read:
// veth_xdp_buff itself where veth is built in, else any structure that holds one at that offset. The verifier looks
// the type up in the kernel's own BTF only.
func pointerAt(kernel *btf.Spec, buff *btf.Struct, off int) (int32, bool) {
	if id, ok := structID(kernel, buff.Name); ok {
		return id, true
	}
	for typ, err := range kernel.All() {
		if err != nil {
			return 0, false
		}
		if s, ok := typ.(*btf.Struct); ok && holdsSkb(s, off) {
			if id, err := kernel.TypeID(s); err == nil {
				return int32(id), true
			}
		}
	}
	return 0, false
}

// holdsSkb tells whether a plain member of s at off is a pointer to a sk_buff.
func holdsSkb(s *btf.Struct, off int) bool {
	for _, m := range s.Members {
		if m.BitfieldSize == 0 && m.Offset.Bytes() == uint32(off) {
			if p, ok := m.Type.(*btf.Pointer); ok {
				to, ok := p.Target.(*btf.Struct)
				return ok && to.Name == "sk_buff"
			}
		}
	}
	return false
}

// member finds the offset in bytes of a member, inside of nameless structures and unions, too.
func member(members []btf.Member, name string) (int, bool) {
	for _, m := range members {
		if m.Name == name {
			return int(m.Offset.Bytes()), m.BitfieldSize == 0
		}
		if m.Name != "" {
			continue
		}
		if off, ok := member(inner(m.Type), name); ok {
			return int(m.Offset.Bytes()) + off, true
		}
	}
	return 0, false
}

// bitfield finds the offset and the size, in bits, of a member that is a bit field.
func bitfield(members []btf.Member, name string) (at, bits uint32, ok bool) {
	for _, m := range members {
		if m.Name == name {
			return uint32(m.Offset), uint32(m.BitfieldSize), m.BitfieldSize > 0
		}
		if m.Name != "" {
			continue
		}
		if at, bits, ok := bitfield(inner(m.Type), name); ok {
			return uint32(m.Offset) + at, bits, true
		}
	}
	return 0, 0, false
}

// inner gives the members of a structure or union.
func inner(t btf.Type) []btf.Member {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// funcID is the id of a function in the kernel's BTF.
func funcID(kernel *btf.Spec, name string) (int32, bool) {
	var f *btf.Func
	if kernel.TypeByName(name, &f) != nil {
		return 0, false
	}
	id, err := kernel.TypeID(f)
	return int32(id), err == nil
}

// structID is the id of a structure in the kernel's BTF.
func structID(kernel *btf.Spec, name string) (int32, bool) {
	var s *btf.Struct
	if kernel.TypeByName(name, &s) != nil {
		return 0, false
	}
	id, err := kernel.TypeID(s)
	return int32(id), err == nil
}

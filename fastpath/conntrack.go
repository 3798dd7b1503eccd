package fastpath

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/emit"
)

// conntrack finds out from BTF how tracked connections are found and read. That fails where the kernel lacks what it takes, or
// has it in a module that is not loaded, or lays it out in another way than is known.
func conntrack() (*emit.Conntrack, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var k emit.Conntrack
	own := types{kernel}
	if k.Module = moduleID(conntrackModule); k.Module != 0 {
		own = types{nil, kernel}
		if own[0], err = btf.LoadKernelModuleSpec(conntrackModule); err != nil {
			return nil, err
		}
	}
	if err := functions(&k, kernel, own[0]); err != nil {
		return nil, err
	}
	if nat, err := btf.LoadKernelModuleSpec(natModule); err == nil {
		own = append(own, nat)
	}
	var ticking bool
	k.HZ, ticking = ticks()
	switch {
	case !ticking:
		return nil, errors.New("unknown ticks")
	case !entryLayout(own, &k):
		return nil, errors.New("unknown layout of nf_conn")
	case !extensions(own, &k):
		return nil, errors.New("unknown extensions of nf_conn")
	}
	k.Accounts = endings()
	return &k, load(entryReader(&k))
}

const conntrackModule, natModule = "nf_conntrack", "nf_nat"

// types are where a type may be told, the first to be asked first: a module tells only those that the kernel proper does not.
type types []*btf.Spec

func (t types) find(name string, typ any) bool {
	return slices.ContainsFunc(t, func(s *btf.Spec) bool { return s.TypeByName(name, typ) == nil })
}

// functions fills in the ids of functions, of the kernel and of what follows connections, and the name to read memory by.
func functions(k *emit.Conntrack, kernel, own *btf.Spec) error {
	for name, id := range map[string]*int32{"bpf_xdp_ct_lookup": &k.Lookup, "bpf_ct_release": &k.Release,
		"bpf_ct_change_timeout": &k.ChangeTimeout, "bpf_rdonly_cast": &k.RdonlyCast} {
		from, found := own, false
		if id == &k.RdonlyCast {
			from = kernel
		}
		if *id, found = funcID(from, name); !found {
			return errors.New("no " + name)
		}
	}
	var found bool
	if k.Words, found = structID(kernel, wordsStruct); !found || !wordy(kernel) {
		return errors.New("unknown " + wordsStruct)
	}
	return nil
}

// wordsStruct begins with an array of words in every kernel: counters of TCP.
const wordsStruct = "linux_mib"

// wordy tells whether that array is longer than what is read by its name.
func wordy(kernel *btf.Spec) bool {
	var s *btf.Struct
	if kernel.TypeByName(wordsStruct, &s) != nil || len(s.Members) == 0 || s.Members[0].Offset != 0 {
		return false
	}
	array, ok := btf.UnderlyingType(s.Members[0].Type).(*btf.Array)
	return ok && array.Nelems >= 64
}

// ticks is the number of jiffies a second, which the resolution of the coarse clock tells.
func ticks() (int32, bool) {
	var tick unix.Timespec
	if unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick) != nil || tick.Sec != 0 || tick.Nsec < 1e5 {
		return 0, false
	}
	return int32((1e9 + tick.Nsec/2) / tick.Nsec), true
}

// place is where a member stands that a chain of names leads to.
func place(known types, of string, names ...string) (int, bool) {
	var s *btf.Struct
	if !known.find(of, &s) {
		return 0, false
	}
	members, at := s.Members, 0
	for _, name := range names {
		off, ok := member(members, name)
		if !ok {
			return 0, false
		}
		at += off
		members = inner(typeOf(members, name))
	}
	return at, true
}

// typeOf is the type of a member, of the elements if it is an array.
func typeOf(members []btf.Member, name string) btf.Type {
	for _, m := range members {
		if m.Name == name {
			if array, ok := btf.UnderlyingType(m.Type).(*btf.Array); ok {
				return array.Type
			}
			return m.Type
		}
		if m.Name == "" {
			if t := typeOf(inner(m.Type), name); t != nil {
				return t
			}
		}
	}
	return nil
}

// entryLayout fills in where the parts of an entry are.
func entryLayout(known types, k *emit.Conntrack) bool {
	ok := true
	at := func(of string, names ...string) int16 {
		off, found := place(known, of, names...)
		ok = ok && found
		return int16(off)
	}
	tuple := func(names ...string) int16 { return at("nf_conntrack_tuple", names...) }
	hash, tcp := at("nf_conn", "tuplehash"), at("nf_conn", "proto", "tcp")
	k.Timeout, k.Status, k.Net = at("nf_conn", "timeout"), at("nf_conn", "status"), at("nf_conn", "ct_net", "net")
	k.Mark, k.Ext = at("nf_conn", "mark"), at("nf_conn", "ext")
	k.Tuple = hash + at("nf_conntrack_tuple_hash", "tuple")
	flags := tcp + at("ip_ct_tcp", "seen") + at("ip_ct_tcp_state", "flags")
	var state, element *btf.Struct
	if !known.find("ip_ct_tcp_state", &state) || !known.find("nf_conntrack_tuple_hash", &element) {
		return false
	}
	k.Flags, k.FlagsReply, k.Stride = flags, flags+int16(state.Size), int32(element.Size)
	return ok && at("nf_conn", "zone", "id") == k.Timeout+4 && tcp+at("ip_ct_tcp", "state") == k.FlagsReply+3 &&
		tuple("src", "u3") == 0 && tuple("src", "u") == 16 && tuple("src", "l3num") == 18 && tuple("dst", "u3") == 20 &&
		tuple("dst", "u") == 36 && tuple("dst", "protonum") == 38 && tuple("dst", "dir") == 39 && ok
}

// extensions fills in the numbers of extensions.
func extensions(known types, k *emit.Conntrack) bool {
	var ids *btf.Enum
	if off, ok := place(known, "nf_ct_ext", "offset"); !ok || off != 0 || !known.find("nf_ct_ext_id", &ids) {
		return false
	}
	for _, v := range ids.Values {
		switch v.Name {
		case "NF_CT_EXT_NAT":
			k.ExtNAT = int16(v.Value)
			k.Masquerade = masquerade(known)
		case "NF_CT_EXT_ACCT", "NF_CT_EXT_ECACHE", "NF_CT_EXT_TSTAMP", "NF_CT_EXT_LABELS", "NF_CT_EXT_NUM",
			"NF_CT_EXT_SEQADJ", "NF_CT_EXT_SYNPROXY": // the status says if numbers are adjusted, a hook if there is a proxy
		default:
			k.Foreign = append(k.Foreign, int16(v.Value))
		}
	}
	return true
}

// masquerade is where the extension for NAT notes the interface whose address a connection has taken. The module for NAT alone
// may know the extension, and need not be loaded yet.
func masquerade(known types) int16 {
	var nat *btf.Struct
	if !known.find("nf_conn_nat", &nat) {
		return emit.UnknownMasquerade
	}
	if at, ok := member(nat.Members, "masq_index"); ok {
		return int16(at)
	}
	return emit.NoMasquerade
}

// entryReader is a program that looks for a connection and reads it, to see whether the verifier allows it.
func entryReader(k *emit.Conntrack) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, -16, asm.R0, asm.DWord),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		asm.StoreMem(asm.RFP, -32, asm.R0, asm.DWord),
		asm.StoreMem(asm.RFP, -24, asm.R0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -16),
		asm.Mov.Imm(asm.R3, 12),
		asm.Mov.Reg(asm.R4, asm.RFP),
		asm.Add.Imm(asm.R4, -32),
		asm.Mov.Imm(asm.R5, 12),
		emit.Call(k.Lookup, k.Module),
		asm.JEq.Imm(asm.R0, 0, "none"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R0),
		asm.Mov.Imm(asm.R2, k.Words),
		emit.Call(k.RdonlyCast, 0),
		asm.LoadMem(asm.R7, asm.R0, k.Tuple+16, asm.DWord),
		asm.LoadMem(asm.R7, asm.R0, k.FlagsReply, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 1000),
		emit.Call(k.ChangeTimeout, k.Module),
		asm.Mov.Reg(asm.R1, asm.R6),
		emit.Call(k.Release, k.Module),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("none"),
		asm.Return(),
	}
}

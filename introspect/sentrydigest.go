package introspect

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// sentryWay is where the sentry finds what it looks at in the kernel's memory.
type sentryWay struct {
	spaces, space      uint32 // from a task to its namespace
	sockets            uint32 // in the namespace
	hooks, hooks6      uint32
	bridged            uint32 // the hooks of bridges, 0 without
	counts             uint32 // whether connections are counted, 0 without tracking
	node, filter, file uint32 // in a socket
	protocol, device   uint32
	inode, code        uint32 // behind its file and its filter

	stats, learned   uint32 // the counts of IPv6 routes in the namespace, 0 without, and that of the learned ones
	messages, tooBig uint32 // those of ICMPv6 messages, 0 without, and that of what teaches the MTUs of paths

	tcx             bool   // the kernel has TCX, which came with Linux 6.6
	devices         uint32 // in the namespace
	next            uint32 // in a device
	ingress, egress uint32
}

// findSentryWay asks BTF.
func findSentryWay() (w sentryWay, err error) {
	err = locate(map[*uint32]member{
		&w.spaces: taskSpaces, &w.space: spacesSpace,
		&w.sockets:  {"net", []string{"packet", "sklist"}},
		&w.hooks:    {"net", []string{"nf", "hooks_ipv4"}},
		&w.hooks6:   {"net", []string{"nf", "hooks_ipv6"}},
		&w.node:     {"sock", []string{"__sk_common", "skc_node"}},
		&w.filter:   {"sock", []string{"sk_filter"}},
		&w.file:     {"sock", []string{"sk_socket"}},
		&w.protocol: {"packet_sock", []string{"num"}},
		&w.device:   {"packet_sock", []string{"ifindex"}},
		&w.inode:    {"socket_alloc", []string{"vfs_inode", "i_ino"}},
		&w.code:     {"sk_filter", []string{"prog"}},
	})
	if locate(map[*uint32]member{&w.stats: {"net", []string{"ipv6", "rt6_stats"}},
		&w.learned: {"rt6_statistics", []string{"fib_rt_cache"}}}) != nil {
		w.stats = 0 // a kernel without IPv6
	}
	if locate(map[*uint32]member{&w.messages: {"net", []string{"mib", "icmpv6msg_statistics"}}, &w.tooBig: {"icmpv6msg_mib", []string{"mibs"}}}) != nil {
		w.messages = 0
	}
	w.tooBig += 8 * packetTooBig
	if locate(map[*uint32]member{&w.bridged: {"net", []string{"nf", "hooks_bridge"}}}) != nil {
		w.bridged = 0
	}
	if locate(map[*uint32]member{&w.counts: {"net", []string{"ct", "sysctl_acct"}}}) != nil {
		w.counts = 0
	}
	w.tcx = locate(map[*uint32]member{
		&w.devices: {"net", []string{"dev_base_head"}},
		&w.next:    {"net_device", []string{"dev_list"}},
		&w.ingress: {"net_device", []string{"tcx_ingress"}},
		&w.egress:  {"net_device", []string{"tcx_egress"}},
	}) == nil
	return w, err
}

// digestTaps walks the packet sockets and digests of each what a Tap is made of, into R7: the socket's inode, protocol,
// interface and filter. R8 is the node, R9 counts.
func digestTaps(w sentryWay) asm.Instructions {
	code := walk(w.sockets)
	code = append(code, asm.JEq.Imm(asm.R8, 0, "taps").WithSymbol("socket"))
	code = append(code, atMost(sentrySockets, "taps", "look-tap")...)
	at := func(offset uint32) int32 { return int32(offset) - int32(w.node) }
	code = append(code, mix(at(w.protocol), 2)...)
	code = append(code, mix(at(w.device), 4)...)
	code = append(code, mixBehind(at(w.file), w.inode)...)
	code = append(code, mixBehind(at(w.filter), w.code)...)
	code = append(code, fetch(0)...)
	return append(code, asm.Ja.Label("socket"), asm.Mov.Imm(asm.R0, 0).WithSymbol("taps"))
}

// digestHooks digests the arrays of functions on the hooks of forwarded packets: each change makes a new array; and the byte
// that says whether connections are counted.
func digestHooks(w sentryWay) asm.Instructions {
	code := asm.Instructions{asm.Mov.Imm(asm.R7, 0), asm.LoadMem(asm.R8, asm.R6, sentryNet, asm.DWord)}
	for _, hook := range []int32{hookPreRouting, hookForward, hookPostRouting} {
		code = append(code, mix(int32(w.hooks)+8*hook, 8)...)
		code = append(code, mix(int32(w.hooks6)+8*hook, 8)...)
	}
	for hook := range int32(len(hookNames)) {
		if w.bridged != 0 {
			code = append(code, mix(int32(w.bridged)+8*hook, 8)...)
		}
	}
	if w.counts != 0 {
		code = append(code, mix(int32(w.counts), 1)...)
	}
	return code
}

// digestTCX walks the devices now and then, and digests what TCX programs they have: each change exchanges a pointer.
func digestTCX(w sentryWay) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R7, asm.R6, sentryDigest+8*watchTCX, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, sentryTicks, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, 1),
		asm.StoreMem(asm.R6, sentryTicks, asm.R2, asm.DWord),
		asm.Mod.Imm(asm.R1, sentrySeldom),
		asm.JNE.Imm(asm.R1, 0, "compare"),
	}
	if !w.tcx {
		return code
	}
	code = append(code, walk(w.devices)...)
	return append(code,
		asm.StoreMem(asm.RFP, slotList+listEntry, asm.R8, asm.DWord),
		asm.StoreMem(asm.RFP, slotList+listDigest, asm.R7, asm.DWord),
		asm.Mov.Imm(asm.R1, sentryDevices),
		callback(asm.R2, "device"),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, slotList),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnLoop.Call(),
		asm.LoadMem(asm.R7, asm.RFP, slotList+listDigest, asm.DWord),
	)
}

// digestDevice is what bpf_loop calls for each device, with where it is in the list of them.
func digestDevice(w sentryWay) asm.Instructions {
	code := asm.Instructions{
		function(asm.Mov.Reg(asm.R6, asm.R2), "device", btf.StaticFunc, "list"),
		asm.Mov.Imm(asm.R0, 1),
		asm.LoadMem(asm.R8, asm.R6, listEntry, asm.DWord),
		asm.LoadMem(asm.R7, asm.R6, listDigest, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, listHead, asm.DWord),
		asm.JEq.Reg(asm.R8, asm.R1, "end"),
		asm.JEq.Imm(asm.R8, 0, "end"),
	}
	code = append(code, mix(int32(w.ingress)-int32(w.next), 8)...)
	code = append(code, mix(int32(w.egress)-int32(w.next), 8)...)
	code = append(code, fetch(0)...)
	return append(code,
		asm.StoreMem(asm.R6, listEntry, asm.R8, asm.DWord),
		asm.StoreMem(asm.R6, listDigest, asm.R7, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return().WithSymbol("end"),
	)
}

// walk begins a list in the namespace: R8 is its first entry, slotList the address of its head, R9 counts, R7 digests.
func walk(list uint32) asm.Instructions {
	return append(asm.Instructions{
		asm.Mov.Imm(asm.R7, 0),
		asm.Mov.Imm(asm.R9, 0),
		asm.LoadMem(asm.R8, asm.R6, sentryNet, asm.DWord),
		asm.Add.Imm(asm.R8, int32(list)),
		asm.StoreMem(asm.RFP, slotList+listHead, asm.R8, asm.DWord),
	}, fetch(0)...)
}

// atMost counts an entry; after so many it digests the time, so that every look finds a change, and gives up.
func atMost(n int32, done, look string) asm.Instructions {
	return asm.Instructions{
		asm.JLT.Imm(asm.R9, n, look),
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.Ja.Label(done),
		asm.Add.Imm(asm.R9, 1).WithSymbol(look),
	}
}

// fetch replaces the address in R8 by the pointer at an offset from it; 0 where that cannot be read.
func fetch(at uint32) asm.Instructions {
	return append(peek(asm.R8, int32(at), 8), asm.LoadMem(asm.R8, asm.RFP, slotWord, asm.DWord))
}

// peek reads memory at an offset from the address in a register into slotWord.
func peek(r asm.Register, at, size int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R3, r),
		asm.Add.Imm(asm.R3, at),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.RFP, slotWord, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, slotWord),
		asm.Mov.Imm(asm.R2, size),
		asm.FnProbeReadKernel.Call(),
	}
}

// mix adds memory at an offset from the address in R8 to the digest.
func mix(at, size int32) asm.Instructions { return append(peek(asm.R8, at, size), stir()...) }

// mixBehind adds a pointer to the digest, and what is behind it.
func mixBehind(at int32, behind uint32) asm.Instructions {
	code := append(mix(at, 8), asm.LoadMem(asm.R3, asm.RFP, slotWord, asm.DWord))
	return append(append(code, peek(asm.R3, int32(behind), 8)...), stir()...)
}

// stir adds slotWord to the digest.
func stir() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord),
		asm.Add.Imm(asm.R7, 1),
		asm.Xor.Reg(asm.R7, asm.R1),
		asm.Mul.Imm(asm.R7, digestPrime),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.RSh.Imm(asm.R1, 29),
		asm.Xor.Reg(asm.R7, asm.R1),
	}
}

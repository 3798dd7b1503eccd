package emit

import (
	"errors"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// Offsets in struct bpf_fib_lookup (include/uapi/linux/bpf.h), which is both argument and answer.
const (
	fibFamily   = 0  // u8
	fibProtocol = 1  // u8
	fibSport    = 2  // big-endian
	fibDport    = 4  // big-endian
	fibLength   = 6  // u16; the answer's MTU
	fibIfindex  = 8  // u32, of ingress; the answer's egress
	fibTOS      = 12 // u8
	fibFlowinfo = 12 // big-endian
	fibSource   = 16 // big-endian
	fibDest     = 32 // big-endian
	fibSmac     = 52
	fibDmac     = 58
	fibBytes    = 64

	afInet  = 2
	afInet6 = 10
)

// fibRow is the answer of a live lookup: the helper's result, and where its struct stands on the stack.
type fibRow struct {
	ret   reg
	place int16
}

// lookupFIB asks the kernel's routes and neighbours.
func (l *lowering) lookupFIB(v *ir.Value) error {
	if !l.kernel.FIBLookup {
		return errors.New("the kernel has no bpf_fib_lookup for XDP (Kernel.FIBLookup)")
	}
	at := l.areaFor(fibBytes)
	for off := int16(0); off < fibBytes; off += 8 {
		l.storeImm(frame, at+off, 0, 8)
	}
	rest := v.Args
	if v.Table.Kind == ir.FIB {
		l.storeImm(frame, at+fibFamily, afInet, 1)
		l.param(at+fibSource, v.Args[0], 4, true)
		l.param(at+fibDest, v.Args[1], 4, true)
		rest = v.Args[2:]
		l.param(at+fibTOS, rest[4], 1, false)
	} else {
		l.storeImm(frame, at+fibFamily, afInet6, 1)
		for i, place := range []int16{fibSource, fibSource + 8, fibDest, fibDest + 8} {
			l.param(at+place, v.Args[i], 8, true)
		}
		rest = v.Args[4:]
		l.flowinfo(at+fibFlowinfo, rest[4])
	}
	l.param(at+fibLength, rest[0], 2, false)
	l.param(at+fibProtocol, rest[1], 1, false)
	l.param(at+fibSport, rest[2], 2, true)
	l.param(at+fibDport, rest[3], 2, true)
	ifindex := l.reg()
	l.load(ifindex, l.ctx, ctxIfindex, 4)
	l.store(frame, at+fibIfindex, ifindex, 4)
	l.mov(1, l.ctx)
	l.mov(2, frame)
	l.aluImm(asm.Add, false, 2, int32(at))
	l.setConstant(3, fibBytes)
	l.setConstant(4, 0)
	l.call(asm.FnFibLookup, 4)
	l.fibs[v] = fibRow{l.copy(r0), at}
	return nil
}

// param puts an argument of the live lookup on the stack.
func (l *lowering) param(at int16, v *ir.Value, width uint8, network bool) {
	if v.Op == ir.OpConst && v.Imm == 0 {
		return
	}
	r := l.scratch(v)
	if network {
		l.swap(r, width)
	}
	l.store(frame, at, r, width)
}

// flowinfo is param for the 28 bits of traffic class and flow label.
func (l *lowering) flowinfo(at int16, v *ir.Value) {
	r := l.scratch(v)
	l.aluImm(asm.And, true, r, 1<<28-1)
	l.swap(r, 4)
	l.store(frame, at, r, 4)
}

// fieldFIB reads the answer. The two MACs are put together as a row of nexthops has them; stack loads are aligned.
func (l *lowering) fieldFIB(row fibRow, name string) reg {
	switch name {
	case "ret":
		r := l.reg()
		l.add(inst{kind: kALU, op: asm.Mov.Op32(asm.RegSource), dst: r, src: row.ret, label: noLabel})
		return r
	case "oif":
		return l.parts(row, part{fibIfindex, 4, 0})
	case "mtu":
		return l.parts(row, part{fibLength, 2, 0})
	case "mac":
		return l.parts(row, part{fibDmac, 2, 0}, part{fibDmac + 2, 4, 16}, part{fibSmac, 2, 48})
	}
	return l.parts(row, part{fibSmac + 2, 2, 0}, part{fibSmac + 4, 2, 16})
}

// part is a piece of memory and its place in a register.
type part struct {
	offset int16
	width  uint8
	shift  int32
}

func (l *lowering) parts(row fibRow, parts ...part) reg {
	var sum reg
	for i, p := range parts {
		r := l.reg()
		l.load(r, frame, row.place+p.offset, p.width)
		if p.shift > 0 {
			l.aluImm(asm.LSh, false, r, p.shift)
		}
		if i == 0 {
			sum = r
			continue
		}
		l.alu(asm.Or, false, sum, r)
	}
	return sum
}

// buffer finds the sk_buff behind the frame, if there is one, from the XDP context in r1 by the driver's buffer: a frame
// that another program has redirected here comes without. The context of a running program is the driver's buffer itself.
func (l *lowering) buffer(t *VethTag) {
	l.note = "the frame's sk_buff"
	l.cast(t, t.VethBuff)
	l.skb = l.reg()
	l.load(l.skb, r0, t.SkbOffset, 8)
}

// ofBuffer loads a part of the sk_buff, whose only bits those of mask are; zero if there is none.
func (l *lowering) ofBuffer(v *ir.Value, offset int16, width uint8, mask int32) {
	t, r, none := l.kernel.VethTag, l.define(v), l.newLabel()
	l.setConstant(r, 0)
	l.branchImm(asm.JEq, false, l.skb, 0, none)
	l.mov(r1, l.skb)
	l.cast(t, t.SkBuff)
	l.load(r, r0, offset, width)
	l.aluImm(asm.And, true, r, mask)
	l.mark(none)
}

// cast gives the pointer in r1 as one to a type of the kernel, in r0.
func (l *lowering) cast(t *VethTag, to int32) {
	l.setConstant(2, uint64(to))
	l.callKernel(t.RdonlyCast, 2)
}

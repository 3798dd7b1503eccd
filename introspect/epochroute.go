package introspect

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// odd is what a route moves that is more than a way to go: its TOS, scope, type or metrics, or an attribute that is not among
// plainRoute. The live lookup of a program does not do justice to it, so that it must not be asked either before the
// program is made anew.
func odd(family domains) domains { return family | toConfig }

// plainRoute are the attributes that the live lookup understands. Several nexthops are not among them, because each may
// have attributes of its own. Every route of IPv6 has a preference and an end, if only none, which the lookup heeds.
var plainRoute = maskOf(unix.RTA_DST, unix.RTA_OIF, unix.RTA_GATEWAY, unix.RTA_PRIORITY, unix.RTA_PREFSRC, unix.RTA_TABLE,
	unix.RTA_VIA, unix.RTA_ENCAP_TYPE, unix.RTA_ENCAP, rtaNHID, unix.RTA_CACHEINFO, unix.RTA_PREF)

func maskOf(kinds ...int) (mask uint64) {
	for _, k := range kinds {
		mask |= 1 << k
	}
	return mask
}

// Where the message about a route says what, and how many of its attributes are looked at: the kernel sends fewer.
const (
	routeTOS        = unix.SizeofNlMsghdr + 3
	routeScope      = unix.SizeofNlMsghdr + 6
	routeType       = unix.SizeofNlMsghdr + 7
	routeAttributes = unix.SizeofNlMsghdr + unix.SizeofRtMsg
	routeLooks      = 10
	attributeKind   = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
)

// classifyRoute finds the domains that a message about a route of a family moves. The filter does the same in route.
func classifyRoute(datagram []byte, family domains) domains {
	if len(datagram) < routeType+1 || datagram[routeTOS] != 0 || datagram[routeScope] >= unix.RT_SCOPE_HOST || datagram[routeType] != unix.RTN_UNICAST {
		return odd(family)
	}
	at := routeAttributes
	for range routeLooks {
		if at+4 > len(datagram) {
			return family
		}
		size, kind := int(native.Uint16(datagram[at:])), native.Uint16(datagram[at+2:])&attributeKind
		if size < 4 || kind >= 64 || plainRoute>>kind&1 == 0 {
			return odd(family)
		}
		at += align4(size)
	}
	return odd(family)
}

// route is classifyRoute in the kernel. R6 holds the message.
func (c *counters) route(family domains) asm.Instructions {
	const head, attribute = -16, -8
	odd := label(odd(family))
	code := asm.Instructions{asm.Mov.Imm(asm.R2, routeTOS-3).WithSymbol(labelRoute(family))}
	code = append(code, loadBytes(head, 8)...)
	code = append(code,
		asm.JNE.Imm(asm.R0, 0, odd),
		asm.LoadMem(asm.R1, asm.RFP, head+routeTOS-unix.SizeofNlMsghdr, asm.Byte),
		asm.JNE.Imm(asm.R1, 0, odd),
		asm.LoadMem(asm.R1, asm.RFP, head+routeScope-unix.SizeofNlMsghdr, asm.Byte),
		asm.JGE.Imm(asm.R1, unix.RT_SCOPE_HOST, odd),
		asm.LoadMem(asm.R1, asm.RFP, head+routeType-unix.SizeofNlMsghdr, asm.Byte),
		asm.JNE.Imm(asm.R1, unix.RTN_UNICAST, odd),
		asm.Mov.Imm(asm.R9, routeAttributes),
	)
	for range routeLooks {
		code = append(code, asm.Mov.Reg(asm.R2, asm.R9))
		code = append(code, loadBytes(attribute, 4)...)
		code = append(code,
			asm.JNE.Imm(asm.R0, 0, label(family)), // the end
			asm.LoadMem(asm.R1, asm.RFP, attribute, asm.Half),
			asm.JLT.Imm(asm.R1, 4, odd),
			asm.LoadMem(asm.R2, asm.RFP, attribute+2, asm.Half),
			asm.And.Imm(asm.R2, attributeKind),
			asm.JGE.Imm(asm.R2, 64, odd),
			asm.LoadImm(asm.R3, int64(plainRoute), asm.DWord),
			asm.RSh.Reg(asm.R3, asm.R2),
			asm.And.Imm(asm.R3, 1),
			asm.JEq.Imm(asm.R3, 0, odd),
			asm.Add.Imm(asm.R1, 3),
			asm.And.Imm(asm.R1, 0x1fffc),
			asm.Add.Reg(asm.R9, asm.R1),
		)
	}
	return append(code, asm.Ja.Label(odd))
}

func labelRoute(family domains) string { return fmt.Sprintf("route-%d", family) }

// loadBytes copies n bytes of the message at R2 to the stack.
func loadBytes(stack, n int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, stack),
		asm.Mov.Imm(asm.R4, n),
		asm.FnSkbLoadBytes.Call(),
	}
}

package introspect

import "fmt"

// exprKinds are all kinds of expression. Those of one name stand in the order in which they are tried.
var exprKinds = []exprKind{
	{kernel: "payload", blank: PayloadSet{}, when: has(5)},
	{kernel: "payload", blank: Payload{}},
	{kernel: "meta", blank: MetaSet{}, when: has(3)},
	{kernel: "meta", blank: Meta{}},
	{kernel: "ct", blank: CtSet{Direction: NoDirection}, when: has(4)},
	{kernel: "ct", blank: Ct{Direction: NoDirection}},
	{kernel: "rt", blank: Rt{}},
	{kernel: "fib", blank: Fib{}},
	{kernel: "exthdr", blank: ExtHdrSet{}, when: has(7)},
	{kernel: "exthdr", blank: ExtHdr{}, when: has(1)},
	{kernel: "exthdr", blank: ExtHdrReset{}},
	{kernel: "cmp", blank: Cmp{}},
	{kernel: "range", blank: Range{}},
	{kernel: "bitwise", blank: Shift{}, when: has(7)},
	{kernel: "bitwise", blank: Bitwise{}},
	{kernel: "byteorder", blank: Byteorder{}},
	{kernel: "immediate", blank: Verdict{}, when: decides},
	{kernel: "immediate", blank: Immediate{}},
	{kernel: "lookup", blank: Lookup{DReg: NoRegister}},
	{kernel: "counter", blank: Counter{}},
	{kernel: "limit", blank: Limit{}},
	{kernel: "quota", blank: Quota{}},
	{kernel: "connlimit", blank: ConnLimit{}},
	{kernel: "log", blank: Log{}},
	{kernel: "reject", blank: Reject{}},
	{kernel: "nat", blank: NAT{AddrMin: NoRegister, AddrMax: NoRegister, ProtoMin: NoRegister, ProtoMax: NoRegister}},
	{kernel: "masq", blank: Masquerade{ProtoMin: NoRegister, ProtoMax: NoRegister}},
	{kernel: "redir", blank: Redirect{ProtoMin: NoRegister, ProtoMax: NoRegister}},
	{kernel: "notrack", blank: Notrack{}},
	{kernel: "numgen", blank: Numgen{}},
	{kernel: "hash", blank: Hash{SReg: NoRegister}},
	{kernel: "dynset", blank: Dynset{SRegData: NoRegister}},
	{kernel: "objref", blank: ObjRefMap{}, when: has(4)},
	{kernel: "objref", blank: ObjRef{}},
	{kernel: "queue", blank: Queue{SReg: NoRegister}},
	{kernel: "tproxy", blank: TProxy{Addr: NoRegister, Port: NoRegister}},
	{kernel: "socket", blank: Socket{}},
	{kernel: "synproxy", blank: Synproxy{}},
	{kernel: "last", blank: Last{}},
	{kernel: "dup", blank: Dup{NoRegister, NoRegister}},
	{kernel: "fwd", blank: Fwd{Addr: NoRegister}},
	{kernel: "flow_offload", blank: FlowOffload{}},
	{kernel: "osf", blank: OSF{}},
	{kernel: "xfrm", blank: Xfrm{}},
	{kernel: "match", blank: Match{}},
	{kernel: "target", blank: Target{}},
	{kernel: "", blank: Opaque{}},
}

// within tells why a number of something is out of range.
func within(what string, n, limit uint32) string {
	if n < limit {
		return ""
	}
	return fmt.Sprintf("%s %d", what, n)
}

// fits tells why data of a length does not fit into the registers from one on.
func fits(r Register, length uint32) string {
	if r == NoRegister || r == VerdictRegister || length > 0 && length <= maxData && 4*uint32(r)+length <= maxData {
		return ""
	}
	return fmt.Sprintf("%d bytes at register %d", length, r)
}

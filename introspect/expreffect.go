package introspect

import "encoding/binary"

// Expressions that do more than to load and compare: they change the packet or something beside it, or count against a
// limit.

// PayloadSet writes to the packet. Base is NFT_PAYLOAD_*, CsumType NFT_PAYLOAD_CSUM_*.
type PayloadSet struct {
	SReg                                       Register
	Base, Offset, Len                          uint32
	ChecksumType, ChecksumOffset, ChecksumFlag uint32
}

// MetaSet changes a fact of the packet. Key is NFT_META_*.
type MetaSet struct {
	SReg Register
	Key  uint32
}

// CtSet changes a fact of the packet's connection. Key is NFT_CT_*.
type CtSet struct {
	SReg      Register
	Key       uint32
	Direction Direction
}

// ExtHdrSet writes to an option, ExtHdrReset removes one.
type ExtHdrSet struct {
	SReg                   Register
	Type                   uint8
	Offset, Len, Op, Flags uint32
}

// ExtHdrReset removes an option of TCP.
type ExtHdrReset struct {
	Type uint8
	Op   uint32
}

// Limit ends the rule for packets above a rate: Rate in each Unit seconds. Type is NFT_LIMIT_*, Flags are NFT_LIMIT_F_*.
type Limit struct {
	Rate, Unit         uint64
	Burst, Type, Flags uint32
}

// Quota ends the rule for packets beyond, or with a flag within, a number of bytes.
type Quota struct {
	Bytes uint64
	Flags uint32
}

// ConnLimit ends the rule for packets of connections beyond a number.
type ConnLimit struct{ Count, Flags uint32 }

// Log logs the packet.
type Log struct {
	Prefix string
	Level  uint32
	Group  uint16
	ToUser bool // it goes to a group of nfnetlink_log
}

// Reject answers the packet and drops it. Type is NFT_REJECT_*.
type Reject struct {
	Type uint32
	Code uint8
}

// NAT translates a connection. Type is NFT_NAT_*, Flags are NF_NAT_RANGE_*; registers that it does not use are
// NoRegister.
type NAT struct {
	Type, Family       uint32
	AddrMin, AddrMax   Register
	ProtoMin, ProtoMax Register
	Flags              uint32
}

// Masquerade translates a connection's source to an address of the outgoing interface.
type Masquerade struct {
	ProtoMin, ProtoMax Register
	Flags              uint32
}

// Redirect translates a connection's destination to the host itself.
type Redirect struct {
	ProtoMin, ProtoMax Register
	Flags              uint32
}

// Notrack keeps the packet from connection tracking.
type Notrack struct{}

// Numgen loads a number that is counted up or drawn. Type is NFT_NG_*.
type Numgen struct {
	DReg                  Register
	Modulus, Type, Offset uint32
}

// Hash loads a hash of a register, or of the packet. Type is NFT_HASH_*.
type Hash struct {
	SReg, DReg                       Register
	Len, Modulus, Seed, Offset, Type uint32
}

// Dynset adds, updates or deletes an element of a set. Op is NFT_DYNSET_OP_*.
type Dynset struct {
	Set               string
	Op                uint32
	SRegKey, SRegData Register
	Timeout           uint64 // milliseconds
	Flags             uint32
	Exprs             string // names of the expressions that the element gets, joined by "+"
}

// ObjRef uses a stateful object. Type is NFT_OBJECT_*.
type ObjRef struct {
	Type uint32
	Name string
}

// ObjRefMap uses the stateful object that a map has for the data of a register.
type ObjRefMap struct {
	SReg Register
	Set  string
}

// Queue hands the packet to a process.
type Queue struct {
	Num, Total, Flags uint16
	SReg              Register
}

// TProxy hands the packet to a socket of the host.
type TProxy struct {
	Family     uint32
	Addr, Port Register
}

// Socket loads a fact of the socket of the host that the packet belongs to. Key is NFT_SOCKET_*.
type Socket struct {
	DReg       Register
	Key, Level uint32
}

// Synproxy answers TCP's opening in place of the server.
type Synproxy struct {
	MSS    uint16
	WScale uint8
	Flags  uint32
}

// Last notes when a packet came by last.
type Last struct{}

// Dup sends a copy of the packet elsewhere.
type Dup struct{ Addr, Dev Register }

// Fwd sends the packet elsewhere.
type Fwd struct {
	Dev, Addr Register
	Family    uint32
}

// FlowOffload lets a flowtable have the packet's connection.
type FlowOffload struct{ Table string }

// OSF loads a guess of the sender's operating system.
type OSF struct {
	DReg  Register
	TTL   uint8
	Flags uint32
}

// Xfrm loads a fact of the packet's IPsec state.
type Xfrm struct {
	DReg      Register
	Key       uint32
	Direction uint8
	Number    uint32
}

// Match is a match of iptables, Target a target, whose Info is as the module reads it.
type Match struct {
	Name string
	Rev  uint32
	Info Data
}

// Target is a target of iptables.
type Target struct {
	Name string
	Rev  uint32
	Info Data
}

// Untracks tells whether an expression keeps packets from connection tracking, and does nothing else: notrack, and iptables'
// CT --notrack (xt_CT.c), of which the kernel does not look at what else its data has.
func Untracks(e Expr) bool {
	switch e := e.(type) {
	case Notrack:
		return true
	case Target:
		const notrack, alias = 1, 2 // XT_CT_NOTRACK, and XT_CT_NOTRACK_ALIAS: it was called NOTRACK
		size, known := map[uint32]int{0: 40, 1: 72, 2: 72}[e.Rev]
		ct := e.Name == "CT" && known && len(e.Info) == size && binary.NativeEndian.Uint16([]byte(e.Info))&^alias == notrack
		return ct || e.Name == "NOTRACK" && e.Rev == 0
	}
	return false
}

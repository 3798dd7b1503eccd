package introspect

import (
	"encoding/hex"
	"fmt"
)

// Expr is one expression of a rule of nftables: one of the types of this file and of expreffect.go, all of which can be
// compared. What is not understood to the last attribute is Opaque. Numbers are those of linux/netfilter/nf_tables.h.
type Expr interface {
	// walk goes over the attributes, and returns the word for the expression in a text and what it is after the walk.
	walk(*attrs) (word string, after Expr)
}

// Register is one of the sixteen registers of four bytes that expressions work on (NFT_REG32_00 is 0). The older ones of
// sixteen bytes are four of these.
type Register uint8

// Beside the sixteen there are the register of the verdict, and none.
const (
	VerdictRegister Register = 255
	NoRegister      Register = 254
	numRegisters             = 16
)

// Data is what a register holds, as the kernel compares it.
type Data string

// MarshalText writes the bytes in hexadecimal digits.
func (d Data) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, []byte(d)), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Data) UnmarshalText(b []byte) error {
	v, err := hex.AppendDecode(nil, b)
	if err != nil {
		return fmt.Errorf("%q is no data: %w", b, err)
	}
	*d = Data(v)
	return nil
}

// Verdict ends a rule (an immediate expression that loads the verdict register), or is the data of an element.
type Verdict struct {
	Code  int32  // NF_DROP, NF_ACCEPT, NFT_CONTINUE, NFT_JUMP, ...
	Chain string // of a jump or goto
}

// The codes of a Verdict that a rule can have.
const (
	VerdictDrop     int32 = 0
	VerdictAccept   int32 = 1
	VerdictQueue    int32 = 3 // the number of the queue is above it
	VerdictContinue int32 = -1
	VerdictBreak    int32 = -2
	VerdictJump     int32 = -3
	VerdictGoto     int32 = -4
	VerdictReturn   int32 = -5
)

// Immediate loads data.
type Immediate struct {
	DReg Register
	Data Data
}

// Payload loads bytes of the packet. Base is NFT_PAYLOAD_*.
type Payload struct {
	DReg              Register
	Base, Offset, Len uint32
}

// Meta loads a fact of the packet. Key is NFT_META_*.
type Meta struct {
	DReg Register
	Key  uint32
}

// Ct loads a fact of the packet's connection. Key is NFT_CT_*.
type Ct struct {
	DReg      Register
	Key       uint32
	Direction Direction
}

// Direction is that of a connection which an expression asks about: NoDirection, or IP_CT_DIR_*.
type Direction uint8

// NoDirection is that of an expression that names none.
const NoDirection Direction = 255

// Rt loads a fact of the packet's route. Key is NFT_RT_*.
type Rt struct {
	DReg Register
	Key  uint32
}

// Fib loads what a look-up of an address in the routing tables says. Result is NFT_FIB_RESULT_*, Flags are NFTA_FIB_F_*.
type Fib struct {
	DReg          Register
	Result, Flags uint32
}

// ExtHdr loads bytes of an extension header or option, or whether it is there. Op is NFT_EXTHDR_OP_*.
type ExtHdr struct {
	DReg                   Register
	Type                   uint8
	Offset, Len, Op, Flags uint32
}

// Cmp ends the rule unless the data of a register compares. Op is NFT_CMP_*.
type Cmp struct {
	SReg Register
	Op   uint32
	Data Data
}

// Range ends the rule unless the data of a register is in a range, or not in it. Op is NFT_RANGE_*.
type Range struct {
	SReg     Register
	Op       uint32
	From, To Data
}

// Bitwise is a mask and an exclusive or. Its operands have Len bytes.
type Bitwise struct {
	SReg, DReg Register
	Len        uint32
	Mask, Xor  Data
}

// Shift shifts Len bytes, words of host byte order of which the first is the highest, by 0 to 31 bits.
type Shift struct {
	SReg, DReg Register
	Len        uint32
	Right      bool
	Bits       uint32
}

// Byteorder swaps Len bytes in words of Size bytes between network and host byte order. Op is NFT_BYTEORDER_*.
type Byteorder struct {
	SReg, DReg    Register
	Op, Len, Size uint32
}

// Lookup looks for the data of a register in a set of the rule's table. Without DReg it ends the rule where there is no
// such element (with Invert, where there is one); with DReg it loads the element's data.
type Lookup struct {
	Set        string
	SReg, DReg Register
	Invert     bool
}

// Counter counts. What it has counted is not part of a Snapshot.
type Counter struct{}

// Opaque is an expression that is not understood, and why.
type Opaque struct{ Name, Why string }

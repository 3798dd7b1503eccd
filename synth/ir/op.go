package ir

// Op is an operation. The list is closed.
type Op uint8

// The operations. "args" are numbers unless a row is named.
const (
	OpNone    Op = iota
	OpConst      // Imm
	OpLoad       // packet bytes [Imm, Imm+Width), most significant first (network order)
	OpLoadLE     // packet bytes [Imm, Imm+Width), least significant first: cheaper where the order does not matter
	OpStore      // args[0] into packet bytes [Imm, Imm+Width), most significant first
	OpStoreLE    // args[0] into packet bytes [Imm, Imm+Width), least significant first
	OpMeta       // what the hook knows of the frame: Imm is a Meta
	OpAdd        // args[0] + args[1], modulo 2^64; likewise the next ones
	OpSub
	OpMul
	OpAnd
	OpOr
	OpXor
	OpShl     // args[0] << args[1], args[1] < 64
	OpShr     // args[0] >> args[1], args[1] < 64
	OpFold    // args[0] folded to 16 bits with end-around carry, as in the Internet checksum (RFC 1071)
	OpSwap16  // the two low bytes of args[0] exchanged, the rest cleared
	OpSelect  // Cond(args[0], args[1]) ? args[2] : args[3]
	OpMoved   // seen[Domain] ^ built[Domain]: zero while the program accounts for every announced change
	OpBound   // guard: the frame has at least Imm bytes, else punt for Reason
	OpGuard   // guard: Cond(args[0], args[1]), else punt for Reason
	OpLookup  // the row, or for LPM and Set tables the number, that Table holds for the key args
	OpField   // Field of the row args[0]
	OpMark    // writes 1 into Field of the row args[0]: tells the agent that the row is used
	OpCount   // adds one to the counter Imm (a Counter)
	OpTally   // begins to note what is to be counted should the packet be forwarded
	OpHit     // guard: notes args[0], a number of a Tallies table; punts for Reason where MaxHits were noted already
	OpCommit  // adds one packet of args[0] bytes to what was noted in Table since OpTally
	OpKeep    // guard: does to a connection, the row args[0] that the others led to, what the kernel does when it accepts a packet of it; punts for Reason where the kernel watches each
	OpAccount // adds one packet of args[2] bytes to the account of a connection, the row args[0] that was kept, in direction args[1]
	OpPush    // guard: four more bytes behind the MACs; see Shifts. Punts for Reason where there is no room
	OpPop     // guard: the four bytes behind the MACs go; see Shifts
	OpTrim    // takes args[0] bytes off the end of the packet, then adds args[1] zeros; aborts where fewer than MinPacket would be left. Nobody looks at the packet below it
	numOps
)

// Cond compares two unsigned numbers.
type Cond uint8

// The conditions.
const (
	CondNone Cond = iota
	Eq
	Ne
	Lt
	Le
	Gt
	Ge
	AnySet  // a & b != 0
	NoneSet // a & b == 0
	numConds
)

// Meta is something that the hook knows about the frame.
type Meta uint64

// What a hook knows.
const (
	MetaLen     Meta = iota // length of the frame in bytes
	MetaVLAN                // 1 if a VLAN tag stands in the frame's metadata, else 0
	MetaPartial             // 1 if the metadata says that a checksum is yet to be completed, else 0
	MetaBuffer              // 1 if the frame stands in a socket buffer; without one it has no tag and no partial checksum
	numMetas
)

// Counter is a number that programs count per CPU beside the Reasons.
type Counter uint64

// The counters.
const (
	CountFast Counter = iota // forwarded by copied tables
	CountLive                // forwarded by the live lookup
	NumCounters
)

var opNames = [numOps]string{
	OpConst: "const", OpLoad: "load", OpLoadLE: "load.le", OpStore: "store", OpStoreLE: "store.le", OpMeta: "meta",
	OpAdd: "add", OpSub: "sub", OpMul: "mul", OpAnd: "and", OpOr: "or", OpXor: "xor", OpShl: "shl", OpShr: "shr",
	OpFold: "fold", OpSwap16: "swap16", OpSelect: "select", OpMoved: "moved", OpBound: "bound", OpGuard: "guard",
	OpLookup: "lookup", OpField: "field", OpMark: "mark", OpCount: "count",
	OpTally: "tally", OpHit: "hit", OpCommit: "commit",
	OpKeep: "keep", OpAccount: "account", OpPush: "push", OpPop: "pop", OpTrim: "trim",
}

var condNames = [numConds]string{Eq: "eq", Ne: "ne", Lt: "lt", Le: "le", Gt: "gt", Ge: "ge", AnySet: "any", NoneSet: "none"}

var metaNames = [numMetas]string{MetaLen: "len", MetaVLAN: "vlan", MetaPartial: "partial", MetaBuffer: "buffer"}

var counterNames = [NumCounters]string{CountFast: "fast", CountLive: "live"}

// String gives the operation's name in the text form.
func (o Op) String() string {
	if o < numOps && opNames[o] != "" {
		return opNames[o]
	}
	return "op?"
}

// String gives the condition's name in the text form.
func (c Cond) String() string {
	if c < numConds && condNames[c] != "" {
		return condNames[c]
	}
	return "cond?"
}

// String gives the name in the text form.
func (m Meta) String() string {
	if m < numMetas {
		return metaNames[m]
	}
	return "meta?"
}

// String gives the counter's name.
func (c Counter) String() string {
	if c < NumCounters {
		return counterNames[c]
	}
	return "counter?"
}

// Holds tells whether the condition holds for a and b.
func (c Cond) Holds(a, b uint64) bool {
	switch c {
	case Eq:
		return a == b
	case Ne:
		return a != b
	case Lt:
		return a < b
	case Le:
		return a <= b
	case Gt:
		return a > b
	case Ge:
		return a >= b
	case AnySet:
		return a&b != 0
	case NoneSet:
		return a&b == 0
	}
	return false
}

// Not gives the opposite condition.
func (c Cond) Not() Cond {
	return [numConds]Cond{CondNone, Ne, Eq, Ge, Gt, Le, Lt, NoneSet, AnySet}[c]
}

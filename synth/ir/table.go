package ir

import "github.com/hone-net/hone/slowpath"

// TableKind says what a table answers and how its bytes are laid out.
type TableKind uint8

// The kinds of table.
const (
	TableNone TableKind = iota
	// Rows is an array of fixed-size rows: key args[0] is the index (taken modulo Size, a power of two), the result a row.
	Rows
	// LPM maps an IPv4 address (a number, most significant byte first) to a number below 1<<15: a multibit trie of 16-bit
	// words in host byte order. First (16 or 24) bits index the first level; a word with bit 15 set names, in its low 15
	// bits, a block of 256 words indexed by the next 8 bits; blocks follow the first level, Size is their number (a power of
	// two). A word without bit 15 is the answer. Where there is a Focus4, one such word for each value of the FocusBits bits
	// that follow it stands between the first level and the blocks, for its addresses.
	LPM
	// Set maps an IPv4 address to 1 or 0: 1 if it lies in one of Prefixes. The entries are part of the program (inlined
	// compares).
	Set
	// Hash is the kernel's hash map from a 32-bit key (host byte order) to a row. The result may be no row: compare it with
	// zero before its fields are used.
	Hash
	// FIB is the kernel's live IPv4 route lookup (bpf_fib_lookup): the args are source, destination, total length, L4
	// protocol, source port, destination port, TOS; the result a row with the fields of FIBFields. It always answers.
	FIB
	// LPM6 maps an IPv6 address (two numbers, the first 64 bits and the last) to a number below 1<<15: a multibit trie
	// whose nodes skip bits. lpm6.go has its layout. Size is its units of 64 bytes (a power of two), Steps how many nodes a
	// walk visits at most: where it would visit more, the answer is 0. Walks to addresses of Focus begin further down.
	LPM6
	// Set6 is Set for IPv6 addresses, in two numbers as for LPM6; the entries are Prefixes6.
	Set6
	// FIB6 is FIB for IPv6: the args are source and destination (two numbers each), length of the packet with its header,
	// L4 protocol, source port, destination port, and traffic class and flow label as they stand in the low 28 bits of the
	// header's first word.
	FIB6
	// Conntrack is the kernel's live table of connections: the args are source, destination, L4 protocol, source port and
	// destination port of a TCP or UDP packet; the result a row with the fields of ConntrackFields. It always answers, and
	// keeps the entry alive as the packet would. Size is the slots of its flow cache (a power of two).
	Conntrack
	// Conntrack6 is Conntrack for IPv6: source and destination are two numbers each, the fields Conntrack6Fields.
	Conntrack6
	// Tallies counts packets and bytes: Size pairs of 64-bit numbers for each CPU. It is not looked into. Number 0 is of no
	// meaning.
	Tallies
	// Packed is LPM for tables of many prefixes, which it keeps in less memory; packed.go has its layout. Size is its units
	// of UnitPacked bytes and Blocks its blocks (powers of two).
	Packed
	// Keyed is Rows that are found by a number of 64 bits, which stands at the beginning of its row: in one of two rows that
	// keyed.go tells. Past the Size rows (a power of two) there is one more, which is the result for a key that is in none.
	Keyed
)

// FirstLPM is how many bits of the address pick a word of an LPM's first level.
const FirstLPM = 16

// TallySize is the size of a pair of a Tallies table, MaxHits the number of hits that are noted of a packet.
const (
	TallySize = 16
	MaxHits   = 16
)

// Field is a part of a row: Width (1, 2, 4, 8) bytes at Offset (aligned), in host byte order.
type Field struct {
	Name   string
	Offset int
	Width  uint8
}

// Prefix is an IPv4 prefix as numbers: Addr has no bit set past Len.
type Prefix struct {
	Addr uint32
	Len  int
}

// Prefix6 is an IPv6 prefix as numbers: Hi is the first half of the address, Lo the other; neither has a bit set past
// Len.
type Prefix6 struct {
	Hi, Lo uint64
	Len    int
}

// Table is a lookup table of a program. Tables of equal name, kind and shape are shared by the programs of a host.
type Table struct {
	Name     string
	Kind     TableKind
	Domain   slowpath.Domain // whose changes move the contents
	Size     int             // rows, blocks of an LPM, units of an LPM6 or Packed, slots of a Conntrack; a power of two
	Blocks   int             // Packed: blocks, a power of two
	Steps    int             // LPM6: nodes that a walk visits, 1 to MaxSteps
	Leaves   bool            // LPM6: words may name leaves (leaf6.go)
	Focus4   Prefix          // LPM: the same as Focus, of 8 or 16 bits
	Focus    Prefix6         // LPM6: whose addresses are looked up by their next bits; of length 0: none
	RowSize  int             // bytes of a row, a power of two
	Factor   uint64          // Keyed: what the first place of a key is made with, an odd number
	Fields   []Field
	Prefixes []Prefix // Set: the entries

	Prefixes6 []Prefix6 // Set6: the entries

	// Data is the contents of a table in memory that is part of the program and never changes; nil for one that the agent
	// keeps. It is not in the text: the name has to tell it from others.
	Data     []byte
	Tracking Tracking // Conntrack
}

// FIBFields are the fields of a FIB row: ret is bpf_fib_lookup's result (0 is BPF_FIB_LKUP_RET_SUCCESS), oif the
// outgoing interface; mac and smac are laid out as in the nexthop table: mac holds destination MAC and the first two
// bytes of the source MAC as they stand in the frame (little-endian), smac the other four.
var FIBFields = []Field{{"ret", 0, 4}, {"oif", 4, 4}, {"mac", 8, 8}, {"smac", 16, 4}, {"mtu", 20, 2}}

// Field finds a field of the table's rows by name.
func (t *Table) Field(name string) (Field, bool) {
	fields := t.Fields
	if t.Kind.Live() {
		fields = t.Kind.LiveFields()
	}
	for _, f := range fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Bytes is the size of the table's contents in memory: of an LPM, LPM6, Packed, Rows, the flow cache of a Conntrack, or Tallies for
// one CPU; 0 for the other kinds.
func (t *Table) Bytes() int {
	switch t.Kind {
	case Rows:
		return t.Size * t.RowSize
	case Keyed:
		return (t.Size + 1) * t.RowSize
	case LPM:
		return t.blocksAt() + t.Size*512
	case LPM6:
		return (t.Size + 1) * Unit6
	case Conntrack, Conntrack6:
		return ConntrackHead + t.Size*ConntrackSlot + t.Size/ConntrackWays
	case Tallies:
		return t.Size * TallySize
	case Packed:
		return t.NodesAt() + (t.Size+spareUnits)*UnitPacked
	}
	return 0
}

// blocksAt is where the blocks of an LPM begin, in bytes.
func (t *Table) blocksAt() int {
	if t.Focus4.Len > 0 {
		return 2<<FirstLPM + 2<<FocusBits
	}
	return 2 << FirstLPM
}

// Live tells whether the kernel's own lookup answers.
func (k TableKind) Live() bool { return k == FIB || k == FIB6 || k.Tracks() }

// Tracks tells whether that is the one of connections.
func (k TableKind) Tracks() bool { return k == Conntrack || k == Conntrack6 }

// HasRows tells whether a lookup gives a row.
func (k TableKind) HasRows() bool { return k == Rows || k == Keyed || k == Hash || k.Live() }

// InMemory tells whether the contents are memory that the agent writes to in place.
func (k TableKind) InMemory() bool {
	return k == Rows || k == Keyed || k == LPM || k == LPM6 || k == Packed || k == Tallies
}

// keys is how many numbers a lookup takes.
func (k TableKind) keys() int {
	switch k {
	case LPM6, Set6:
		return 2
	case FIB:
		return len(fibBits)
	case FIB6:
		return len(fib6Bits)
	case Conntrack:
		return len(conntrackBits)
	case Conntrack6:
		return len(conntrack6Bits)
	}
	return 1
}

// Write changes bytes of a table in place. Data of 1, 2, 4 or 8 bytes at an aligned Offset is stored at once, never
// torn. For a Hash, Offset is the key and no Data deletes the entry.
type Write struct {
	Table  string
	Offset int
	Data   []byte
}

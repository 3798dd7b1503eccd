package ir

import "fmt"

// ConntrackFields are the fields of a Conntrack row: reason is zero if the packet belongs to an established connection
// that may go on without the kernel, else the number of the slowpath.Reason for which it may not, and then nothing else
// counts. dir is 0 in the direction of the connection's first packet, 1 against it; status and mark are the entry's.
// source, dest, sport and dport are the packet's addresses and ports after their translation, oif the interface that
// its new source was taken from (masquerading), 0 where it may leave by any.
var ConntrackFields = []Field{{"reason", 0, 4}, {"dir", 4, 4}, {"status", 8, 4}, {"mark", 12, 4}, {"source", 16, 4},
	{"dest", 20, 4}, {"sport", 24, 2}, {"dport", 26, 2}, {"oif", 28, 4}}

// Conntrack6Fields are those of a Conntrack6 row: addresses are two numbers.
var Conntrack6Fields = []Field{{"reason", 0, 4}, {"dir", 4, 4}, {"status", 8, 4}, {"mark", 12, 4}, {"sourcehi", 16, 8},
	{"sourcelo", 24, 8}, {"desthi", 32, 8}, {"destlo", 40, 8}, {"sport", 48, 2}, {"dport", 50, 2}, {"oif", 52, 4}}

// Bits of status that programs ask for (enum ip_conntrack_status).
const (
	StatusSourceNAT = 1 << 4 // IPS_SRC_NAT: the first packet's source was translated
	StatusDestNAT   = 1 << 5 // IPS_DST_NAT

	// StatusSpecial is what only the kernel deals with: adjusted sequence numbers, a time-out that is not to be moved, a
	// template, what is not tracked or clashes, a helper, either kind of offload.
	StatusSpecial = 1<<6 | 1<<10 | 1<<11 | 1<<12 | 1<<13 | 1<<14 | 1<<15
)

// The flow cache of a Conntrack table. Its slots, four of them a line of the processor's cache, follow two lines of head: what
// every packet needs, and what is only for those that are in no slot. Behind the slots is a byte for each of their lines: the
// moment when one of these was last filled. Most packets of connections that are in no slot are told by it, and these bytes are
// so few that they stay close to the processor, while slots do not.
const (
	ConntrackHead = 128
	ConntrackSlot = 16
	ConntrackWays = 4
	maxSlots      = 1 << 22
)

// Tracking is what a Conntrack table knows of how connections are tracked in this namespace.
type Tracking struct {
	TCP     uint32 // seconds that an established connection lives without packets, 0 if none is to go on without the kernel
	UDP     uint32 // the same for a stream of UDP
	NAT     bool   // addresses are translated: the hooks for it are registered
	Liberal bool   // the kernel watches the windows of no TCP connection
	Account bool   // the kernel counts packets and bytes of each connection, so that programs have to, too
}

// maxTimeout is the most seconds that bpf_ct_change_timeout takes, in milliseconds.
const maxTimeout = (1<<32 - 1) / 1000

func (t *Table) checkConntrack() error {
	if !powerOfTwo(t.Size, maxSlots) || t.Size < ConntrackWays {
		return fmt.Errorf("%d slots", t.Size)
	}
	for _, seconds := range []uint32{t.Tracking.TCP, t.Tracking.UDP} {
		if seconds == 1 || seconds > maxTimeout {
			return fmt.Errorf("connections live %d seconds", seconds)
		}
	}
	return nil
}

// conntrackBits and conntrack6Bits are the bits of each operand of a lookup that count: source, destination, L4
// protocol, source port, destination port.
var (
	conntrackBits  = [...]uint{32, 32, 8, 16, 16}
	conntrack6Bits = [...]uint{64, 64, 64, 64, 8, 16, 16}
)

// LiveFields are the fields of the rows that the kernel's own lookups give.
func (k TableKind) LiveFields() []Field {
	switch k {
	case FIB, FIB6:
		return FIBFields
	case Conntrack:
		return ConntrackFields
	case Conntrack6:
		return Conntrack6Fields
	}
	return nil
}

// LiveRow is the size of the rows that the kernel's own lookup gives.
func (k TableKind) LiveRow() int {
	n := 0
	for _, f := range k.LiveFields() {
		n = max(n, f.Offset+int(f.Width))
	}
	return n
}

func (e *evaluator) account(v *Value) {
	sum := &e.env.Account[e.num[v.Args[1].ID]&1]
	sum.Packets, sum.Bytes = sum.Packets+1, sum.Bytes+e.num[v.Args[2].ID]
	e.trace("account")
}

package control

import (
	"net/netip"
	"time"
)

// States of an interface.
const (
	StateFast   = "fast"   // has a fast path
	StateParked = "parked" // has a program that hands everything to the kernel for now
	StateKernel = "kernel" // is left to the kernel
	StateFailed = "failed" // would have a fast path, but the program could not be made or attached
)

// Status is what the agent does at the moment.
type Status struct {
	Version    string      `json:"version"`
	Netns      string      `json:"netns"` // empty for the first namespace
	PID        int         `json:"pid"`
	Started    time.Time   `json:"started"`
	Disabled   bool        `json:"disabled"`   // switched off as a whole
	Coherent   bool        `json:"coherent"`   // every announced change is accounted for
	Interfaces []Interface `json:"interfaces"` // all but loopback, by index
	Tables     Tables      `json:"tables"`
	Agent      Agent       `json:"agent"`
}

// Interface is one network interface and what was decided for it.
type Interface struct {
	Name     string    `json:"name"`
	Index    int       `json:"index"`
	State    string    `json:"state"`
	Mode     string    `json:"mode,omitempty"`   // native or generic
	Reason   string    `json:"reason,omitempty"` // why it is not fast: a slowpath.Reason
	Detail   string    `json:"detail,omitempty"` // the cause in words
	Left     []Left    `json:"left,omitempty"`   // families that are all the kernel's, of one that is fast
	Program  *Program  `json:"program,omitempty"`
	Counters *Counters `json:"counters,omitempty"`
}

// Left is a family of packets that an interface with a fast path leaves to the kernel as a whole.
type Left struct {
	Family string `json:"family"` // ipv4 or ipv6
	Reason string `json:"reason"` // a slowpath.Reason
	Detail string `json:"detail"` // the cause in words
}

// Idle tells whether nobody has any use for the family here.
func (l Left) Idle() bool { return l.Reason == "not-forwarding" || l.Reason == "no-ipv6" }

// Program is the program on an interface.
type Program struct {
	ID           uint32 `json:"id"`
	Instructions int    `json:"instructions"`
	JITed        int    `json:"jited_bytes"`
}

// Counters count an interface's packets since its program came, which may have been exchanged since.
type Counters struct {
	Fast  uint64            `json:"fast"`  // forwarded by copied tables
	Live  uint64            `json:"live"`  // forwarded after the kernel's own lookup
	Punts map[string]uint64 `json:"punts"` // handed to the kernel, by slowpath.Reason
}

// Punted sums the packets that were handed to the kernel.
func (c *Counters) Punted() uint64 {
	var n uint64
	for _, p := range c.Punts {
		n += p
	}
	return n
}

// Tables tells how much configuration stands behind the programs.
type Tables struct {
	Routes     int `json:"routes"`
	Neighbours int `json:"neighbours"`
	Rules      int `json:"rules"`   // of nftables, and base chains, that forwarded packets may meet
	Entries    int `json:"entries"` // of the forwarding databases of bridges
	Bytes      int `json:"bytes"`   // of the shared lookup tables
}

// Agent tells what the agent itself did since it started.
type Agent struct {
	Snapshots uint64        `json:"snapshots"` // configurations that differed
	Updates   uint64        `json:"updates"`   // answered by table writes alone
	Attached  uint64        `json:"attached"`
	Swapped   uint64        `json:"swapped"`
	Detached  uint64        `json:"detached"`
	Failures  uint64        `json:"failures"`
	Last      time.Duration `json:"last_ns"` // from a configuration to programs vouched for, the last one
	Error     string        `json:"error,omitempty"`
	Simple    string        `json:"simple,omitempty"` // what programs do not follow of a ruleset that is more than they can be
}

// Plan is what would be done for each interface, without doing it.
type Plan struct {
	Interfaces []Planned `json:"interfaces"`
	Tables     Tables    `json:"tables"`
}

// Planned is what would be done for one interface.
type Planned struct {
	Name         string `json:"name"`
	Index        int    `json:"index"`
	Accelerate   bool   `json:"accelerate"`
	Mode         string `json:"mode,omitempty"`
	Reason       string `json:"reason,omitempty"`
	Detail       string `json:"detail,omitempty"`
	Instructions int    `json:"instructions,omitempty"`
	Left         []Left `json:"left,omitempty"` // families that are all the kernel's all the same
}

// Tallies is what programs have counted for counters of the nftables ruleset, beside what the kernel has.
type Tallies struct {
	PID      int     `json:"pid"` // of honed, in whose network namespace the ruleset is
	Counters []Tally `json:"counters"`
}

// Tally is what programs have counted for one counter.
type Tally struct {
	Family      string `json:"family"` // ip, ip6 or inet
	Table       string `json:"table"`
	TableHandle uint64 `json:"table_handle"`
	Chain       string `json:"chain,omitempty"`  // of a rule or a policy
	Object      string `json:"object,omitempty"` // the name of a named counter
	Handle      uint64 `json:"handle"`           // of the rule or the named counter; 0 is the policy of the chain
	Nth         int    `json:"nth"`              // which of the rule's counters
	Packets     uint64 `json:"packets"`
	Bytes       uint64 `json:"bytes"`
}

// Accounts is what programs have counted for the tracked connections that go on, beside what the kernel has.
type Accounts struct {
	PID         int       `json:"pid"` // of honed, in whose network namespace the connections are
	Connections []Account `json:"connections"`
}

// Account is what programs have counted for one connection.
type Account struct {
	Protocol    uint8          `json:"protocol"`
	Source      netip.AddrPort `json:"source"` // of its first packet
	Destination netip.AddrPort `json:"destination"`
	Original    Sum            `json:"original"` // in the direction of that
	Reply       Sum            `json:"reply"`
}

// Sum is packets and their bytes, without Ethernet's.
type Sum struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Explanation tells what happens to one packet.
type Explanation struct {
	Packet    string   `json:"packet"`              // its description
	Interface string   `json:"interface"`           // where it arrives
	Path      string   `json:"path"`                // fast, live or kernel
	Reason    string   `json:"reason,omitempty"`    // why the kernel handles it
	Detail    string   `json:"detail,omitempty"`    // the same in words
	Out       string   `json:"out,omitempty"`       // the interface that it leaves by
	Route     string   `json:"route,omitempty"`     // the route that the configuration holds for its destination, once that is translated
	Neighbour string   `json:"neighbour,omitempty"` // the neighbour that the route leads to
	Bridge    string   `json:"bridge,omitempty"`    // what the bridge knows of its addresses, where it arrives on a port of one
	Before    string   `json:"before"`              // the frame, hexadecimal
	After     string   `json:"after,omitempty"`     // the frame as it leaves
	Rules     []Visit  `json:"rules,omitempty"`     // the rules of the ruleset that it meets, in order
	Ruleset   string   `json:"ruleset,omitempty"`   // what they do with it: accepted, dropped, left to the kernel, or accepted, and not forwarded
	Tracking  string   `json:"tracking,omitempty"`  // what the tracking of connections means to it
	Trace     []string `json:"trace,omitempty"`     // the steps of the program
}

// Visit is a rule, or the policy of a base chain, that a packet meets.
type Visit struct {
	Hook    string `json:"hook"` // prerouting, forward or postrouting
	Family  string `json:"family"`
	Table   string `json:"table"`
	Chain   string `json:"chain"`
	Handle  uint64 `json:"handle,omitempty"` // none: the policy
	Comment string `json:"comment,omitempty"`
	Matches bool   `json:"matches"`
	Outcome string `json:"outcome,omitempty"` // of one that matches
}

// Doctor is what the machine allows, check by check.
type Doctor struct {
	Checks []Check  `json:"checks"`
	Silent []Silent `json:"silent"`
}

// Outcomes of a check.
const (
	OK      = "ok"
	Warning = "warning" // works, at a price that the detail names
	Failure = "failure" // hone cannot work here
)

// Check is one question and its answer.
type Check struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail"`
}

// Silent is a change that the kernel does not announce, and within what time it is noticed.
type Silent struct {
	Change    string        `json:"change"`
	Mechanism string        `json:"mechanism"`
	Bound     time.Duration `json:"bound_ns"`
}

// Switched is the answer to enable and disable.
type Switched struct {
	Disabled   bool     `json:"disabled"`   // everything
	Interfaces []string `json:"interfaces"` // those switched off by name
}

// Event is something that the agent did.
type Event struct {
	Time      time.Time     `json:"time"`
	Kind      string        `json:"kind"` // attach, swap, detach, simplify, fail, enable, disable; update: a configuration was dealt with
	Interface string        `json:"interface,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Detail    string        `json:"detail,omitempty"`
	Took      time.Duration `json:"took_ns,omitempty"`
}

// Error is the document of a failed request.
type Error struct {
	Message string `json:"error"`
}

package introspect

import "strings"

// Kind is a set of kinds of object, those of both families but for routes.
type Kind uint16

// The kinds, one bit each. Silent is all that no notification carries: taps, sysctls, hooks, TCX programs, and the
// links' XDP and VLAN features.
const (
	Links Kind = 1 << iota
	Addrs
	Routes4
	Rules
	Nexthops
	Neighs
	Netconfs
	Qdiscs
	Filters
	Routes6
	FDB
	VLANs
	Silent
	Announced = Silent - 1 // all that rtnetlink announces
)

var kindNames = []string{"links", "addrs", "routes4", "rules", "nexthops", "neighs", "netconfs", "qdiscs", "filters",
	"routes6", "fdb", "vlans", "silent"}

// String lists the kinds in the set.
func (k Kind) String() string {
	var names []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// Effect is what a message does beside what it says: after it, the kinds in Resync have to be read anew, because the
// kernel changes objects of them without a message of their own. Of the IPv4 routes it may be only those that lead over
// some links, which are in Over. Ports are links, and Entries keys of FDB, that have to be asked for one by one.
type Effect struct {
	Resync  Kind
	Over    []Index
	Ports   []Index
	Entries []FDBKey
}

package introspect

import (
	"github.com/hone-net/hone/slowpath"
	"golang.org/x/sys/unix"
)

// domains is a set of slowpath.Domain, one bit each.
type domains uint8

// The domains that announcements move. Each but nothing moves slowpath.Any, too, and what moves Config moves FDB: bridges
// go by both, and ask for one. The far ends of cables matter to bridges alone.
const (
	nothing    domains = 0
	toConfig           = domains(1<<slowpath.Any | 1<<slowpath.Config | 1<<slowpath.FDB)
	toRoute4           = domains(1<<slowpath.Any | 1<<slowpath.Route4)
	toRoute6           = domains(1<<slowpath.Any | 1<<slowpath.Route6)
	toNeigh            = domains(1<<slowpath.Any | 1<<slowpath.Neigh)
	toFDB              = domains(1<<slowpath.Any | 1<<slowpath.FDB)
	toFar              = domains(1 << slowpath.FDB)
	everything         = toConfig | toRoute4 | toRoute6 | toNeigh | toFDB
)

// class says which domains a message moves, by its type and the family in the first byte of its payload.
type class struct {
	types  []uint16
	family uint8 // 0 for any
	moves  domains
}

// classes is the one table by which the filter counts an announcement while the kernel makes it, and the reader after it
// has folded it. The first class that fits decides; what fits none moves Config. A link, an address or a nexthop object
// takes routes, neighbours and entries of bridges with it. What a
// device has learned by itself, such as a VXLAN, does not count.
var classes = []class{
	{[]uint16{unix.RTM_NEWROUTE, unix.RTM_DELROUTE}, unix.AF_INET, toRoute4},
	{[]uint16{unix.RTM_NEWROUTE, unix.RTM_DELROUTE}, unix.AF_INET6, toRoute6},
	{[]uint16{unix.RTM_NEWROUTE, unix.RTM_DELROUTE}, 0, nothing},
	{[]uint16{unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH}, unix.AF_INET, toNeigh},
	{[]uint16{unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH}, unix.AF_INET6, toNeigh},
	{[]uint16{unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH}, unix.AF_BRIDGE, toFDB},
	{[]uint16{unix.RTM_NEWLINK, unix.RTM_DELLINK}, 0, everything},
	{[]uint16{unix.RTM_NEWADDR, unix.RTM_DELADDR}, 0, everything},
	{[]uint16{rtmNewPrefix}, 0, toConfig | toRoute6},
	{[]uint16{unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP}, 0, everything},
}

// classify finds the domains that a datagram moves, by its first message.
func classify(datagram []byte) domains {
	if len(datagram) < classified {
		return everything
	}
	kind, family := native.Uint16(datagram[4:]), datagram[unix.SizeofNlMsghdr]
	for _, c := range classes {
		for _, t := range c.types {
			if t == kind && (c.family == 0 || c.family == family) {
				switch c.moves {
				case toRoute4, toRoute6:
					return classifyRoute(datagram, c.moves)
				case toFDB:
					return classifyEntry(datagram)
				}
				return c.moves
			}
		}
	}
	return toConfig
}

// rtmNewPrefix announces a prefix in a router's advertisement, after which its route may have an end, or another.
const rtmNewPrefix = 52

// classified is how much of a datagram tells its class: the header and the first word of the payload.
const classified = unix.SizeofNlMsghdr + 4

// add counts one announcement.
func (d domains) add(e *slowpath.Epochs) {
	for i := range e {
		if d&(1<<i) != 0 {
			e[i]++
		}
	}
}

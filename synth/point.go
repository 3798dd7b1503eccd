package synth

import (
	"net/netip"

	"github.com/hone-net/hone/introspect"
)

// point is a prefix of either family, in the form that is cheapest for it.
type point[P any] interface {
	comparable
	len() int
	width() int // bits of an address
	covers(P) bool
	compare(P) int
	netip() netip.Prefix
	String() string
}

// family is what is particular to an address family.
type family[P point[P]] struct {
	of          func(netip.Prefix) P
	has         func(netip.Addr) bool
	routes      func(*introspect.Snapshot) introspect.Map[introspect.RouteKey, introspect.Route]
	learned     func(*introspect.Snapshot) introspect.Map[introspect.Address, introspect.Exception]
	six         bool
	unspecified netip.Addr                  // the address of zeros
	martians    []P                         // prefixes of which no address is ever a fast packet's
	plain       func(introspect.Route) bool // whether the live lookup answers as the kernel would
	policy      introspect.Name             // the sysctl that says what of a packet chooses between nexthops
}

// host is the prefix of one address.
func (f *family[P]) host(a netip.Addr) P { return f.of(netip.PrefixFrom(a, a.BitLen())) }

// martian tells whether every address of a prefix is martian.
func (f *family[P]) martian(p P) bool {
	for _, m := range f.martians {
		if m.covers(p) {
			return true
		}
	}
	return false
}

var ipv4 = &family[prefix]{
	of: prefixOf, has: netip.Addr.Is4, martians: martians, policy: "ipv4/fib_multipath_hash_policy", plain: plain,
	unspecified: netip.IPv4Unspecified(),
	routes:      func(s *introspect.Snapshot) introspect.Map[introspect.RouteKey, introspect.Route] { return s.Routes4 },
	learned: func(s *introspect.Snapshot) introspect.Map[introspect.Address, introspect.Exception] {
		return s.Learned4
	},
}

var ipv6 = &family[prefix6]{
	of: prefixOf6, has: netip.Addr.Is6, six: true, martians: martians6, policy: "ipv6/fib_multipath_hash_policy", plain: plain6,
	unspecified: netip.IPv6Unspecified(),
	routes:      func(s *introspect.Snapshot) introspect.Map[introspect.RouteKey, introspect.Route] { return s.Routes6 },
	learned: func(s *introspect.Snapshot) introspect.Map[introspect.Address, introspect.Exception] {
		return s.Learned6
	},
}

// lpm is the contents of a table that answers with the row of the longest prefix. Its changes are noted as writes, in an
// order in which a program that looks meanwhile finds the old or the new answer.
type lpm[P any] interface {
	set(p P, row uint16)
	remove(p P)
	entry(p P) (row uint16, ok bool)
	cover(p P, length int) (P, bool) // the longest entry of at most length bits that covers p
	each(func(p P, row uint16))      // in no order; set may be called of what is there
	size() int                       // entries
	flush()                          // writes what has changed

	seal(least ViewShape) // gives the table its size, once it is built
	shape() ViewShape
	larger() ViewShape // the least shape of a table that replaces this one
	maximal() bool     // no larger one would hold more
	misplaced() bool   // another one, of the same size, would be faster
	image() []byte
}

package slowpath

import "fmt"

// Domain is a part of the configuration whose changes are counted by one word (an epoch). The kernel-side filter of
// package introspect bumps the words of `seen` while the kernel announces a change; every loaded program carries its
// own `built` words; a decision by copied facts is allowed only while the two are equal.
type Domain uint8

// The domains. Any moves with every change of any other domain, so that one compare guards the hot path.
const (
	Any    Domain = iota // moves with each of the others
	Config               // links, addresses, rules, nexthop objects, netconf, sysctls, tc, netfilter, XFRM, taps
	Route4               // IPv4 routes
	Route6               // IPv6 routes
	Neigh                // neighbours
	FDB                  // forwarding databases of bridges, and all that moves Config
	NumDomains
)

// Epochs counts, for each Domain, the announcements that were seen or folded. The layout is that of the `seen` and
// `built` maps: NumDomains consecutive 64-bit words in host byte order.
type Epochs [NumDomains]uint64

// Never is a word that `seen` never holds: it starts at zero and counts up.
const Never = ^uint64(0)

// Parked are the epochs of a program that is vouched for never.
func Parked() (e Epochs) {
	for d := range e {
		e[d] = Never
	}
	return e
}

var domainNames = [NumDomains]string{"any", "config", "route4", "route6", "neigh", "fdb"}

// String gives the domain's name.
func (d Domain) String() string {
	if d < NumDomains {
		return domainNames[d]
	}
	return fmt.Sprintf("domain-%d", uint8(d))
}

// ParseDomain finds a Domain by its name.
func ParseDomain(name string) (Domain, error) {
	for i, n := range domainNames {
		if n == name {
			return Domain(i), nil
		}
	}
	return 0, fmt.Errorf("slowpath: parse domain %q: no such domain", name)
}

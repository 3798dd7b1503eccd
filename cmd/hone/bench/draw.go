package bench

import (
	"math/rand/v2"
	"net/netip"
	"sort"
)

// within is an address in a prefix, not one of its own: 1 or 9 from its beginning where that fits.
func within(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	if free := p.Addr().BitLen() - p.Bits(); free >= 4 {
		b[len(b)-1] |= 9
	} else if free >= 1 {
		b[len(b)-1] |= 1
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// uniform draws so many targets from the prefixes, each as likely as any other.
func uniform(prefixes []netip.Prefix, count int) []netip.Addr {
	w := rand.New(rand.NewPCG(5, 6))
	all := make([]netip.Addr, count)
	for i := range all {
		all[i] = within(prefixes[w.IntN(len(prefixes))])
	}
	return all
}

// zipf draws so many targets by Zipf's law with the exponent 1: the prefix of rank n, which is any, is n times less likely than
// the first.
func zipf(prefixes []netip.Prefix, count int) []netip.Addr {
	w := rand.New(rand.NewPCG(7, 8))
	sums, sum := make([]float64, len(prefixes)), 0.0
	for i := range sums {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	rank := w.Perm(len(prefixes))
	all := make([]netip.Addr, count)
	for i := range all {
		n := min(sort.SearchFloat64s(sums, w.Float64()*sum), len(rank)-1)
		all[i] = within(prefixes[rank[n]])
	}
	return all
}

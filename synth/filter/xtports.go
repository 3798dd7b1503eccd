package filter

import (
	"math"
	"slices"
)

// portSet is ports in ranges that neither touch nor overlap, in order.
type portSet [][2]uint16

// add adds a range; one that ends before it begins has nothing in it.
func (s *portSet) add(first, last uint16) {
	if first > last {
		return
	}
	all := append(*s, [2]uint16{first, last})
	slices.SortFunc(all, func(a, b [2]uint16) int { return int(a[0]) - int(b[0]) })
	merged := all[:1]
	for _, r := range all[1:] {
		if end := &merged[len(merged)-1][1]; int(r[0]) <= int(*end)+1 {
			*end = max(*end, r[1])
		} else {
			merged = append(merged, r)
		}
	}
	*s = merged
}

// others are the ports that are not in the set.
func (s portSet) others() (o portSet) {
	next := 0
	for _, r := range s {
		if next < int(r[0]) {
			o = append(o, [2]uint16{uint16(next), r[0] - 1})
		}
		next = int(r[1]) + 1
	}
	if next <= math.MaxUint16 {
		o = append(o, [2]uint16{uint16(next), math.MaxUint16})
	}
	return o
}

func (s portSet) elements() (all []element) {
	for _, r := range s {
		all = append(all, element{portsFrom(r[0], r[1])})
	}
	return all
}

// either are the pairs of ports of which one is in the set, without any two that overlap.
func (s portSet) either() (all []element) {
	for _, r := range s {
		all = append(all, element{portsFrom(r[0], r[1]), portsFrom(0, math.MaxUint16)})
		for _, o := range s.others() {
			all = append(all, element{portsFrom(o[0], o[1]), portsFrom(r[0], r[1])})
		}
	}
	return all
}

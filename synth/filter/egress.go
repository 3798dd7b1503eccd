package filter

import (
	"slices"

	"github.com/hone-net/hone/introspect"
)

// mostEgress bounds the interfaces that are tried where a rule asks by which one a packet leaves.
const mostEgress = 1 << 10

// region is regionOf where cells may depend on the interface that the packet leaves by: each of them is tried.
func (p *Path) region(parts [][]cell, all []element) (*region, bool) {
	if slices.ContainsFunc(parts, ofValues) {
		return nil, false
	}
	if !slices.ContainsFunc(parts, dependent) {
		return regionOf(parts, all)
	}
	if p.snapshot.Links.Len() > mostEgress {
		return nil, false
	}
	sum := &region{}
	for _, l := range p.snapshot.Links.All() {
		some, ok := regionOf(leavingBy(parts, l), all)
		if !ok {
			return nil, false
		}
		sum.keys = append([]Key{{OIF, OIF.most()}}, some.keys...)
		for n, b := range some.boxes {
			sum.boxes = append(sum.boxes, append(box{exactly(uint64(l.Index))}, b...))
			sum.of = append(sum.of, some.of[n])
		}
	}
	return sum, true
}

func dependent(cells []cell) bool {
	return slices.ContainsFunc(cells, func(c cell) bool { return c.state == cellEgress })
}

func ofValues(cells []cell) bool {
	return slices.ContainsFunc(cells, func(c cell) bool { return c.state == cellValue })
}

// leavingBy fills in what an interface has.
func leavingBy(parts [][]cell, l introspect.Link) [][]cell {
	known := make([][]cell, len(parts))
	for i, cells := range parts {
		known[i] = slices.Clone(cells)
		for n, c := range cells {
			if c.state == cellEgress {
				known[i][n] = c.of(l)
			}
		}
	}
	return known
}

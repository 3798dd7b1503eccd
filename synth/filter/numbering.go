package filter

import "encoding/binary"

// numbering numbers sets of boxes in the order in which they are met.
type numbering struct {
	number map[string]int
	sets   [][]uint64
	ends   []uint64 // boxes behind which no other one of a set matters
	key    []byte
	work   int
}

func newNumbering(ends []uint64) *numbering {
	return &numbering{number: map[string]int{}, ends: ends, key: make([]byte, 8*len(ends))}
}

func (n *numbering) of(set []uint64) int {
	matter := ^uint64(0)
	for i, w := range set {
		w &= matter
		if ends := w & n.ends[i]; ends != 0 {
			w &= ends ^ (ends - 1)
			matter = 0
		}
		binary.NativeEndian.PutUint64(n.key[8*i:], w)
	}
	n.work += len(set)
	id, ok := n.number[string(n.key)]
	if !ok {
		id = len(n.sets)
		n.number[string(n.key)] = id
		n.sets = append(n.sets, n.decode())
	}
	return id
}

// words is how large its sets are.
func (n *numbering) words() int { return len(n.sets) * len(n.ends) }

func (n *numbering) decode() []uint64 {
	set := make([]uint64, len(n.ends))
	for i := range set {
		set[i] = binary.NativeEndian.Uint64(n.key[8*i:])
	}
	return set
}

package irtest

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// front writes the front of an LPM6 with leaves, and the way to an address.
func (n *nodes) front(addr [2]uint64) {
	first, bits := ir.First6(addr[0])
	lines := []uint32{n.line(bits, addr), n.line(0, addr), n.line(ir.FrontEnd6, addr)}
	for i := range ir.FrontWords6 {
		binary.NativeEndian.PutUint32(n.data[ir.Unit6+4*i:], lines[i%len(lines)])
	}
	binary.NativeEndian.PutUint32(n.data[ir.Unit6+4*first:], n.fork(bits, ir.FrontSteps6, addr))
}

// fork makes a fork, or a line, for the addresses that share their first skip bits with one address.
func (n *nodes) fork(skip, left int, addr [2]uint64) (word uint32) {
	if left == 0 || oneIn(n.Rand, 4) {
		return n.line(skip, addr)
	}
	window := pick(n.Rand, 1, 4, 8, 1+n.IntN(12))
	unit := n.next
	n.next += (4<<window + ir.Unit6 - 1) / ir.Unit6
	other := n.line(skip+window, addr)
	for i := range 1 << window {
		binary.NativeEndian.PutUint32(n.data[unit*ir.Unit6+4*i:], other)
	}
	index := addr[0] << skip >> (64 - window)
	binary.NativeEndian.PutUint32(n.data[unit*ir.Unit6+4*int(index):], n.fork(skip+window, left-1, addr))
	return ir.FrontWord6(unit, skip, window)
}

// line makes a line, or a head, behind which are as many lines as it may lead to.
func (n *nodes) line(skip int, addr [2]uint64) (word uint32) {
	at := n.next
	if n.next++; !oneIn(n.Rand, 3) {
		return n.search(at, skip, 0, addr)
	}
	n.next += ir.MostBounds6 // side by side, whatever nodes they lead to
	for i := range ir.MostBounds6 {
		n.search(at+1+i, skip, 0, addr)
	}
	return n.search(at, skip, ir.Head6, addr)
}

// search makes a unit that is searched, some of whose answers lead to a node.
func (n *nodes) search(at, skip, window int, addr [2]uint64) (word uint32) {
	word = ir.FrontWord6(at, skip, window)
	line := n.data[at*ir.Unit6:][:ir.Unit6]
	binary.NativeEndian.PutUint32(line, word)
	deep := oneIn(n.Rand, 2)
	fillLine(n.Rand, line, uint32(addr[0]<<skip>>(64-ir.KeyBits6)), deep)
	if deep {
		n.put(at*ir.Unit6+ir.Deep6, skip, addr)
	}
	return word
}

// fillLine writes the numbers and answers of a line; deep allows for what is no answer.
func fillLine(r *rand.Rand, line []byte, key uint32, deep bool) {
	starts := make([]uint32, ir.MostBounds6)
	for i := range starts {
		starts[i] = pick(r, key, key+1, key-1, 0, ir.EndKey6, ir.EndKey6-1, r.Uint32N(ir.EndKey6)) % (ir.EndKey6 + 1)
	}
	slices.Sort(starts)
	for i, start := range starts {
		binary.NativeEndian.PutUint32(line[ir.Bounds6+4*i:], ir.EndKey6-start)
	}
	for i := range ir.MostBounds6 + 1 {
		answer := uint16(r.IntN(16))
		if deep && oneIn(r, 2) {
			answer = ir.NoAnswer6 | answer&1
		}
		binary.NativeEndian.PutUint16(line[ir.Answers6+2*i:], answer)
	}
}

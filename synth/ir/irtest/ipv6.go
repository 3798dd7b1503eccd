package irtest

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/hone-net/hone/synth/ir"
)

// address6 is mostly one of few, so that tables and packets meet.
func address6(r *rand.Rand) (hi, lo uint64) {
	hi = pick(r, 0, 0x20010db8<<32|uint64(r.IntN(4)), 0x20010db8<<32, 0xfe80<<48)
	lo = pick(r, 1, uint64(r.IntN(4)), uint64(r.IntN(4))<<48, r.Uint64())
	if oneIn(r, 8) {
		hi = r.Uint64()
	}
	return hi, lo
}

func prefixes6(r *rand.Rand) (all []ir.Prefix6) {
	for range r.IntN(5) {
		p := ir.Prefix6{Len: pick(r, 128, 128, 127, 64, 64, 48, r.IntN(129))}
		hi, lo := address6(r)
		maskHi, maskLo := p.Mask()
		p.Hi, p.Lo = hi&maskHi, lo&maskLo
		all = append(all, p)
	}
	return all
}

// focus is one that an LPM6 may have.
func focus(r *rand.Rand) ir.Prefix6 {
	p := ir.Prefix6{Len: pick(r, 16, 32, 48, 56, 64, ir.MostFocus, 8*(1+r.IntN(ir.MostFocus/8)))}
	hi, lo := address6(r)
	maskHi, maskLo := p.Mask()
	p.Hi, p.Lo = hi&maskHi, lo&maskLo
	return p
}

// trie6 is contents of an LPM6, more nodes deep than walks may be.
func trie6(r *rand.Rand, t *ir.Table) []byte {
	n := nodes{Rand: r, data: make([]byte, t.Bytes()), size: t.Size, next: 1}
	hi, lo := address6(r)
	if t.Leaves {
		n.next += ir.FrontUnits6
		n.front([2]uint64{hi, lo})
		return n.data
	}
	if t.Focus.Len > 0 {
		n.next += ir.FocusUnits
		n.focus(t.Focus, hi, lo)
	}
	n.put(0, 0, [2]uint64{hi, lo})
	return n.data
}

// focus writes the words of a focus, and the way to an address in it that ends like another.
func (n *nodes) focus(p ir.Prefix6, hi, lo uint64) {
	words := n.data[ir.Unit6:][:4<<ir.FocusBits]
	for i := 0; i < len(words); i += 4 {
		words[i] = byte(i>>2*7+i>>10) & 15
	}
	maskHi, maskLo := p.Mask()
	hi, lo = hi&^maskHi|p.Hi, lo&^maskLo|p.Lo
	index := hi
	if p.Len >= 64 {
		index = lo << (p.Len - 64)
	} else {
		index = hi<<p.Len | lo>>(64-p.Len)
	}
	n.put(ir.Unit6+4*int(index>>(64-ir.FocusBits)), p.Len+ir.FocusBits, [2]uint64{hi, lo})
}

// nodes builds the nodes of an LPM6 along the way to addresses.
type nodes struct {
	*rand.Rand
	data []byte
	size int
	next int // unit that is free
}

// put writes a word for the addresses that share their first skip bits with one address.
func (n *nodes) put(at, skip int, addr [2]uint64) {
	window := 1 + n.IntN(5)
	units := (ir.Words6 + 4<<window + ir.Unit6 - 1) / ir.Unit6
	if n.next+units > n.size || skip > 127 || at > 0 && oneIn(n.Rand, 8) {
		binary.NativeEndian.PutUint32(n.data[at:], uint32(n.IntN(16)))
		return
	}
	half := skip / 64
	start := min(skip+pick(n.Rand, 0, 3, 16, 64, n.IntN(64)), 64*half+64-window)
	window = min(window, 64*half+64-max(start, skip))
	start = max(start, skip)
	binary.NativeEndian.PutUint32(n.data[at:], ir.Word6(n.next, start, window))
	at = n.next * ir.Unit6
	n.next += units
	right := 64*half + 64 - start - window
	index := addr[half] >> right & (1<<window - 1)
	binary.NativeEndian.PutUint64(n.data[at:], addr[half]>>right-index)
	binary.NativeEndian.PutUint32(n.data[at+ir.Other6:], uint32(n.IntN(16)))
	for i := range uint64(1) << window {
		binary.NativeEndian.PutUint32(n.data[at+ir.Words6+4*int(i):], uint32(n.IntN(16)))
	}
	n.put(at+ir.Words6+4*int(index), start+window, addr)
	if i := n.Uint64N(1 << window); i != index && oneIn(n.Rand, 2) {
		other := addr
		other[half] ^= (i ^ index) << right
		n.put(at+ir.Words6+4*int(i), start+window, other)
	}
}

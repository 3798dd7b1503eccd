package synth

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"

	"github.com/hone-net/hone/synth/ir"
)

// prefix6 is an IPv6 prefix: the address as two numbers, most significant first, and the length. No bit past the length
// is set.
type prefix6 struct {
	hi, lo uint64
	bits   uint8
}

func prefixOf6(p netip.Prefix) prefix6 {
	hi, lo := addr6(p.Addr())
	return newPrefix6(hi, lo, p.Bits())
}

func newPrefix6(hi, lo uint64, length int) prefix6 {
	maskHi, maskLo := maskOf6(length)
	return prefix6{hi & maskHi, lo & maskLo, uint8(length)}
}

func hostPrefix6(a netip.Addr) prefix6 { return prefixOf6(netip.PrefixFrom(a, 128)) }

func (p prefix6) len() int { return int(p.bits) }

func (p prefix6) width() int { return 128 }

// covers tells whether every address of q is one of p.
func (p prefix6) covers(q prefix6) bool {
	return p.bits <= q.bits && newPrefix6(q.hi, q.lo, p.len()) == p
}

func (p prefix6) compare(q prefix6) int {
	return cmp.Or(cmp.Compare(p.hi, q.hi), cmp.Compare(p.lo, q.lo), cmp.Compare(p.bits, q.bits))
}

func (p prefix6) netip() netip.Prefix { return netip.PrefixFrom(netipAddr6(p.hi, p.lo), p.len()) }

func (p prefix6) cut(length int) prefix6 { return newPrefix6(p.hi, p.lo, length) }

func (p prefix6) ir() ir.Prefix6 { return ir.Prefix6{Hi: p.hi, Lo: p.lo, Len: p.len()} }

// half is the half of the address that has a bit.
func (p prefix6) half(bit int) uint64 {
	if bit < 64 {
		return p.hi
	}
	return p.lo
}

// part is the n bits from the one at from on, which are all in one half.
func (p prefix6) part(from, n int) int { return int(p.half(from) << (from & 63) >> (64 - n)) }

// after is the ir.FocusBits bits that follow the one at from, in one half or two.
func (p prefix6) after(from int) int {
	if from >= 64 {
		return int(p.lo << (from - 64) >> (64 - ir.FocusBits))
	}
	return int((p.hi<<from | p.lo>>(64-from)) >> (64 - ir.FocusBits))
}

// common is how many bits the two addresses share.
func (p prefix6) common(q prefix6) int {
	if p.hi != q.hi {
		return bits.LeadingZeros64(p.hi ^ q.hi)
	}
	return 64 + bits.LeadingZeros64(p.lo^q.lo)
}

// String gives the prefix in the usual notation.
func (p prefix6) String() string { return fmt.Sprint(p.netip()) }

// maskOf6 is the mask of a length; a shift by 64 or more leaves nothing.
func maskOf6(length int) (hi, lo uint64) {
	if length <= 64 {
		return ^uint64(0) << (64 - length), 0
	}
	return ^uint64(0), ^uint64(0) << (128 - length)
}

func addr6(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
}

func netipAddr6(hi, lo uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return netip.AddrFrom16(b)
}

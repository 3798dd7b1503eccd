package filter

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Fast packets have no extension headers and no IPv4 options, whose packets the kernel has: what rules ask of them is known
// before a packet is there.

// exthdrIPv4 asks for an option of IPv4 (NFT_EXTHDR_OP_IPV4).
const exthdrIPv4 = 2

// plainProtocols are the protocols that may stand right behind an IPv6 header. To ask for one of them as an extension header
// finds it there.
var plainProtocols = []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ESP, unix.IPPROTO_ICMPV6}

// extension loads whether there is an extension header or option; a rule that wants bytes of one ends.
func (d *reader) extension(e introspect.ExtHdr) (fails bool) {
	absent := !d.in.Six && e.Op == exthdrIPv4
	if d.in.Six && e.Op == unix.NFT_EXTHDR_OP_IPV6 {
		absent = !slices.Contains(plainProtocols, e.Type)
	}
	switch {
	case !absent:
		d.leave(e, reasonOf(e))
		return false
	case e.Flags&unix.NFT_EXTHDR_F_PRESENT == 0:
		return true
	}
	return d.load(e, e.DReg, constants([]byte{0}))
}

// xtExtension is a match that looks at an extension header, and holds for no packet without.
func (d *reader) xtExtension([]byte) ([]question, bool) {
	return []question{exact(constants([]byte{0}), []byte{1}, false)}, d.in.Six
}

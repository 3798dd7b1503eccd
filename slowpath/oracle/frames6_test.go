package oracle

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// generator6 makes frames of IPv6 for r0, as generator makes those of IPv4; every twelfth is one of those.
type generator6 struct {
	*generator
	targets []netip.Prefix
}

// good6 are destinations that most configurations forward; odd6 are those where something is the matter.
var good6 = prefixes("2001:db8:2::1/128", "2001:db8:2::2/128", "2001:db8:3::1/128", "2001:db8:4::1/128", "2001:db8:1600::/40",
	"2001:db8:1605::/48", "2001:db8:1605:8000::/49", "2001:db8:1609::9/128", "2001:db8:1640::/42", "2001:db8:2::4/128",
	"2001:db8:2::5/128", "2001:db8:2::6/128")

var odd6 = prefixes("::/128", "::1/128", "::2/128", "::10.2.0.1/96", "::ffff:10.2.0.1/96", "64:ff9b::a02:1/96", "fe80::b/128",
	"fe80::1/128", "fe80::/10", "fec0::1/10", "fc00::/7", "ff00::/16", "ff01::1/128", "ff02::1/128", "ff02::2/128", "ff02::1:ff00:1/128",
	"ff05::2/16", "ff08::1/16", "ff0e::1/16", "ff1e::1/16", "ff3e:40:2001:db8::1/128", "2001:db8::fe/128", "2001:db8:2::fe/128",
	"2001:db8::/128", "2001:db8:2::/128", "2001:db8::1/128", "2001:db8::2/128", "2001:db8::3/128", "2001:db8:2::3/128",
	"2001:db8:2::7/128", "2001:db8:2::ff/128", "2001:db8:7700::/40", "2002:a02:1::/48", "3fff::/20", "8000::/1", "fbff:ffff::/32",
	"2001:db8:6400::/40")

var sources6 = prefixes("::/128", "::1/128", "::2/128", "::10.2.0.1/96", "::ffff:10.0.0.1/96", "fe80::a/128", "fe80::1/128", "fe80::/10",
	"febf:ffff::1/128", "fe7f::1/128", "fec0::1/10", "fc00::1/7", "ff00::/16", "ff01::1/128", "ff02::1/128", "ff05::2/16", "ff0e::1/16",
	"2001:db8::fe/128", "2001:db8:2::fe/128", "2001:db8::/128", "2001:db8:2::/128", "2001:db8:2::1/128", "2001:db8::1/128",
	"2001:db8::2/128", "2001:db8:1605::1/128", "2001:db8:7700::/40", "2002:a02:1::/48", "64:ff9b::a02:1/96", "0:0:1::/48")

func (g *generator6) frames(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		if g.IntN(12) == 0 {
			all[i] = g.generator.frame()
			continue
		}
		all[i] = g.frame()
	}
	return all
}

func (g *generator6) datagrams(n int) [][]byte {
	var all [][]byte
	for len(all) < n {
		if f := g.valid(); f[lab.Off6Next] != 58 && len(f) <= g.mtu+14 {
			all = append(all, f)
		}
	}
	return all
}

func (g *generator6) frame() []byte { return g.perhaps(g.valid(), g.broken) }

func (g *generator6) broken(f []byte) []byte {
	if len(f) < lab.Off6L4+8 {
		return f
	}
	return faultsOf6[g.IntN(len(faultsOf6))](g, f)
}

// valid is a datagram that should be forwarded if its destination is right. The payload begins with a number, so that no
// two are alike.
func (g *generator6) valid() []byte {
	p := lab.Packet{
		DstMAC: g.net.Ports[0].MAC, SrcMAC: g.net.Ports[0].Peer.MAC,
		Src: g.source(), Dst: g.destination(), SrcPort: uint16(g.IntN(65536)), DstPort: uint16(g.IntN(65536)),
		TTL: uint8(2 + g.IntN(253)), TOS: g.tos(), FlowLabel: uint32(g.tos()) * 0x1011,
	}
	g.id++
	p.Payload = make([]byte, max(g.length()-20, 16))
	binary.BigEndian.PutUint32(p.Payload, g.id)
	f := p.Frame()
	switch protocol := g.IntN(20); {
	case protocol < 7:
		g.asTCP(f)
	case protocol < 9:
		g.asEcho(f)
	case protocol == 9:
		f[lab.Off6Next] = 50
	}
	if g.partial && g.IntN(2) == 0 && f[lab.Off6Next] != 58 {
		lab.SetPartialChecksum(f)
	}
	return f
}

// source is mostly a host behind A, sometimes one on the link.
func (g *generator6) source() netip.Addr {
	if g.IntN(4) == 0 {
		return addressAfter(netip.MustParseAddr("2001:db8::"), 0, uint64(16+g.IntN(0x80)))
	}
	return g.within(netip.MustParsePrefix("2001:db8:6400::/40"))
}

func (g *generator6) destination() netip.Addr {
	switch r := g.IntN(100); {
	case r < 35 && len(g.targets) > 0:
		return g.near(g.targets[g.IntN(len(g.targets))])
	case r < 90:
		return g.within(good6[g.IntN(len(good6))])
	}
	return g.near(odd6[g.IntN(len(odd6))])
}

// near is an address in a prefix, at one of its edges or just outside.
func (g *generator6) near(p netip.Prefix) netip.Addr {
	if g.IntN(3) > 0 {
		return g.within(p)
	}
	first := p.Masked().Addr()
	last := lastOf(p)
	switch g.IntN(6) {
	case 0:
		return first
	case 1:
		return last
	case 2:
		return wrapped(first.Prev(), last)
	case 3:
		return wrapped(last.Next(), first)
	case 4:
		return wrapped(first.Next(), first)
	}
	return wrapped(last.Prev(), last)
}

// wrapped puts an address in the place of one past the end of all.
func wrapped(a, instead netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return instead
}

// within is an address in a prefix: mostly one of few hosts, so that flows come back, sometimes any.
func (g *generator6) within(p netip.Prefix) netip.Addr {
	a, any := p.Masked().Addr().As16(), [16]byte{}
	binary.BigEndian.PutUint64(any[:], g.Uint64())
	binary.BigEndian.PutUint64(any[8:], g.Uint64())
	for bit := p.Bits(); bit < 128; bit++ {
		a[bit/8] |= any[bit/8] & (0x80 >> (bit % 8))
	}
	return netip.AddrFrom16(a)
}

func lastOf(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(a)
}

// addressAfter adds a number of 128 bits to an address, without carry between the halves.
func addressAfter(a netip.Addr, hi, lo uint64) netip.Addr {
	b := a.As16()
	binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])+hi)
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])+lo)
	return netip.AddrFrom16(b)
}

// asTCP makes a segment of a UDP datagram; the number moves behind the header.
func (g *generator6) asTCP(f []byte) {
	f[lab.Off6Next] = 6
	number := binary.BigEndian.Uint32(f[lab.Off6L4+8:])
	header := f[lab.Off6L4:]
	if len(header) < 24 {
		return
	}
	binary.BigEndian.PutUint32(header[4:], g.Uint32())
	binary.BigEndian.PutUint32(header[8:], g.Uint32())
	header[12], header[13] = 0x50, uint8(g.IntN(64))
	binary.BigEndian.PutUint16(header[14:], uint16(g.IntN(65536)))
	binary.BigEndian.PutUint16(header[18:], 0)
	binary.BigEndian.PutUint32(header[20:], number)
	lab.SetL4Checksum(f)
}

// asEcho makes an ICMPv6 echo request, or a reply, of a UDP datagram.
func (g *generator6) asEcho(f []byte) {
	f[lab.Off6Next] = 58
	f[lab.Off6L4], f[lab.Off6L4+1] = byte(128+g.IntN(2)), 0
	lab.SetL4Checksum(f)
}

// carrying replaces what follows the IPv6 header.
func carrying(f []byte, next byte, payload ...byte) []byte {
	f = append(slices.Clone(f[:lab.Off6L4]), payload...)
	f[lab.Off6Next] = next
	binary.BigEndian.PutUint16(f[lab.Off6Length:], uint16(len(payload)))
	for len(f) < lab.MinFrame {
		f = append(f, 0)
	}
	return f
}

// inserted puts extension headers between the IPv6 header and what follows; the last has the place for its next header
// at its first byte.
func inserted(f []byte, next byte, header ...byte) []byte {
	header = slices.Clone(header)
	header[0] = f[lab.Off6Next]
	length := binary.BigEndian.Uint16(f[lab.Off6Length:]) + uint16(len(header))
	f = slices.Insert(slices.Clone(f), lab.Off6L4, header...)
	f[lab.Off6Next] = next
	binary.BigEndian.PutUint16(f[lab.Off6Length:], length)
	return f
}

// pick chooses one of several.
func pick[T any](g *rand.Rand, all ...T) T { return all[g.IntN(len(all))] }

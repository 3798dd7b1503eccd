package oracle

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// faultsOf6 break one thing of a valid frame of IPv6 each, or turn it into a border case that is still valid.
var faultsOf6 = []func(*generator6, []byte) []byte{
	hopLimit6, hopLimit6, class6, versions6, length6, length6, truncated6, padded6, padded6, hopByHop6, hopByHop6, jumbo6,
	routing6, fragment6, fragment6, destOptions6, chain6, chain6, nextHeader6, nextHeader6, noNext6, ah6,
	source6, source6, source6, source6, destination6, destination6, sameAddresses6, mac6, mac6, sourceMAC6, etherType6, tag6,
	l4Checksum6, l4Checksum6, tunnelPort6, icmpError6, icmpError6, discovery6, discovery6, multicastListener6, bitFlip6, bitFlip6, tooBig6,
}

func hopLimit6(g *generator6, f []byte) []byte {
	f[lab.Off6HopLimit] = pick[byte](g.Rand, 0, 1, 1, 1, 2, 3, 255)
	return f
}

func class6(g *generator6, f []byte) []byte {
	binary.BigEndian.PutUint32(f[lab.OffIP:], 6<<28|g.Uint32()>>4)
	return f
}

func versions6(g *generator6, f []byte) []byte {
	f[lab.OffIP] = f[lab.OffIP]&15 | pick[byte](g.Rand, 0, 0x40, 0x50, 0x70, 0xe0, 0xf0)
	return f
}

// length6: the payload length is wrong.
func length6(g *generator6, f []byte) []byte {
	have := len(f) - lab.Off6L4
	n := pick(g.Rand, 0, 0, 1, 7, 8, have-1, have-2, have+1, have+4, 65535, g.IntN(65536))
	binary.BigEndian.PutUint16(f[lab.Off6Length:], uint16(n))
	return f
}

// truncated6 cuts the frame at any place behind the Ethernet header.
func truncated6(g *generator6, f []byte) []byte {
	if g.IntN(2) == 0 {
		return f[:lab.OffIP+g.IntN(lab.Off6L4-lab.OffIP+2)]
	}
	return f[:lab.OffIP+g.IntN(len(f)-lab.OffIP)]
}

// padded6 puts bytes behind the datagram that do not belong to it.
func padded6(g *generator6, f []byte) []byte { return padded(g.generator, f) }

// options6 are options of hop-by-hop and destination headers, eight bytes a row with the two of the header.
var options6 = [][]byte{
	{0, 0, 1, 4, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 5, 2, 0, 0, 1, 0}, {0, 0, 5, 2, 0, 1, 1, 0}, // pads, router alert
	{0, 0, 0x1e, 4, 1, 2, 3, 4}, {0, 0, 0x5e, 4, 1, 2, 3, 4}, {0, 0, 0x9e, 4, 1, 2, 3, 4}, {0, 0, 0xde, 4, 1, 2, 3, 4}, // unknown ones
	{0, 0, 0xc2, 4, 0, 0, 0, 9}, {0, 0, 0xc2, 4, 0, 1, 0, 9}, {0, 1, 1, 4, 0, 0, 0, 0}, {0, 200, 1, 4, 0, 0, 0, 0}, // jumbo, lengths
	{0, 0, 1, 200, 0, 0, 0, 0}, {0, 0, 0x31, 4, 0, 0, 0, 0}, {0, 0, 7, 4, 0, 0, 0, 1}, {0, 0, 1, 4, 0, 0, 0, 7}, // IOAM, CALIPSO
}

func hopByHop6(g *generator6, f []byte) []byte { return inserted(f, 0, pick(g.Rand, options6...)...) }

func destOptions6(g *generator6, f []byte) []byte {
	return inserted(f, 60, pick(g.Rand, options6...)...)
}

// jumbo6: a payload length of zero, which a hop-by-hop option explains, or nothing does.
func jumbo6(g *generator6, f []byte) []byte {
	if g.IntN(2) == 0 {
		n := uint32(len(f) - lab.Off6L4 + 8)
		f = inserted(f, 0, 0, 0, 0xc2, 4, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	binary.BigEndian.PutUint16(f[lab.Off6Length:], 0)
	return f
}

// routing6: headers of every type, with and without segments that are left.
func routing6(g *generator6, f []byte) []byte {
	header := make([]byte, 24)
	header[1], header[2], header[3] = 2, pick[byte](g.Rand, 0, 1, 2, 3, 4, 5, 253), pick[byte](g.Rand, 0, 0, 1, 2, 9)
	if header[2] == 4 {
		header[4] = byte(g.IntN(2)) // last entry of a segment list
	}
	a := g.destination().As16()
	copy(header[8:], a[:])
	return inserted(f, 43, header...)
}

// fragment6: atomic, first, middle and last ones.
func fragment6(g *generator6, f []byte) []byte {
	offset := pick[uint16](g.Rand, 0, 0, 1, 2, 0x1fff, uint16(g.IntN(0x2000)))
	word := offset<<3 | uint16(g.IntN(2))
	return inserted(f, 44, 0, 0, byte(word>>8), byte(word), byte(g.id>>24), byte(g.id>>16), byte(g.id>>8), byte(g.id))
}

func ah6(g *generator6, f []byte) []byte {
	header := make([]byte, 24)
	header[1], header[7] = 4, 1
	return inserted(f, 51, header...)
}

// chain6 puts several headers in a row.
func chain6(g *generator6, f []byte) []byte {
	for range 2 + g.IntN(2) {
		f = pick(g.Rand, destOptions6, fragment6, routing6, ah6, hopByHop6)(g, f)
	}
	return f
}

func nextHeader6(g *generator6, f []byte) []byte {
	f[lab.Off6Next] = pick[byte](g.Rand, 0, 1, 2, 4, 17, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 89, 103, 112, 132, 135, 136, 139, 140, 253, 255)
	return f
}

func noNext6(g *generator6, f []byte) []byte {
	if g.IntN(2) == 0 {
		return carrying(f, 59)
	}
	f[lab.Off6Next] = 59
	return f
}

func source6(g *generator6, f []byte) []byte {
	a := g.near(pick(g.Rand, sources6...))
	if len(g.targets) > 0 && g.IntN(4) == 0 {
		a = g.near(pick(g.Rand, g.targets...))
	}
	return readdressed6(f, lab.Off6Src, a)
}

func destination6(g *generator6, f []byte) []byte {
	return readdressed6(f, lab.Off6Dst, g.near(pick(g.Rand, odd6...)))
}

func readdressed6(f []byte, off int, a netip.Addr) []byte {
	b := a.As16()
	copy(f[off:], b[:])
	lab.SetL4Checksum(f)
	return f
}

func sameAddresses6(_ *generator6, f []byte) []byte {
	return readdressed6(f, lab.Off6Src, netip.AddrFrom16([16]byte(f[lab.Off6Dst:lab.Off6L4])))
}

func mac6(g *generator6, f []byte) []byte {
	if g.IntN(3) == 0 {
		copy(f, []byte{0x33, 0x33, 0, 0, 0, byte(g.IntN(3))})
		return f
	}
	return destinationMAC(g.generator, f)
}

func sourceMAC6(g *generator6, f []byte) []byte { return sourceMAC(g.generator, f) }

func etherType6(g *generator6, f []byte) []byte {
	binary.BigEndian.PutUint16(f[lab.OffEtherType:], pick[uint16](g.Rand, 0x0800, 0x0806, 0x8847, 0x86dc, 0xdd86, 0x88cc, 0x05ff, 0))
	return f
}

func tag6(g *generator6, f []byte) []byte { return vlanTag(g.generator, f) }

// l4Checksum6: none, wrong, or what a stack leaves for the device to complete.
func l4Checksum6(g *generator6, f []byte) []byte {
	at := lab.Off6L4 + map[byte]int{6: 16, 17: 6, 58: 2}[f[lab.Off6Next]]
	if at == lab.Off6L4 || len(f) < at+2 {
		return f
	}
	return g.spoil(f, at)
}

func tunnelPort6(g *generator6, f []byte) []byte {
	binary.BigEndian.PutUint16(f[lab.Off6L4+2*g.IntN(2):], pick[uint16](g.Rand, 4789, 8472, 6081, 4754, 4500, 51820))
	lab.SetL4Checksum(f)
	return f
}

// icmpError6 makes an error message that quotes a packet; forwarded ones must go on as they are.
func icmpError6(g *generator6, f []byte) []byte {
	inner := slices.Clone(f[lab.OffIP : lab.Off6L4+8])
	head := []byte{pick[byte](g.Rand, 1, 3, 4, 100, 127, 137), byte(g.IntN(5)), 0, 0, 0, 0, 5, 0}
	f = carrying(f, 58, append(head, inner...)...)
	lab.SetL4Checksum(f)
	return f
}

// tooBig6 tells of a small MTU on the way to a host that nothing else is sent to: a router that is told remembers it.
func tooBig6(g *generator6, f []byte) []byte {
	inner := slices.Clone(f[lab.OffIP : lab.Off6L4+8])
	inner[6] = 58
	host := g.within(good6[4]).As16()
	copy(inner[24:], host[:])
	head := []byte{2, 0, 0, 0, 0, 0, pick[byte](g.Rand, 5, 5, 4, 6), byte(g.IntN(256))}
	f = carrying(f, 58, append(head, inner...)...)
	lab.SetL4Checksum(f)
	return f
}

// discovery6 makes messages of neighbour discovery. Their sources are hosts that nothing else is sent to, so that what
// the router learns does not depend on how often they are sent.
func discovery6(g *generator6, f []byte) []byte {
	target := pick(g.Rand, netip.MustParseAddr("2001:db8::fe"), netip.MustParseAddr("fe80::1:0"), g.destination(), g.within(odd6[8])).As16()
	kind := byte(133 + g.IntN(5))
	body := append([]byte{kind, 0, 0, 0, byte(g.IntN(256)), 0, 0, 0}, target[:]...)
	if g.IntN(2) == 0 {
		body = append(body, 1+byte(g.IntN(2)), 1, 2, 0, 0, 0, 0x0d, byte(g.id))
	}
	f = carrying(f, 58, body...)
	f[lab.Off6HopLimit] = pick[byte](g.Rand, 255, 255, 64, 254, 1)
	f = readdressed6(f, lab.Off6Src, addressAfter(netip.MustParseAddr("2001:db8::5:0:0:0"), 0, uint64(g.id)))
	if g.IntN(2) == 0 {
		f = readdressed6(f, lab.Off6Dst, pick(g.Rand, netip.MustParseAddr("2001:db8::fe"), netip.MustParseAddr("ff02::1:ff00:fe"), netip.MustParseAddr("ff02::1")))
	}
	return f
}

// multicastListener6 makes reports and queries of multicast listener discovery, with the router alert and without.
func multicastListener6(g *generator6, f []byte) []byte {
	body := make([]byte, 24)
	body[0] = pick[byte](g.Rand, 130, 131, 132, 143)
	copy(body[8:], []byte{0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9})
	f = carrying(f, 58, body...)
	lab.SetL4Checksum(f)
	if f[lab.Off6HopLimit] = 64; g.IntN(2) == 0 {
		f = inserted(f, 0, 0, 0, 5, 2, 0, 0, 1, 0)
	}
	return f
}

// bitFlip6 turns over one bit of the headers.
func bitFlip6(g *generator6, f []byte) []byte {
	f[g.IntN(lab.Off6L4+8)] ^= 1 << g.IntN(8)
	return f
}

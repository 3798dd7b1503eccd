package oracle

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// faultsOf break one thing of a valid frame each, or turn it into a border case that is still valid.
var faultsOf = []func(*generator, []byte) []byte{
	ttl, ttl, tosByte, flags, fragment, versions, options, options, totalLength, totalLength, truncated, padded, padded,
	checksumWrong, checksumWrong, checksumEdge, checksumEdge, checksumEdge, sourceAddress, sourceAddress, sourceAddress,
	destinationAddress, destinationAddress, destinationMAC, destinationMAC, sourceMAC, etherType, vlanTag, protocolNumber,
	l4Checksum, l4Checksum, tunnelPort, icmpError, bitFlip, bitFlip, sameAddresses,
}

// set writes bytes into the header and makes its checksum right again.
func set(f []byte, off int, data ...byte) []byte {
	copy(f[off:], data)
	lab.SetHeaderChecksum(f)
	return f
}

func ttl(g *generator, f []byte) []byte {
	return set(f, lab.OffTTL, []byte{0, 1, 1, 1, 2, 3, 255}[g.IntN(7)])
}

func tosByte(g *generator, f []byte) []byte { return set(f, lab.OffIP+1, byte(g.IntN(256))) }

// flags: DF, the reserved bit, both, and MF alone, which makes a first fragment.
func flags(g *generator, f []byte) []byte {
	return set(f, lab.OffFragment, []byte{0x40, 0x80, 0xc0, 0x20, 0x60, 0xa0}[g.IntN(6)], 0)
}

func fragment(g *generator, f []byte) []byte {
	offset := []uint16{1, 2, 0x1fff, 0x0100, uint16(g.IntN(0x2000))}[g.IntN(5)]
	return set(f, lab.OffFragment, byte(offset>>8)|byte(g.IntN(2)<<5), byte(offset))
}

func versions(g *generator, f []byte) []byte {
	return set(f, lab.OffIP, []byte{0x35, 0x55, 0x65, 0x05, 0xf5, 0x40, 0x41, 0x44, 0x4f, 0x46, 0x47}[g.IntN(11)])
}

// options puts options between header and datagram.
func options(g *generator, f []byte) []byte {
	option := [][]byte{
		{1, 1, 1, 1}, {0, 0, 0, 0}, {0x94, 4, 0, 0}, {7, 7, 4, 0, 0, 0, 0, 0}, {0x44, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		{0x83, 7, 4, 10, 2, 0, 1, 0}, {0x89, 7, 4, 10, 2, 0, 1, 0}, {0x82, 4, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {1, 0x44, 200, 5},
	}[g.IntN(10)]
	f = slices.Insert(f, lab.OffL4, option...)
	f[lab.OffIP] = 0x45 + byte(len(option)/4)
	total := binary.BigEndian.Uint16(f[lab.OffTotal:]) + uint16(len(option))
	return set(f, lab.OffTotal, byte(total>>8), byte(total))
}

func totalLength(g *generator, f []byte) []byte {
	have := len(f) - lab.OffIP
	total := uint16([]int{0, 1, 19, 20, 21, 27, 28, have - 1, have - 2, have + 1, have + 4, 65535, g.IntN(65536)}[g.IntN(13)])
	return set(f, lab.OffTotal, byte(total>>8), byte(total))
}

// truncated cuts the frame at any place behind the Ethernet header.
func truncated(g *generator, f []byte) []byte {
	if g.IntN(2) == 0 {
		return f[:lab.OffIP+g.IntN(lab.OffL4-lab.OffIP+2)]
	}
	return f[:lab.OffIP+g.IntN(len(f)-lab.OffIP)]
}

// padded puts bytes behind the datagram that do not belong to it.
func padded(g *generator, f []byte) []byte {
	for range 1 + g.IntN(40) {
		f = append(f, byte(g.IntN(256)))
	}
	return f
}

func checksumWrong(g *generator, f []byte) []byte {
	c := binary.BigEndian.Uint16(f[lab.OffChecksum:])
	c = []uint16{c + 1, c - 1, ^c, 0, 0xffff, c ^ 0x8000, c ^ 1, c>>8 | c<<8}[g.IntN(8)]
	binary.BigEndian.PutUint16(f[lab.OffChecksum:], c)
	return f
}

// checksumEdge chooses the identification so that the checksum is a number where arithmetic wraps.
func checksumEdge(g *generator, f []byte) []byte {
	want := []uint16{0x0000, 0xffff, 0xfffe, 0xfeff, 0xfefe, 0xff00, 0x0100, 0x00ff, 0x0001, 0xfdff}[g.IntN(10)]
	clear(f[lab.OffID : lab.OffID+2])
	lab.SetHeaderChecksum(f)
	// The identification that takes the place of zero lowers the checksum by as much, in ones' complement.
	id := uint32(binary.BigEndian.Uint16(f[lab.OffChecksum:])) + uint32(^want)
	id = id&0xffff + id>>16
	binary.BigEndian.PutUint16(f[lab.OffID:], uint16(id))
	binary.BigEndian.PutUint16(f[lab.OffChecksum:], want)
	return f
}

func sourceAddress(g *generator, f []byte) []byte {
	a := g.near(sources[g.IntN(len(sources))]).As4()
	if len(g.targets) > 0 && g.IntN(3) == 0 {
		a = g.near(g.targets[g.IntN(len(g.targets))]).As4()
	}
	return readdressed(f, lab.OffSrc, a)
}

func destinationAddress(g *generator, f []byte) []byte {
	return readdressed(f, lab.OffDst, g.near(odd[g.IntN(len(odd))]).As4())
}

func readdressed(f []byte, off int, a [4]byte) []byte {
	set(f, off, a[:]...)
	lab.SetL4Checksum(f)
	return f
}

func sameAddresses(g *generator, f []byte) []byte {
	return readdressed(f, lab.OffSrc, netip.AddrFrom4([4]byte(f[lab.OffDst:lab.OffL4])).As4())
}

func destinationMAC(g *generator, f []byte) []byte {
	switch g.IntN(6) {
	case 0:
		copy(f, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	case 1:
		copy(f, []byte{1, 0, 0x5e, 0, 0, 9})
	case 2:
		copy(f, g.net.Ports[1+g.IntN(ports-1)].MAC)
	case 3:
		copy(f, []byte{1, 0x80, 0xc2, 0, 0, byte(g.IntN(16))})
	default:
		f[g.IntN(6)] ^= 1 << g.IntN(8)
	}
	return f
}

func sourceMAC(g *generator, f []byte) []byte {
	copy(f[6:12], [][]byte{{1, 0, 0x5e, 0, 0, 9}, {0, 0, 0, 0, 0, 0}, g.net.Ports[0].MAC, {2, 0, 0, 0, 9, 9},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}[g.IntN(5)])
	return f
}

func etherType(g *generator, f []byte) []byte {
	t := []uint16{0x86dd, 0x0806, 0x8847, 0x0801, 0x0008, 0x88cc, 0x0600, 0x05ff, 100, 0}[g.IntN(10)]
	binary.BigEndian.PutUint16(f[lab.OffEtherType:], t)
	return f
}

func vlanTag(g *generator, f []byte) []byte {
	tag := [][]byte{{0x81, 0, 0, 0}, {0x81, 0, 0, 5}, {0x81, 0, 0x60, 0}, {0x88, 0xa8, 0, 7}, {0x81, 0, 0x0f, 0xff}}[g.IntN(5)]
	return slices.Insert(f, lab.OffEtherType, tag...)
}

func protocolNumber(g *generator, f []byte) []byte {
	return set(f, lab.OffProtocol, []byte{0, 2, 4, 41, 47, 50, 51, 89, 112, 132, 136, 255}[g.IntN(12)])
}

// l4Checksum: none, wrong, or what a stack leaves for the device to complete.
func l4Checksum(g *generator, f []byte) []byte {
	at := lab.OffL4 + 6
	if f[lab.OffProtocol] == 6 {
		at = lab.OffL4 + 16
	}
	if len(f) < at+2 {
		return f
	}
	return g.spoil(f, at)
}

// spoil clears the checksum at a place, makes it wrong, or leaves it for the device to complete.
func (g *generator) spoil(f []byte, at int) []byte {
	switch g.IntN(4) {
	case 0:
		clear(f[at : at+2])
	case 1:
		f[at] ^= 0x5a
	default:
		lab.SetPartialChecksum(f)
	}
	return f
}

func tunnelPort(g *generator, f []byte) []byte {
	port := []uint16{4789, 8472, 6081, 4754, 4500, 51820}[g.IntN(6)]
	binary.BigEndian.PutUint16(f[lab.OffL4+2*g.IntN(2):], port)
	lab.SetL4Checksum(f)
	return f
}

// icmpError makes an error message that quotes a packet; forwarded ones must go on as they are.
func icmpError(g *generator, f []byte) []byte {
	if len(f) < lab.OffL4+8+28 {
		return f
	}
	inner := slices.Clone(f[lab.OffIP : lab.OffL4+8])
	f[lab.OffProtocol] = 1
	copy(f[lab.OffL4:], []byte{[]byte{3, 11, 12, 5, 4, 13}[g.IntN(6)], byte(g.IntN(5)), 0, 0, 0, 0, 5, 0x14})
	copy(f[lab.OffL4+8:], inner)
	lab.SetHeaderChecksum(f)
	lab.SetL4Checksum(f)
	return f
}

// bitFlip turns over one bit of the headers, with the header checksum as it was or right again.
func bitFlip(g *generator, f []byte) []byte {
	f[g.IntN(lab.OffL4+8)] ^= 1 << g.IntN(8)
	if g.IntN(2) == 0 {
		lab.SetHeaderChecksum(f)
	}
	return f
}

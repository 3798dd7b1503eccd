package oracle

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// odd makes one thing of a frame between two known stations unusual, or leaves it alone.
func (g *lanGenerator) odd(f []byte) []byte {
	switch r := g.IntN(1000); {
	case r < 600:
	case r < 660: // to where it comes from
		copy(f, g.here().mac)
	case r < 700: // to nobody knows whom
		copy(f, net.HardwareAddr{0x52, 0x55, byte(g.IntN(256)), byte(g.IntN(256)), 0, byte(g.IntN(256))})
	case r < 765 && g.calm:
	case r < 730: // from somebody new
		copy(f[6:], g.appear(g.at).mac)
	case r < 760: // from somebody who was elsewhere
		s := g.any()
		s.port = g.at
		copy(f[6:], s.mac)
	case r < 765: // from somebody who is elsewhere, and stays there
		copy(f[6:], g.any().mac)
	case r < 830:
		copy(f, g.group())
	case r < 860:
		copy(f, g.ownMAC())
	case r < 885:
		copy(f[6:], g.oddSource())
	case r < 890:
		copy(f, make([]byte, 6))
	case r < 935:
		return g.retagged(f)
	case r < 965:
		return f[:lab.OffIP+g.IntN(min(len(f)-lab.OffIP, 50))]
	default:
		return g.long(f)
	}
	return f
}

// group is an address of many: everybody's, that of a group, or one that bridges keep to themselves.
func (g *lanGenerator) group() net.HardwareAddr {
	switch g.IntN(6) {
	case 0, 1:
		return broadcastMAC
	case 2:
		return net.HardwareAddr{0x01, 0x00, 0x5e, byte(g.IntN(128)), 0, byte(g.IntN(256))}
	case 3:
		return net.HardwareAddr{0x33, 0x33, 0, 0, 0, byte(g.IntN(256))}
	case 4:
		last := byte(g.IntN(64))
		if last == 0 && g.c.spanning {
			last = 0x21 // a BPDU would change the tree
		}
		return net.HardwareAddr{0x01, 0x80, 0xc2, 0, 0, last}
	}
	return net.HardwareAddr{0x03 | byte(g.IntN(256)), byte(g.IntN(256)), 0, 0, 0, 1}
}

// ownMAC is an address of a port, the first of which is the bridge's.
func (g *lanGenerator) ownMAC() net.HardwareAddr {
	if g.IntN(2) == 0 {
		return g.net.Ports[0].MAC
	}
	return g.net.Ports[g.IntN(lanPorts)].MAC
}

func (g *lanGenerator) oddSource() net.HardwareAddr {
	switch kind := g.IntN(6); {
	case kind == 0:
		return make(net.HardwareAddr, 6)
	case kind == 1 || g.calm:
		return g.group()
	case kind == 2:
		return g.ownMAC()
	}
	return net.HardwareAddr{byte(g.IntN(256)) &^ 1, byte(g.IntN(256)), byte(g.IntN(256)), 0, 0, byte(g.IntN(4))}
}

var (
	tagTypes = []uint16{0x8100, 0x8100, 0x8100, 0x88a8, 0x9100}
	tagVIDs  = []uint16{0, 1, 5, 10, 20, 100, 4094, 4095}
)

// retagged puts a tag, or two, in front of the type, or cuts one off.
func (g *lanGenerator) retagged(f []byte) []byte {
	for range 1 + g.IntN(5)/4 {
		tci := tagVIDs[g.IntN(len(tagVIDs))] | uint16(g.IntN(2)*g.IntN(16))<<12
		tag := binary.BigEndian.AppendUint16(nil, tagTypes[g.IntN(len(tagTypes))])
		f = slices.Insert(f, lab.OffEtherType, binary.BigEndian.AppendUint16(tag, tci)...)
	}
	if g.IntN(8) == 0 {
		f = f[:lab.OffIP+g.IntN(6)]
	}
	return f
}

// long makes a frame about as long as the port takes, and longer.
func (g *lanGenerator) long(f []byte) []byte {
	n := []int{1400, 1500, 1500, 1500, 576}[g.IntN(5)] + 14 - 6 + g.IntN(14)
	if g.IntN(6) == 0 {
		n = lanMTU + 14
	}
	tail := g.payload(8)
	if n <= len(f) {
		return f
	}
	f = append(f, make([]byte, n-len(f))...)
	copy(f[n-8:], tail)
	switch {
	case g.IntN(6) == 0: // behind the packet
	case f[lab.OffEtherType] == 8 && f[lab.OffIP] == 0x45:
		binary.BigEndian.PutUint16(f[lab.OffTotal:], uint16(n-lab.OffIP))
		lab.SetHeaderChecksum(f)
	case f[lab.OffEtherType] == 0x86:
		binary.BigEndian.PutUint16(f[lab.Off6Length:], uint16(n-lab.Off6L4))
	}
	return f
}

// routedEntry is a frame through the bridge's own address: out by the port that leads elsewhere, or back in.
func (g *lanGenerator) routedEntry() entry {
	s := g.here()
	p := lab.Packet{DstMAC: g.net.Ports[0].MAC, SrcMAC: s.mac, Src: s.addr, Dst: g.elsewhere(), SrcPort: uint16(g.IntN(65536)),
		DstPort: uint16(g.IntN(65536)), TTL: uint8(2 + g.IntN(253)), TOS: g.tos(), ID: uint16(g.IntN(65536)), DF: g.IntN(2) == 0,
		Payload: g.payload(max(g.length(), 24))}
	at, back := g.at, g.IntN(2) == 0
	if back {
		s, at = g.any(), outside
		out := g.net.Ports[outside]
		p.DstMAC, p.SrcMAC, p.Src, p.Dst = out.MAC, out.Peer.MAC, p.Dst, s.addr
	}
	if g.c.six && g.IntN(2) == 0 {
		p.Src, p.Dst = s.six, addressAfter(netip.MustParseAddr("2001:db8:1600::"), 0, uint64(1+g.IntN(4000)))
		if back {
			p.Src, p.Dst = p.Dst, p.Src
		}
	}
	f := p.Frame()
	if g.c.edges && g.IntN(2) == 0 {
		f = g.long(f)
	}
	if !back {
		f = s.tagged(f)
	}
	switch r := g.IntN(20); {
	case r < 3:
		f = g.breakAny(f)
	case r < 5 && !back:
		f = g.odd(f)
	}
	return g.enters(at, f)
}

// elsewhere is an address behind the port that has one, on the bridge, or nowhere.
func (g *lanGenerator) elsewhere() netip.Addr {
	switch r := g.IntN(20); {
	case r < 14:
		return g.generator.within(netip.MustParsePrefix("172.16.0.0/16"))
	case r < 16:
		return g.any().addr
	case r < 17:
		return netip.MustParseAddr("10.99.0.254")
	case r < 18:
		return netip.MustParseAddr("10.5.0.1")
	}
	return g.generator.within(odd[g.IntN(len(odd))])
}

package oracle

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// generator makes frames for r0: valid ones to destinations that matter, and such with one thing, sometimes two, broken.
type generator struct {
	*rand.Rand
	net     *lab.Network
	targets []netip.Prefix // what the configuration is about
	id      uint32
	partial bool // more checksums that are, or look as if they were, left to the device
	mtu     int  // of a0: longer frames cannot be sent
}

// good are destinations that most configurations forward; odd are those where something is the matter.
var good = prefixes("10.2.0.1/32", "10.2.0.2/32", "10.3.0.1/32", "10.4.0.1/32", "172.16.0.0/16", "172.16.5.0/24",
	"172.16.5.128/25", "172.16.9.9/32", "192.168.64.0/18", "10.2.0.4/32", "10.2.0.5/32", "10.2.0.6/32")

var odd = prefixes("10.2.0.3/32", "10.2.0.7/32", "10.2.0.255/32", "10.2.0.0/32", "10.2.0.254/32", "10.0.0.254/32",
	"10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32", "10.0.0.255/32", "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4",
	"255.255.255.255/32", "169.254.0.0/16", "203.0.113.0/24", "100.64.0.0/10", "192.88.99.0/24", "9.255.255.255/32",
	"223.255.255.255/32", "126.255.255.255/32", "128.0.0.0/32", "1.0.0.0/32", "0.255.255.255/32")

var sources = prefixes("0.0.0.0/8", "127.0.0.1/8", "224.0.0.9/4", "240.0.0.0/4", "255.255.255.255/32", "10.0.0.254/32",
	"10.2.0.254/32", "10.0.0.255/32", "10.0.0.0/32", "10.2.0.255/32", "10.2.0.1/32", "10.0.0.1/32", "10.0.0.2/32",
	"172.16.5.1/32", "203.0.113.0/24", "169.254.1.1/32", "9.255.255.255/32", "128.0.0.0/32", "223.255.255.255/32", "1.0.0.0/32")

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func newGenerator(seed uint64, n *lab.Network, targets []netip.Prefix) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 1)), net: n, targets: targets, mtu: 1500}
}

// frames makes n frames.
func (g *generator) frames(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = g.frame()
	}
	return all
}

// datagrams makes n frames in which nothing is broken and that are not ICMP, which is mostly left to the kernel.
func (g *generator) datagrams(n int) [][]byte {
	var all [][]byte
	for len(all) < n {
		if f := g.valid(); f[lab.OffProtocol] != 1 && len(f) <= g.mtu+14 {
			all = append(all, f)
		}
	}
	return all
}

func (g *generator) frame() []byte { return g.perhaps(g.valid(), g.broken) }

// perhaps breaks a frame, or twice, or does not, and cuts off what the link would not carry.
func (g *generator) perhaps(f []byte, broken func([]byte) []byte) []byte {
	switch r := g.IntN(100); {
	case r < 45:
	case r < 92:
		f = broken(f)
	default:
		f = broken(broken(f))
	}
	return f[:min(len(f), g.mtu+14)]
}

func (g *generator) broken(f []byte) []byte {
	if len(f) < lab.OffL4+8 {
		return f
	}
	return faultsOf[g.IntN(len(faultsOf))](g, f)
}

// valid is a datagram that should be forwarded if its destination is right. The payload begins with a number, so that no
// two are alike.
func (g *generator) valid() []byte {
	p := lab.Packet{
		DstMAC: g.net.Ports[0].MAC, SrcMAC: g.net.Ports[0].Peer.MAC,
		Src: g.source(), Dst: g.destination(), SrcPort: uint16(g.IntN(65536)), DstPort: uint16(g.IntN(65536)),
		TTL: uint8(2 + g.IntN(253)), TOS: g.tos(), ID: uint16(g.IntN(65536)), DF: g.IntN(2) == 0,
	}
	g.id++
	p.Payload = make([]byte, g.length())
	binary.BigEndian.PutUint32(p.Payload, g.id)
	f := p.Frame()
	if protocol := g.IntN(10); protocol < 4 {
		g.asTCP(f)
	} else if protocol == 4 {
		g.asEcho(f)
	}
	if g.partial && g.IntN(2) == 0 && f[lab.OffProtocol] != 1 {
		lab.SetPartialChecksum(f)
	}
	return f
}

// unfinished tells where the device is to put the checksum of a frame: only in such as have the sum of the pseudo header
// in its place, and of those only if the source port is odd, so that others just look so.
func unfinished(f []byte) (start, offset int) {
	if len(f) < lab.Off6L4+20 {
		return 0, 0
	}
	l4, protocol := 0, byte(0)
	switch {
	case f[lab.OffIP] == 0x45 && f[lab.OffEtherType] == 8:
		l4, protocol = lab.OffL4, f[lab.OffProtocol]
	case f[lab.OffIP]>>4 == 6 && f[lab.OffEtherType] == 0x86:
		l4, protocol = lab.Off6L4, f[lab.Off6Next]
	}
	at := map[byte]int{6: 16, 17: 6}[protocol]
	if at == 0 || f[l4+1]&1 == 0 {
		return 0, 0
	}
	partial := slices.Clone(f)
	if lab.SetPartialChecksum(partial); !slices.Equal(partial, f) {
		return 0, 0
	}
	return l4, at
}

// source is mostly a host behind A, hardly ever the same: the kernel bounds its errors by their receiver.
func (g *generator) source() netip.Addr {
	if g.IntN(4) == 0 {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(3 + g.IntN(250))})
	}
	return g.within(netip.MustParsePrefix("100.64.0.0/10"))
}

func (g *generator) destination() netip.Addr {
	switch r := g.IntN(100); {
	case r < 35 && len(g.targets) > 0:
		return g.near(g.targets[g.IntN(len(g.targets))])
	case r < 90:
		return g.within(good[g.IntN(len(good))])
	}
	return g.near(odd[g.IntN(len(odd))])
}

// near is an address in a prefix, at one of its edges or just outside.
func (g *generator) near(p netip.Prefix) netip.Addr {
	first := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
	last := first | uint32(1<<(32-p.Bits())-1)
	if g.IntN(3) > 0 {
		return g.within(p)
	}
	edge := [...]uint32{first, last, first - 1, last + 1, first + 1, last - 1}[g.IntN(6)]
	return address(edge)
}

func (g *generator) within(p netip.Prefix) netip.Addr {
	switch p.Bits() {
	case 0:
		return address(g.Uint32())
	case 32:
		return p.Addr()
	}
	first := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
	return address(first + g.Uint32N(1<<(32-p.Bits())))
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func (g *generator) tos() uint8 {
	if g.IntN(3) == 0 {
		return uint8(g.IntN(256))
	}
	return 0
}

// length is that of the payload: mostly short, sometimes around an MTU.
func (g *generator) length() int {
	switch g.IntN(12) {
	case 0:
		return mtus[g.IntN(len(mtus))] - 28 - 3 + g.IntN(6)
	case 1:
		return 22 + g.IntN(g.mtu-28-22)
	}
	return 22 + g.IntN(60)
}

// mtus are those that the configurations use.
var mtus = []int{1500, 1400, 1300, 1280, 576}

// asTCP makes a segment of a UDP datagram; the number moves behind the header.
func (g *generator) asTCP(f []byte) {
	f[lab.OffProtocol] = 6
	number := binary.BigEndian.Uint32(f[lab.OffL4+8:])
	header := f[lab.OffL4:]
	binary.BigEndian.PutUint32(header[4:], g.Uint32())
	binary.BigEndian.PutUint32(header[8:], g.Uint32())
	header[12], header[13] = 0x50, uint8(g.IntN(64))
	binary.BigEndian.PutUint16(header[14:], uint16(g.IntN(65536)))
	binary.BigEndian.PutUint16(header[18:], 0)
	binary.BigEndian.PutUint32(header[20:], number)
	lab.SetHeaderChecksum(f)
	lab.SetL4Checksum(f)
}

// asEcho makes an ICMP echo request of a UDP datagram.
func (g *generator) asEcho(f []byte) {
	f[lab.OffProtocol] = 1
	f[lab.OffL4], f[lab.OffL4+1] = 8, 0
	lab.SetHeaderChecksum(f)
	lab.SetL4Checksum(f)
}

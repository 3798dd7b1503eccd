package oracle

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// station is a host behind a port, as the generator believes.
type station struct {
	mac  net.HardwareAddr
	port int
	tag  uint16 // of the VLAN that its frames say they belong to, 0 without a tag
	kind uint16 // of the tag
	addr netip.Addr
	six  netip.Addr
}

// lanGenerator makes the frames of a bridge: between stations that the bridge knows, mostly, and everything else that may
// come in by a port.
type lanGenerator struct {
	*generator6
	c        lanConfig
	stations []*station
	at       int  // the port by which the next frame comes in
	calm     bool // nobody comes or moves for now
	still    bool // nobody does until it is over
	ports    []int
}

// newLANGenerator makes stations behind the ports of the configuration; the first ones are behind one port each.
func newLANGenerator(seed uint64, c lanConfig, n *lab.Network) *lanGenerator {
	h := fnv.New64a()
	h.Write([]byte(c.name))
	four := &generator{Rand: rand.New(rand.NewPCG(seed^h.Sum64(), 2)), net: n, mtu: 1500, partial: c.partial}
	g := &lanGenerator{generator6: &generator6{generator: four}, c: c, ports: c.members}
	if len(g.ports) == 0 {
		g.ports = []int{0, 1, 2, 3}
	}
	g.at = g.ports[0]
	for i := range max(c.macs, 2) {
		g.appear(g.ports[i%len(g.ports)])
	}
	return g
}

// appear makes another station behind a port. Addresses are those of the bridge's network, for the first ones.
func (g *lanGenerator) appear(port int) *station {
	i := len(g.stations)
	s := &station{mac: stationMAC(i), port: port, addr: stationAddr(i)}
	s.six = addressAfter(netip.MustParseAddr("2001:db8:99::"), 0, uint64(0x100+i))
	if len(g.c.tags) > 0 {
		s.tag, s.kind = g.c.tags[i/len(g.ports)%len(g.c.tags)], 0x8100
		if g.c.provider && i%2 == 0 {
			s.kind = 0x88a8
		}
	}
	g.stations = append(g.stations, s)
	return s
}

// stationMAC and stationAddr are the addresses of station i, for configurations that name them.
func stationMAC(i int) net.HardwareAddr {
	h := uint32(i) * 0x9e3779b1
	return net.HardwareAddr{0x52, 0x54, byte(h >> 24), byte(h >> 16), byte(i >> 8), byte(i)}
}

func stationAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 99, byte(1 + i>>8), byte(i)})
}

// greetings are one frame of every station, by which the bridge learns them.
func (g *lanGenerator) greetings() []entry {
	all := make([]entry, 0, len(g.stations))
	for _, s := range g.stations {
		f := lab.Packet{DstMAC: broadcastMAC, SrcMAC: s.mac, Src: s.addr, Dst: netip.MustParseAddr("10.99.255.255"), Payload: make([]byte, 30)}.Frame()
		all = append(all, entry{s.port, s.tagged(f)})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.port - b.port })
	return all
}

// discovery makes frames of stations that nobody has seen.
func (g *lanGenerator) discovery(n int) []entry {
	var all []entry
	for range n {
		s := g.appear(g.ports[g.IntN(len(g.ports))])
		all = append(all, g.enters(s.port, g.between(s, g.any())))
	}
	return all
}

// entries makes frames of all kinds. In most batches the bridge learns nothing.
func (g *lanGenerator) entries(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		if i%batchSize == 0 {
			g.calm = g.still || g.IntN(3) > 0
		}
		if g.IntN(5) == 0 {
			g.at = g.ports[g.IntN(len(g.ports))]
		}
		all[i] = g.entry()
	}
	return all
}

var broadcastMAC = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// entry makes one frame. Where the bridge routes, half of the frames go through it, of those some come from outside.
func (g *lanGenerator) entry() entry {
	if g.c.routed && g.IntN(2) == 0 {
		return g.routedEntry()
	}
	from := g.here()
	f := g.odd(g.between(from, g.there(from)))
	if g.c.edges && g.IntN(2) == 0 {
		f = g.long(f)
	}
	if g.c.broken && g.IntN(2) == 0 {
		tag, bare := untagged(f)
		f = g.perhaps(bare, g.breakAny)
		f = slices.Insert(f, min(len(f), lab.OffEtherType), tag...)
	}
	return g.enters(g.at, f)
}

// enters has a frame come in by a port, as long as the port's far end can send it.
func (g *lanGenerator) enters(port int, f []byte) entry {
	return entry{port, f[:min(len(f), g.c.end(port)+lab.OffIP)]}
}

// here is a station behind the port that frames come in by now, or a new one; but where nobody is to come, the next frame
// comes in by another port.
func (g *lanGenerator) here() *station {
	for range 40 {
		if s := g.any(); s.port == g.at {
			return s
		}
	}
	if g.calm {
		s := g.any()
		g.at = s.port
		return s
	}
	return g.appear(g.at)
}

// any is one of all stations, half of the time one of the first.
func (g *lanGenerator) any() *station {
	n := len(g.stations)
	if g.IntN(2) == 0 {
		n = min(n, 40)
	}
	return g.stations[g.IntN(n)]
}

// there is a station behind another port, mostly, and of the same VLAN.
func (g *lanGenerator) there(from *station) *station {
	s := g.any()
	for try := 0; len(g.c.pvids) > 0 && try < 40 && (s.port == g.at || g.vlan(s) != g.vlan(from)); try++ {
		s = g.any()
	}
	for try := 0; s.port == g.at && try < 4; try++ {
		s = g.any()
	}
	return s
}

// vlan is the one that a station's frames belong to, as far as its port carries it.
func (g *lanGenerator) vlan(s *station) uint16 {
	if s.tag == 0 {
		return g.c.pvids[s.port]
	}
	return s.tag
}

// between is a frame from one station to another.
func (g *lanGenerator) between(from, to *station) []byte {
	return from.tagged(g.packet(from, to))
}

// tagged puts the station's VLAN tag in front of the type.
func (s *station) tagged(f []byte) []byte {
	if s.tag == 0 {
		return f
	}
	return slices.Insert(f, lab.OffEtherType, byte(s.kind>>8), byte(s.kind), byte(s.tag>>8), byte(s.tag))
}

// packet is a frame of any kind; its last bytes tell which.
func (g *lanGenerator) packet(from, to *station) []byte {
	p := lab.Packet{DstMAC: to.mac, SrcMAC: from.mac, Src: from.addr, Dst: to.addr, SrcPort: uint16(g.IntN(65536)), DstPort: uint16(g.IntN(65536)),
		TTL: uint8(1 + g.IntN(255)), TOS: g.tos(), ID: uint16(g.IntN(65536)), DF: g.IntN(2) == 0}
	kind := g.IntN(24)
	if kind < 6 {
		p.Src, p.Dst = from.six, to.six
	}
	p.Payload = g.payload(max(g.length(), 24))
	f := p.Frame()
	switch {
	case kind == 0:
		g.generator6.asEcho(f)
	case kind == 1:
		g.generator6.asTCP(f)
	case kind == 6:
		g.generator.asEcho(f)
	case kind < 11 && kind > 6:
		g.generator.asTCP(f)
	case kind == 11:
		return g.resolution(from, to)
	case kind == 12:
		binary.BigEndian.PutUint16(f[lab.OffEtherType:], []uint16{0x1234, 0x8847, 0x88e5, 0x9000, 0x8863, 0x8864, 38, 1500, 1501, 1535, 1536, 0}[g.IntN(12)])
	}
	if g.partial && g.IntN(2) == 0 {
		lab.SetPartialChecksum(f)
	}
	return f
}

// payload has its number, and other bytes, at both ends.
func (g *lanGenerator) payload(n int) []byte {
	g.id++
	p := make([]byte, n)
	for i := range 8 {
		p[n-1-i] = byte(g.Uint32())
	}
	binary.BigEndian.PutUint32(p, g.id)
	return p
}

// resolution is ARP or neighbour discovery from one station to another.
func (g *lanGenerator) resolution(from, to *station) []byte {
	if g.IntN(2) == 0 {
		p := lab.Packet{DstMAC: to.mac, SrcMAC: from.mac, Src: from.six, Dst: to.six, TTL: 255, Payload: g.payload(20)}
		f := p.Frame()
		f[lab.Off6Next] = 58
		f[lab.Off6L4], f[lab.Off6L4+1] = 135+byte(g.IntN(2)), 0
		copy(f[lab.Off6L4+8:], to.six.AsSlice())
		lab.SetL4Checksum(f)
		return f
	}
	f := make([]byte, 60)
	copy(f, to.mac)
	copy(f[6:], from.mac)
	copy(f[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, byte(1 + g.IntN(2))})
	copy(f[22:], from.mac)
	copy(f[28:], from.addr.AsSlice())
	copy(f[32:], to.mac)
	copy(f[38:], to.addr.AsSlice())
	copy(f[52:], g.payload(8))
	return f
}

// breakAny breaks what is inside a frame, by the family that it says it has.
func (g *lanGenerator) breakAny(f []byte) []byte {
	if len(f) < lab.Off6L4+8 {
		return f
	}
	kept := slices.Clone(f[:12])
	switch binary.BigEndian.Uint16(f[lab.OffEtherType:]) {
	case 0x0800:
		f = faultsOf[g.IntN(len(faultsOf))](g.generator, f)
	case 0x86dd:
		f = faultsOf6[g.IntN(len(faultsOf6))](g.generator6, f)
	}
	if g.IntN(8) > 0 {
		copy(f, kept)
	}
	return f
}

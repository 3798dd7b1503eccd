package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// scene is a router that tracks connections, and the connections that it has.
type scene struct {
	config
	nat   bool // connections whose addresses are translated, too
	clean bool // all is well with connections and packets
}

var (
	tracksOnly = []string{"nft add table inet t", "nft add chain inet t i { type filter hook input priority 0 ; }",
		"nft add rule inet t i ct state new accept"}
	translates = []string{"nft add table inet t", "nft add chain inet t n { type nat hook postrouting priority 100 ; }",
		"nft add rule inet t n oifname nowhere masquerade", "ip route add 198.51.100.0/24 via 10.2.0.1",
		"ip route add 203.0.113.0/24 via 10.2.0.1"} // so that no errors are due, which the kernel bounds
	scenes = []scene{
		{config: config{name: "tracked", setup: tracksOnly}},
		{config: config{name: "tracked, rp_filter", setup: append(slices.Clone(tracksOnly), "sysctl ipv4/conf/r0/rp_filter=1")}},
		{config: config{name: "tracked, liberal", setup: append(slices.Clone(tracksOnly), "sysctl netfilter/nf_conntrack_tcp_be_liberal=1")}},
		{config: config{name: "translated", setup: translates}, nat: true},
		{config: config{name: "tracked ip6", six: true, setup: tracksOnly}},
		{config: config{name: "translated ip6", six: true, setup: translates}, nat: true},
	}
)

// TestTrackedPackets compares hone with the kernel for the packets of tracked connections: what leaves the router, and what
// the kernel says of the connections afterwards.
func TestTrackedPackets(t *testing.T) {
	needConnections(t)
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			o := s.judge(t, fault{}, 1200)
			for _, f := range o.findings {
				t.Error(f)
			}
			if o.refused != slowpath.None || o.runs["fast"].Fast < 500 {
				t.Errorf("only %d packets were fast", o.runs["fast"].Fast)
			}
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
		})
	}
}

// judge plays packets of the connections without a program and with one.
func (s scene) judge(t *testing.T, f fault, packets int) outcome {
	b := start(t, s.config)
	r := rand.New(rand.NewPCG(seed(), 0))
	conns := s.connections(r)
	frames := s.frames(r, b, conns, packets)
	o := outcome{frames: len(frames), packets: len(frames), runs: map[string]fastpath.Stats{}}
	m, snapshot, err := b.newMachine(s.config, f)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	kernel := s.play(t, b, b.counting, conns, frames)
	if o.refused, err = m.start(snapshot); err != nil || o.refused != slowpath.None {
		o.cause = fmt.Sprintf("%s, %v", m.cause, err)
		return o
	}
	before, err1 := m.stats()
	fast := s.play(t, b, m.counting, conns, frames)
	after, err2 := m.stats()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	o.runs["fast"] = difference(after, before)
	o.findings = kernel.differences(fast)
	return o
}

// recital is what came of the frames of a scene.
type recital struct {
	arrivals []arrivals
	kept     []lab.Connection
	counted  counters
}

func (r recital) differences(fast recital) (found []string) {
	for i := range r.arrivals {
		if !r.arrivals[i].equal(fast.arrivals[i]) {
			found = append(found, apart(r.arrivals[i], fast.arrivals[i]))
		}
	}
	for i, c := range r.kept {
		if c != fast.kept[i] {
			found = append(found, fmt.Sprintf("connection %s %s: kernel %+v, with the program %+v", c.Source, c.Dest, c, fast.kept[i]))
		}
	}
	if text := r.counted.differences(fast.counted); text != "" {
		found = append(found, "counted differently:\n"+text)
	}
	return found
}

// apart tells what only one of two batches holds.
func apart(kernel, fast arrivals) string {
	var w strings.Builder
	for _, side := range []struct {
		name string
		a, b arrivals
	}{{"only the kernel", kernel, fast}, {"only the program", fast, kernel}} {
		n := 0
		for _, f := range side.a {
			if !slices.Contains(side.b, f) && n < 3 {
				n++
				fmt.Fprintf(&w, "\n%s: port %d %s", side.name, f[0], hex.EncodeToString([]byte(f[1:])))
			}
		}
	}
	return w.String()
}

func (s scene) family() uint8 {
	if s.six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// play makes the connections, sends the frames, and lists the connections in order, without what time alone changes.
func (s scene) play(t *testing.T, b *bed, counting func(config, func() error) (counters, error), conns []lab.Connection,
	frames [][]byte) (r recital) {
	t.Helper()
	old, err := b.net.R.Connections(s.family())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range old {
		_ = b.net.R.Disconnect(c)
	}
	if err := b.net.R.Connect(conns...); err != nil {
		t.Fatal(err)
	}
	r.counted, err = counting(s.config, func() (err error) { r.arrivals, err = b.play(frames); return err })
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.net.R.Connections(s.family())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conns {
		i := slices.IndexFunc(list, func(o lab.Connection) bool {
			return o.Source == c.Source && o.Dest == c.Dest && o.Protocol == c.Protocol
		})
		if i < 0 {
			r.kept = append(r.kept, lab.Connection{Source: c.Source, Dest: c.Dest})
			continue
		}
		list[i].Seconds = 0
		r.kept = append(r.kept, list[i])
	}
	return r
}

// hosts are addresses behind r0 and behind the other ports, and those that translation takes.
func (s scene) hosts(r *rand.Rand) (a, b, public netip.Addr) {
	pick := func(from ...string) netip.Addr { return netip.MustParseAddr(from[r.IntN(len(from))]) }
	if s.clean && !s.six {
		return pick("10.0.0.1", "10.0.0.2"), pick("10.2.0.1"), pick("198.51.100.1", "203.0.113.255")
	}
	if s.six {
		return pick("2001:db8::1"), pick("2001:db8:2::1", "2001:db8:3::1", "2001:db8:4::1"), pick("2001:db8:99::1", "2001:db8:99::ffff:2")
	}
	return pick("10.0.0.1", "10.0.0.2", "100.64.3.4"), pick("10.2.0.1", "10.3.0.1", "172.16.5.9", "192.168.64.7"),
		pick("198.51.100.1", "203.0.113.255")
}

// connections makes some up, from either side.
func (s scene) connections(r *rand.Rand) (all []lab.Connection) {
	for i := range 80 {
		near, far, public := s.hosts(r)
		port := func() uint16 { return uint16(1 + r.IntN(60000)) }
		c := lab.Connection{Protocol: unix.IPPROTO_UDP, Status: 2 | 4 | 8, Seconds: 100, Mark: uint32(i),
			Source: netip.AddrPortFrom(near, port()), Dest: netip.AddrPortFrom(far, port())}
		if r.IntN(2) == 0 {
			c.Source, c.Dest = c.Dest, c.Source
		}
		if r.IntN(2) == 0 {
			c.Protocol, c.State, c.Liberal, c.Seconds = unix.IPPROTO_TCP, 3, s.clean || r.IntN(8) > 0, 1000
		}
		if r.IntN(12) == 0 && !s.clean {
			c.Status &^= 4
		}
		if s.nat {
			s.translate(r, &c, public, port)
		}
		all = append(all, c)
	}
	return all
}

// translate gives a connection another source, another destination, or both.
func (s scene) translate(r *rand.Rand, c *lab.Connection, public netip.Addr, port func() uint16) {
	kind := r.IntN(4)
	if kind&1 != 0 {
		c.SourceNAT = netip.AddrPortFrom(public, port())
	}
	if kind&2 != 0 {
		c.DestNAT = c.Dest
		c.Dest = netip.AddrPortFrom(public.Next(), port())
	}
}

// frames are packets that come in by r0, most of them of connections.
func (s scene) frames(r *rand.Rand, b *bed, conns []lab.Connection, n int) (all [][]byte) {
	for range n {
		c := conns[r.IntN(len(conns))]
		source, dest := c.Source, c.Dest
		if near, _, _ := s.hosts(r); s.far(source.Addr()) && near.IsValid() { // its answers come in by r0
			source, dest = c.Dest, c.Source
			if c.DestNAT.IsValid() {
				source = c.DestNAT
			}
			if c.SourceNAT.IsValid() {
				dest = c.SourceNAT
			}
		}
		f := segment(r, b.net.Ports[0].Peer.MAC, b.net.Ports[0].MAC, c.Protocol, source, dest)
		if s.clean {
			mend(f)
		}
		all = append(all, f)
	}
	return all
}

func (s scene) far(a netip.Addr) bool {
	for _, p := range []string{"10.2.0.0/15", "172.16.0.0/12", "192.168.0.0/16", "2001:db8:2::/47", "2001:db8:4::/48"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}

// segment is a packet of TCP or UDP with checksums that are right.
func segment(r *rand.Rand, from, to net.HardwareAddr, protocol uint8, source, dest netip.AddrPort) []byte {
	payload := make([]byte, []int{0, 1, 12, 100, 1200}[r.IntN(5)])
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	if protocol == unix.IPPROTO_TCP {
		payload = append(tcpRest(r), payload...)
	}
	f := lab.Packet{DstMAC: to, SrcMAC: from, Src: source.Addr(), Dst: dest.Addr(), SrcPort: source.Port(), DstPort: dest.Port(),
		TTL: []uint8{64, 64, 64, 255, 2, 1}[r.IntN(6)], Payload: payload}.Frame()
	l4 := lab.OffL4
	if source.Addr().Is6() {
		l4 = lab.Off6L4
	}
	f = f[:l4+8+len(payload)]
	if protocol == unix.IPPROTO_TCP {
		if source.Addr().Is4() {
			f[lab.OffProtocol] = protocol
			lab.SetHeaderChecksum(f)
		} else {
			f[lab.Off6Next] = protocol
		}
		binary.BigEndian.PutUint32(f[l4+4:], r.Uint32())
		f[l4+16], f[l4+17] = 0, 0
	} else if r.IntN(20) == 0 {
		binary.BigEndian.PutUint16(f[l4+4:], uint16(r.IntN(30)))
	}
	lab.SetL4Checksum(f)
	if protocol == unix.IPPROTO_UDP && r.IntN(8) == 0 && source.Addr().Is4() {
		f[l4+6], f[l4+7] = 0, 0
	}
	return f
}

// mend makes a packet one with which nothing is wrong.
func mend(f []byte) {
	l := fieldsOf(f)
	if f[l.next] == unix.IPPROTO_TCP {
		f[l.l4+12], f[l.l4+13] = 5<<4, 16
	} else {
		binary.BigEndian.PutUint16(f[l.l4+4:], uint16(len(f)-l.l4))
	}
	if l.size == 4 {
		f[lab.OffTTL] = 64
		lab.SetHeaderChecksum(f)
	} else {
		f[lab.Off6HopLimit] = 64
	}
	lab.SetL4Checksum(f)
}

// tcpRest is what follows the first eight bytes of a TCP header.
func tcpRest(r *rand.Rand) []byte {
	const ack, push, urgent = 16, 8, 32
	flags := []byte{ack, ack, ack, ack | push, ack | push, ack | urgent, ack | 0x40, ack | 0x80 | push, 0, ack | 1, 2, 2 | ack, 1, 63}
	rest := make([]byte, 12)
	binary.BigEndian.PutUint32(rest, r.Uint32())
	rest[4], rest[5] = 5<<4, flags[r.IntN(8+r.IntN(2)*r.IntN(7))]
	if r.IntN(30) == 0 {
		rest[4] = byte(r.IntN(16)) << 4
	}
	binary.BigEndian.PutUint16(rest[6:], uint16(1+r.IntN(60000)))
	return rest
}

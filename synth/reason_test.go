package synth

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// veth makes veths of the network cards.
func veth(text string) string {
	return strings.ReplaceAll(text, "flags=0x11043 ", "flags=0x11043 kind=veth ")
}

// guest makes cards of a virtual machine of them, which send short frames as they are.
func guest(text string) string {
	return strings.ReplaceAll(text, "flags=0x11043 ", "flags=0x11043 bus=virtio ")
}

// TestPacketReasons breaks one thing at a time about a frame.
func TestPacketReasons(t *testing.T) {
	text := with(router(t), "route dst=198.51.100.0/24 table=254 type=7 proto=3", "route dst=192.0.3.0/24 table=254 type=1 hop=dev:2,via:10.1.0.2")
	cards, veths := newBed(t, text, 2), newBed(t, veth(text), 2)
	guests := newBed(t, strings.ReplaceAll(text, "flags=0x11043 ", "flags=0x11043 bus=xen "), 2)
	tcp := []change{put(23, 6), repair, put(46, 0x50)}
	for _, c := range []struct {
		name    string
		bed     *bed
		reason  slowpath.Reason // None: forwarded
		changes []change
	}{
		{"good", cards, slowpath.None, nil},
		{"short", cards, slowpath.Short, []change{cut(33)}},
		{"empty", cards, slowpath.Short, []change{cut(0)}},
		{"least", cards, slowpath.None, []change{put(16, 0, 20), repair, cut(34)}},
		{"other host", cards, slowpath.OtherHost, []change{put(5, 9)}},
		{"other host", cards, slowpath.OtherHost, []change{put(0, 0)}},
		{"broadcast", cards, slowpath.OtherHost, []change{put(0, 255, 255, 255, 255, 255, 255)}},
		{"arp", cards, slowpath.NotIP, []change{put(12, 8, 6)}},
		{"ipv6", cards, slowpath.NotForwarding, []change{put(12, 0x86, 0xdd)}},
		{"vlan in the frame", cards, slowpath.NotIP, []change{put(12, 0x81, 0)}},
		{"version", cards, slowpath.Version, []change{put(14, 0x55), repair}},
		{"options", cards, slowpath.Version, []change{put(14, 0x46), repair}},
		{"total length of 19", cards, slowpath.Length, []change{put(16, 0, 19), repair}},
		{"past the frame", cards, slowpath.Length, []change{put(16, 0, 47), repair}},
		{"filled up", cards, slowpath.None, []change{put(16, 0, 40), repair}},
		{"filled up too far", cards, slowpath.Length, []change{pad(61)}},
		{"filled up on a veth", veths, slowpath.Length, []change{put(16, 0, 40), repair}},
		{"more fragments", cards, slowpath.Fragment, []change{put(20, 0x20), repair}},
		{"last fragment", cards, slowpath.Fragment, []change{put(20, 0, 1), repair}},
		{"do not fragment", cards, slowpath.None, []change{put(20, 0x40), repair}},
		{"may fragment", cards, slowpath.None, []change{put(20, 0), repair}},
		{"checksum", cards, slowpath.HeaderChecksum, []change{put(25, 1)}},
		{"checksum of zero", cards, slowpath.HeaderChecksum, []change{put(24, 0, 0)}},
		{"ttl 2", cards, slowpath.None, []change{put(22, 2), repair}},
		{"ttl 1", cards, slowpath.TTL, []change{put(22, 1), repair}},
		{"ttl 0", cards, slowpath.TTL, []change{put(22, 0), repair}},
		{"source 0.1.2.3", cards, slowpath.SourceMartian, []change{from(0, 1, 2, 3), repair}},
		{"source loopback", cards, slowpath.SourceMartian, []change{from(127, 1, 2, 3), repair}},
		{"source multicast", cards, slowpath.SourceMartian, []change{from(224, 0, 0, 9), repair}},
		{"source reserved", cards, slowpath.SourceMartian, []change{from(250, 0, 0, 9), repair}},
		{"source broadcast", cards, slowpath.SourceMartian, []change{from(255, 255, 255, 255), repair}},
		{"source 223.255.255.255", cards, slowpath.None, []change{from(223, 255, 255, 255), repair}},
		{"source 1.0.0.0", cards, slowpath.None, []change{from(1, 0, 0, 0), repair}},
		{"source own", cards, slowpath.SourceOwn, []change{from(10, 2, 0, 1), repair}},
		{"source directed broadcast", cards, slowpath.SourceOwn, []change{from(10, 1, 0, 255), repair}},
		{"to 0.0.0.0", cards, slowpath.DestMartian, []change{to(0, 0, 0, 0), repair}},
		{"to loopback", cards, slowpath.DestMartian, []change{to(127, 0, 0, 1), repair}},
		{"to multicast", cards, slowpath.DestMartian, []change{to(224, 0, 0, 1), repair}},
		{"to broadcast", cards, slowpath.DestMartian, []change{to(255, 255, 255, 255), repair}},
		{"to nowhere", cards, slowpath.NoRoute, []change{to(8, 8, 8, 8), repair}},
		{"to us", cards, slowpath.Local, []change{to(10, 2, 0, 1), repair}},
		{"to directed broadcast", cards, slowpath.Broadcast, []change{to(10, 2, 0, 255), repair}},
		{"unreachable", cards, slowpath.RouteType, []change{to(198, 51, 100, 1), repair}},
		{"a neighbour", cards, slowpath.None, []change{to(10, 2, 0, 2), repair}},
		{"no neighbour", cards, slowpath.NeighbourMissing, []change{to(10, 2, 0, 3), repair}},
		{"back", cards, slowpath.Redirect, []change{to(192, 0, 3, 1), repair}},
		{"1500 bytes", cards, slowpath.None, []change{pad(1514), put(16, 5, 220), repair}},
		{"1501 bytes", cards, slowpath.MTU, []change{pad(1515), put(16, 5, 221), repair}},
		{"udp on a veth", veths, slowpath.None, nil},
		{"partial udp", veths, slowpath.PartialChecksum, []change{partialUDP}},
		{"partial udp on a card", cards, slowpath.None, []change{partialUDP}},
		{"partial udp of a guest of xen", guests, slowpath.PartialChecksum, []change{partialUDP}},
		{"udp of a guest of xen", guests, slowpath.None, nil},
		{"udp without checksum", veths, slowpath.PartialChecksum, []change{put(40, 0, 0)}},
		{"vxlan", veths, slowpath.PartialChecksum, []change{put(36, 0x12, 0xb5)}},
		{"geneve", veths, slowpath.PartialChecksum, []change{put(36, 0x17, 0xc1)}},
		{"icmp on a veth", veths, slowpath.PartialChecksum, []change{put(23, 1), repair}},
		{"icmp", cards, slowpath.None, []change{put(23, 1), repair}},
		{"tcp on a veth", veths, slowpath.None, tcp},
		{"partial tcp", veths, slowpath.PartialChecksum, append(tcp, partialTCP)},
		{"short tcp on a veth", veths, slowpath.PartialChecksum, []change{put(23, 6), put(16, 0, 39), repair, cut(53)}},
		{"short udp on a veth", veths, slowpath.PartialChecksum, []change{put(16, 0, 27), repair, cut(41)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := datagram(c.changes...)
			sent := bytes.Clone(frame)
			v := c.bed.run(t, frame)
			switch {
			case c.reason == slowpath.None && (v.Kind != ir.RedirectExit || v.Oif != 3):
				t.Errorf("%v, want it forwarded", v)
			case c.reason != slowpath.None && (v.Kind != ir.Punt || v.Reason != c.reason):
				t.Errorf("%v, want punt %v", v, c.reason)
			case v.Kind == ir.Punt && !bytes.Equal(v.Packet, sent):
				t.Errorf("punted after a change: %x", v.Packet)
			}
		})
	}
}

// TestBack: packets go back by the interface that they came from where nobody is to be told of a better way, and not where
// one of the two sysctls, or IPv6, wants somebody to be.
func TestBack(t *testing.T) {
	const all, own = "sysctl path=ipv4/conf/all/send_redirects value=", "sysctl path=ipv4/conf/r0/send_redirects value="
	text := with(router6(t), "route dst=192.0.3.0/24 table=254 type=1 hop=dev:2,via:10.1.0.2",
		"route6 dst=2001:db8:3::/48 table=254 metric=1024 type=1 hop=dev:2,via:2001:db8:1::2")
	for _, c := range []struct {
		name  string
		lines []string
		goes  bool
	}{
		{"unknown", nil, false}, {"both on", []string{all + "1", own + "1"}, false}, {"all off", []string{all + "0", own + "1"}, false},
		{"own off", []string{all + "1", own + "0"}, false}, {"both off", []string{all + "0", own + "0"}, true},
	} {
		b := newBed(t, with(text, c.lines...), 2)
		v := b.run(t, datagram(to(192, 0, 3, 1), repair))
		if c.goes && (v.Kind != ir.RedirectExit || v.Oif != 2) || !c.goes && v.Reason != slowpath.Redirect {
			t.Errorf("%s: %v", c.name, v)
		}
		if v := b.run(t, datagram6(to6("2001:db8:3::1"))); v.Reason != slowpath.Redirect {
			t.Errorf("%s: IPv6: %v", c.name, v)
		}
	}
}

func partialUDP(f []byte) []byte { return partial(f, 17, 26, 40) }

func partialTCP(f []byte) []byte { return partial(f, 6, 26, 50) }

// partial puts the sum of the pseudo header where the checksum is to be.
func partial(f []byte, protocol, length uint32, at int) []byte {
	sum := protocol + length
	for i := 26; i < 34; i += 2 {
		sum += uint32(f[i])<<8 | uint32(f[i+1])
	}
	sum = sum&0xffff + sum>>16
	sum = sum&0xffff + sum>>16
	return put(at, byte(sum>>8), byte(sum))(f)
}

func TestVLANTag(t *testing.T) {
	for _, c := range []struct {
		text string
		want ir.ExitKind
	}{{veth(router(t)), ir.Punt}, {router(t), ir.RedirectExit}} {
		b := newBed(t, c.text, 2)
		b.env.VLAN = true
		if v := b.run(t, datagram()); v.Kind != c.want {
			t.Error(v)
		}
	}
}

// TestConfigReasons changes one thing at a time about the configuration.
func TestConfigReasons(t *testing.T) {
	text := router(t)
	for _, c := range []struct {
		name       string
		reason     slowpath.Reason
		old, fresh string
		lines      []string
	}{
		{name: "tos", reason: slowpath.RouteTOS, lines: []string{"route dst=192.0.2.0/24 table=254 tos=16 type=1 hop=dev:3,via:10.2.0.2"}},
		{name: "encap", reason: slowpath.RouteEncap, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2,encap:1\n"},
		{name: "dead", reason: slowpath.RouteDead, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2,flags:0x1\n"},
		{name: "link down", reason: slowpath.RouteDead, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2,flags:0x10\n"},
		{name: "onlink", old: "via:10.2.0.2\n", fresh: "via:10.2.0.2,flags:0x4\n"},
		{name: "realm", reason: slowpath.RouteUnknown, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2 realm=5\n"},
		{name: "unknown", reason: slowpath.RouteUnknown, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2 unknown=attribute-99\n"},
		{name: "shadow", reason: slowpath.RouteTable, lines: []string{"route dst=192.0.0.0/16 table=255 type=2 hop=dev:1"}},
		{name: "table default", reason: slowpath.RouteTable, old: "192.0.2.0/24 table=254", fresh: "192.0.2.0/24 table=253"},
		{name: "other table", reason: slowpath.NoRoute, old: "192.0.2.0/24 table=254", fresh: "192.0.2.0/24 table=77"},
		{name: "blackhole", reason: slowpath.RouteType, old: "254 type=1 proto=3", fresh: "254 type=6 proto=3"},
		{name: "metric", lines: []string{"route dst=192.0.2.0/24 table=254 metric=5 type=6"}},
		{name: "no object", reason: slowpath.NexthopUnknown, old: "hop=dev:3,via:10.2.0.2", fresh: "nhid=9"},
		{name: "object", old: "hop=dev:3,via:10.2.0.2", fresh: "nhid=9", lines: []string{"nexthop id=9 dev=3 via=10.2.0.2 object=9"}},
		{name: "object of another kind of route", reason: slowpath.NexthopMixed, old: "hop=dev:3,via:10.2.0.2", fresh: "nhid=8",
			lines: []string{"nexthop id=8 object=8 member=9*0", "nexthop id=9 dev=3 via=10.2.0.2 object=9",
				"route dst=198.51.100.0/24 table=77 type=1 nhid=9 mtu=1400"}},
		{name: "group of one", old: "hop=dev:3,via:10.2.0.2", fresh: "nhid=8",
			lines: []string{"nexthop id=8 object=8 member=9*0", "nexthop id=9 dev=3 via=10.2.0.2 object=9"}},
		{name: "blackhole object", reason: slowpath.RouteType, old: "hop=dev:3,via:10.2.0.2", fresh: "nhid=9",
			lines: []string{"nexthop id=9 blackhole object=9"}},
		{name: "ipv6 gateway", old: "via:10.2.0.2\n", fresh: "via:fe80::2\n",
			lines: []string{"neigh dev=3 addr=fe80::2 mac=02:00:00:00:02:02 has-mac state=0x04 type=1"}},
		{name: "no ipv6 neighbour", reason: slowpath.NeighbourMissing, old: "via:10.2.0.2\n", fresh: "via:fe80::2\n"},
		{name: "incomplete", reason: slowpath.NeighbourState, old: "02:02 has-mac state=0x02", fresh: "02:02 has-mac state=0x01"},
		{name: "failed", reason: slowpath.NeighbourState, old: "mac=02:00:00:00:02:02 has-mac state=0x02", fresh: "state=0x20"},
		{name: "stale", old: "02:02 has-mac state=0x02", fresh: "02:02 has-mac state=0x04"},
		{name: "permanent", old: "02:02 has-mac state=0x02", fresh: "02:02 has-mac state=0x80"},
		{name: "down", reason: slowpath.EgressDown, old: "name=r1 type=1 flags=0x11043", fresh: "name=r1 type=1 flags=0x1002"},
		{name: "no carrier", reason: slowpath.EgressDown, old: "02:01 broadcast=ff:ff:ff:ff:ff:ff carrier", fresh: "02:01 broadcast=ff:ff:ff:ff:ff:ff"},
		{name: "not ready", reason: slowpath.EgressNotReady, old: "02:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 xdp-features=0x7",
			fresh: "02:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 xdp-features=0x3"},
		{name: "bridge", reason: slowpath.FDBUnknown, old: "name=r1 type=1 flags=0x11043", fresh: "name=r1 type=1 flags=0x11043 kind=bridge"},
		{name: "port", reason: slowpath.EgressKind, old: "name=r1 type=1 flags=0x11043", fresh: "name=r1 type=1 flags=0x11043 master=9"},
		{name: "shaped", reason: slowpath.EgressQdisc, old: "dev=3 parent=0xffffffff kind=noqueue", fresh: "dev=3 parent=0xffffffff kind=tbf"},
		{name: "paced", reason: slowpath.EgressQdisc, old: "dev=3 parent=0xffffffff kind=noqueue", fresh: "dev=3 parent=0xffffffff kind=fq paced"},
		{name: "fair", old: "dev=3 parent=0xffffffff kind=noqueue", fresh: "dev=3 parent=0xffffffff kind=fq"},
		{name: "class", reason: slowpath.EgressQdisc, lines: []string{"qdisc dev=3 handle=1 parent=5 kind=netem"}},
		{name: "ingress qdisc of the egress", lines: []string{"qdisc dev=3 handle=0xffff0000 parent=0xfffffff1 kind=ingress"}},
		{name: "clsact", reason: slowpath.EgressFilter, lines: []string{"qdisc dev=3 handle=0xffff0000 parent=0xfffffff1 kind=clsact"}},
		{name: "a reader that drops frames", reason: slowpath.EgressFilter, old: "name=r1 type=1 flags=0x11043", fresh: "sieved name=r1 type=1 flags=0x11043"},
		{name: "filter", reason: slowpath.EgressFilter, lines: []string{"filter dev=3 parent=0xfffffff3 kind=u32"}},
		{name: "tap", reason: slowpath.EgressTap, lines: []string{"tap inode=1 dev=3 protocol=3"}},
		{name: "harmless tap", lines: []string{"tap inode=1 dev=3 protocol=3 harmless"}},
		{name: "tap that sees no egress", lines: []string{"tap inode=1 dev=3 protocol=2048"}},
		{name: "redirects of one", lines: []string{"sysctl path=ipv4/conf/r1/accept_redirects value=1"}},
		{name: "redirects of all", lines: []string{"sysctl path=ipv4/conf/all/accept_redirects value=1"}},
		{name: "redirects", reason: slowpath.EgressLearns, lines: []string{"sysctl path=ipv4/conf/all/accept_redirects value=1",
			"sysctl path=ipv4/conf/r1/accept_redirects value=1"}},
		{name: "redirects of one that does not forward", reason: slowpath.EgressLearns, old: "netconf dev=3 forwarding\n",
			fresh: "netconf dev=3\n", lines: []string{"sysctl path=ipv4/conf/r1/accept_redirects value=1"}},
		{name: "address", reason: slowpath.Local, lines: []string{"addr dev=3 local=192.0.2.7/24 peer=192.0.2.7 flags=0x80"}},
		{name: "learned", reason: slowpath.RouteLearned, lines: []string{"learned4 dst=192.0.2.7"}},
		{name: "learned of another", lines: []string{"learned4 dst=192.0.2.8"}},
		{name: "small mtu", reason: slowpath.MTU, old: "via:10.2.0.2\n", fresh: "via:10.2.0.2 mtu=40\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := with(text, c.lines...)
			if c.old != "" {
				changed = swapped(t, changed, c.old, c.fresh)
			}
			v := newBed(t, changed, 2).run(t, datagram())
			if c.reason == slowpath.None && v.Kind != ir.RedirectExit || c.reason != slowpath.None && v.Reason != c.reason {
				t.Errorf("%v, want %v", v, c.reason)
			}
		})
	}
}

// TestReversePath: with rp_filter the source has to have a route back.
func TestReversePath(t *testing.T) {
	text := with(router(t), "route dst=203.0.113.0/24 table=254 type=1 hop=dev:3,via:10.2.0.2",
		"route dst=198.51.100.0/24 table=254 type=6", "route dst=203.0.114.0/24 table=254 type=1 hop=dev:2,via:10.1.0.9")
	for _, c := range []struct {
		source        [4]byte
		strict, loose slowpath.Reason
	}{
		{[4]byte{10, 1, 0, 2}, slowpath.None, slowpath.None},
		{[4]byte{10, 1, 0, 77}, slowpath.None, slowpath.None}, // not a neighbour yet
		{[4]byte{203, 0, 114, 5}, slowpath.None, slowpath.None},
		{[4]byte{203, 0, 113, 5}, slowpath.SourceFilter, slowpath.None},
		{[4]byte{198, 51, 100, 5}, slowpath.SourceFilter, slowpath.SourceFilter},
		{[4]byte{8, 8, 8, 8}, slowpath.SourceFilter, slowpath.SourceFilter},
		{[4]byte{10, 2, 0, 1}, slowpath.SourceOwn, slowpath.SourceOwn},
		{[4]byte{10, 1, 0, 255}, slowpath.SourceOwn, slowpath.SourceOwn},
		{[4]byte{127, 0, 0, 1}, slowpath.SourceMartian, slowpath.SourceMartian},
	} {
		for line, want := range map[string]slowpath.Reason{"netconf dev=2 forwarding rp-filter=1": c.strict,
			"netconf dev=2 forwarding rp-filter=2": c.loose} {
			b := newBed(t, swapped(t, text, "netconf dev=2 forwarding", line), 2)
			v := b.run(t, datagram(from(c.source[:]...), repair))
			if want == slowpath.None && v.Kind != ir.RedirectExit || want != slowpath.None && v.Reason != want {
				t.Errorf("%s: source %v: %v, want %v", line, c.source, v, want)
			}
			b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Neigh: 1}
			if v := b.run(t, datagram()); v.Reason != slowpath.Moved {
				t.Errorf("%s: %v while the configuration moves", line, v)
			}
		}
	}
	unnumbered := swapped(t, swapped(t, text, "netconf dev=-1", "netconf dev=-1 rp-filter=2"), "addr dev=2", "addr dev=1")
	if v := newBed(t, unnumbered, 2).run(t, datagram()); v.Reason != slowpath.SourceFilter {
		t.Errorf("without an address: %v", v)
	}
}

// TestManyAddresses: more own addresses than are worth comparing with are looked up.
func TestManyAddresses(t *testing.T) {
	var lines []string
	for i := range 20 {
		lines = append(lines, "addr dev=3 local=10.3."+itoa(i)+".1/24 peer=10.3."+itoa(i)+".1 flags=0x80")
	}
	b := newBed(t, with(router(t), lines...), 2)
	if s := view4(b.fib); s.Inline || s.Own != "" {
		t.Fatalf("shape %+v", s)
	}
	for source, want := range map[[4]byte]slowpath.Reason{{10, 3, 7, 1}: slowpath.SourceOwn, {127, 0, 0, 1}: slowpath.SourceMartian,
		{10, 2, 0, 255}: slowpath.SourceOwn} {
		if v := b.run(t, datagram(from(source[:]...), repair)); v.Reason != want {
			t.Errorf("source %v: %v", source, v)
		}
	}
	if v := b.run(t, datagram()); v.Kind != ir.RedirectExit {
		t.Error(v)
	}
}

func itoa(i int) string { return strings.TrimPrefix(netipAddr(uint32(i)).String(), "0.0.0.") }

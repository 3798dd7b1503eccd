package synth

import (
	"bytes"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestPacketReasons6 breaks one thing at a time about an IPv6 frame.
func TestPacketReasons6(t *testing.T) {
	text := with(router6(t), "route6 dst=2001:db8:d::/48 table=254 metric=1024 type=7 proto=3",
		"route6 dst=2001:db8:3::/48 table=254 metric=1024 type=1 hop=dev:2,via:2001:db8:1::2")
	cards, veths := newBed(t, text, 2), newBed(t, veth(text), 2)
	next := func(n byte) change { return put(20, n) }
	for _, c := range []struct {
		name    string
		bed     *bed
		reason  slowpath.Reason // None: forwarded
		changes []change
	}{
		{"good", cards, slowpath.None, nil},
		{"empty", cards, slowpath.Short, []change{cut(53)}},
		{"least", cards, slowpath.None, []change{payload6(0), next(6)}},
		{"least, filled up", cards, slowpath.None, []change{payload6(0), next(6), pad(60)}},
		{"other host", cards, slowpath.OtherHost, []change{put(5, 9)}},
		{"multicast", cards, slowpath.OtherHost, []change{put(0, 0x33, 0x33)}},
		{"version", cards, slowpath.Version, []change{put(14, 0x45)}},
		{"traffic class", cards, slowpath.None, []change{put(14, 0x6f, 0xf0)}},
		{"past the frame", cards, slowpath.Length, []change{put(18, 0, 27)}},
		{"longer frame", cards, slowpath.Length, []change{put(18, 0, 25)}},
		{"jumbo", cards, slowpath.Length, []change{put(18, 0, 0)}},
		{"filled up on a veth", veths, slowpath.Length, []change{payload6(0), next(6), pad(60)}},
		{"tcp", cards, slowpath.None, []change{next(6)}},
		{"esp", cards, slowpath.None, []change{next(50)}},
		{"hop-by-hop", cards, slowpath.NextHeader, []change{next(0)}},
		{"routing", cards, slowpath.NextHeader, []change{next(43)}},
		{"fragment", cards, slowpath.NextHeader, []change{next(44)}},
		{"destination options", cards, slowpath.NextHeader, []change{next(60)}},
		{"no next header", cards, slowpath.NextHeader, []change{next(59)}},
		{"icmp of IPv4", cards, slowpath.NextHeader, []change{next(1)}},
		{"echo request", cards, slowpath.None, []change{next(58), put(54, 128)}},
		{"echo reply", cards, slowpath.None, []change{next(58), put(54, 129)}},
		{"too big", cards, slowpath.NextHeader, []change{next(58), put(54, 2)}},
		{"mld", cards, slowpath.NextHeader, []change{next(58), put(54, 130)}},
		{"neighbour solicitation", cards, slowpath.NextHeader, []change{next(58), put(54, 135)}},
		{"icmp without a type", cards, slowpath.Short, []change{next(58), payload6(0)}},
		{"hop limit 2", cards, slowpath.None, []change{put(21, 2)}},
		{"hop limit 1", cards, slowpath.TTL, []change{put(21, 1)}},
		{"hop limit 0", cards, slowpath.TTL, []change{put(21, 0)}},
		{"source ::", cards, slowpath.SourceMartian, []change{from6("::")}},
		{"source ::1", cards, slowpath.SourceMartian, []change{from6("::1")}},
		{"source mapped", cards, slowpath.SourceMartian, []change{from6("::ffff:10.1.0.2")}},
		{"source link-local", cards, slowpath.SourceMartian, []change{from6("fe80::5")}},
		{"source site-local", cards, slowpath.SourceMartian, []change{from6("fec0::5")}},
		{"source multicast", cards, slowpath.SourceMartian, []change{from6("ff0e::5")}},
		{"source unique local", cards, slowpath.None, []change{from6("fdff::5")}},
		{"source NAT64", cards, slowpath.None, []change{from6("64:ff9b::a01:2")}},
		{"source own", cards, slowpath.None, []change{from6("2001:db8:2::1")}},
		{"to ::", cards, slowpath.DestMartian, []change{to6("::")}},
		{"to ::1", cards, slowpath.DestMartian, []change{to6("::1")}},
		{"to link-local", cards, slowpath.DestMartian, []change{to6("fe80::2")}},
		{"to multicast", cards, slowpath.DestMartian, []change{to6("ff0e::1")}},
		{"to mapped", cards, slowpath.DestMartian, []change{to6("::ffff:10.2.0.2")}},
		{"to nowhere", cards, slowpath.NoRoute, []change{to6("2001:db9::1")}},
		{"to us", cards, slowpath.Local, []change{to6("2001:db8:2::1")}},
		{"to any router", cards, slowpath.Broadcast, []change{to6("2001:db8:2::")}},
		{"unreachable", cards, slowpath.RouteType, []change{to6("2001:db8:d::1")}},
		{"a neighbour", cards, slowpath.None, []change{to6("2001:db8:2::2")}},
		{"no neighbour", cards, slowpath.NeighbourMissing, []change{to6("2001:db8:2::3")}},
		{"back", cards, slowpath.Redirect, []change{to6("2001:db8:3::1")}},
		{"1500 bytes", cards, slowpath.None, []change{payload6(1460)}},
		{"1501 bytes", cards, slowpath.MTU, []change{payload6(1461)}},
		{"udp on a veth", veths, slowpath.None, nil},
		{"partial udp", veths, slowpath.PartialChecksum, []change{partial6(60)}},
		{"partial udp on a card", cards, slowpath.None, []change{partial6(60)}},
		{"udp without checksum", veths, slowpath.PartialChecksum, []change{put(60, 0, 0)}},
		{"vxlan", veths, slowpath.PartialChecksum, []change{put(56, 0x12, 0xb5)}},
		{"echo on a veth", veths, slowpath.PartialChecksum, []change{next(58), put(54, 128)}},
		{"tcp on a veth", veths, slowpath.None, []change{next(6)}},
		{"partial tcp", veths, slowpath.PartialChecksum, []change{next(6), partial6(70)}},
		{"short tcp on a veth", veths, slowpath.PartialChecksum, []change{next(6), payload6(19)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := datagram6(c.changes...)
			sent := bytes.Clone(frame)
			v := c.bed.run(t, frame)
			switch {
			case c.reason == slowpath.None && (v.Kind != ir.RedirectExit || v.Oif != 3):
				t.Errorf("%v, want it forwarded", v)
			case c.reason == slowpath.None && !bytes.Equal(v.Packet, forwarded6(sent)):
				t.Errorf("sent %x\nwant %x", v.Packet, forwarded6(sent))
			case c.reason != slowpath.None && (v.Kind != ir.Punt || v.Reason != c.reason):
				t.Errorf("%v, want punt %v", v, c.reason)
			case v.Kind == ir.Punt && !bytes.Equal(v.Packet, sent):
				t.Errorf("punted after a change: %x", v.Packet)
			}
		})
	}
}

// forwarded6 is a frame as it leaves by r1.
func forwarded6(frame []byte) []byte {
	f := bytes.Clone(frame)
	copy(f, []byte{2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1})
	f[21]--
	return f
}

// TestConfigReasons6 changes one thing at a time about the configuration.
func TestConfigReasons6(t *testing.T) {
	text := router6(t)
	for _, c := range []struct {
		name       string
		reason     slowpath.Reason
		old, fresh string
		swaps      []string // another old and fresh
		lines      []string
	}{
		{name: "source prefix", reason: slowpath.RouteUnknown, lines: []string{"route6 dst=2001:db8:f::/48 table=254 metric=2048 type=1 hop=dev:3,via:fe80::3 unknown=src-len"}},
		{name: "metric", lines: []string{"route6 dst=2001:db8:f::/48 table=254 metric=2048 type=6"}},
		{name: "lower metric", reason: slowpath.RouteType, lines: []string{"route6 dst=2001:db8:f::/48 table=254 metric=512 type=6"}},
		{name: "longer", reason: slowpath.RouteType, lines: []string{"route6 dst=2001:db8:f::/64 table=254 metric=2048 type=6"}},
		{name: "dead", reason: slowpath.RouteDead, old: "via:fe80::2\n", fresh: "via:fe80::2,flags:0x1\n"},
		{name: "link down", reason: slowpath.RouteDead, old: "via:fe80::2\n", fresh: "via:fe80::2,flags:0x10\n"},
		{name: "encap", reason: slowpath.RouteEncap, old: "via:fe80::2\n", fresh: "via:fe80::2,encap:5\n"},
		{name: "shadow", reason: slowpath.RouteTable, lines: []string{"route6 dst=2001:db8::/32 table=255 type=2 hop=dev:1"}},
		{name: "local", reason: slowpath.Local, lines: []string{"route6 dst=2001:db8:f::/64 table=255 type=2 hop=dev:1"}},
		{name: "table default", reason: slowpath.NoRoute, old: "2001:db8:f::/48 table=254", fresh: "2001:db8:f::/48 table=253"},
		{name: "object", old: "hop=dev:3,via:fe80::2", fresh: "nhid=9", lines: []string{"nexthop id=9 dev=3 via=fe80::2 object=9"}},
		{name: "group", reason: slowpath.Multipath, old: "hop=dev:3,via:fe80::2", fresh: "nhid=8", lines: []string{
			"nexthop id=8 object=8 member=9*0 member=7*0", "nexthop id=9 dev=3 via=fe80::2 object=9",
			"nexthop id=7 dev=3 via=2001:db8:2::2 object=7"}},
		{name: "address", reason: slowpath.Local, lines: []string{"addr dev=3 local=2001:db8:f::7/64 peer=2001:db8:f::7 flags=0x40"}},
		{name: "no neighbour", reason: slowpath.NeighbourMissing, old: "via:fe80::2\n", fresh: "via:fe80::3\n"},
		{name: "incomplete", reason: slowpath.NeighbourState, old: "addr=fe80::2 mac=02:00:00:00:02:02 has-mac state=0x02", fresh: "addr=fe80::2 state=0x01"},
		{name: "stale", old: "addr=fe80::2 mac=02:00:00:00:02:02 has-mac state=0x02", fresh: "addr=fe80::2 mac=02:00:00:00:02:02 has-mac state=0x04"},
		{name: "route mtu", reason: slowpath.MTU, old: "via:fe80::2\n", fresh: "via:fe80::2 mtu=60\n"},
		{name: "learned", reason: slowpath.RouteLearned, lines: []string{"learned6 dst=2001:db8:f::7"}},
		{name: "learned of another", lines: []string{"learned6 dst=2001:db8:f::8"}},
		{name: "off", reason: slowpath.EgressDisabled, old: "ipv6/conf/r1/disable_ipv6 value=0", fresh: "ipv6/conf/r1/disable_ipv6 value=1"},
		{name: "not known", reason: slowpath.EgressDisabled, old: "sysctl path=ipv6/conf/r1/disable_ipv6 value=0\n", fresh: ""},
		{name: "no ipv6", reason: slowpath.EgressDisabled, old: "netconf6 dev=3 forwarding\n", fresh: ""},
		{name: "redirects", reason: slowpath.EgressLearns, old: "netconf6 dev=3 forwarding\n", fresh: "netconf6 dev=3\n"},
		{name: "no redirects", old: "netconf6 dev=3 forwarding\n", fresh: "netconf6 dev=3\n", swaps: []string{
			"ipv6/conf/r1/accept_redirects value=1", "ipv6/conf/r1/accept_redirects value=0"}},
		{name: "redirects of IPv4", lines: []string{"sysctl path=ipv4/conf/all/accept_redirects value=1",
			"sysctl path=ipv4/conf/r1/accept_redirects value=1"}},
		{name: "expires", reason: slowpath.RouteExpires, old: "via:fe80::2\n", fresh: "via:fe80::2 expires\n"},
		{name: "egress tap", reason: slowpath.EgressTap, lines: []string{"tap inode=1 dev=3 protocol=3"}},
		{name: "rule", reason: slowpath.Rules, lines: []string{"rule6 pref=5 action=1 table=77 uidrange"}},
		{name: "no rule of main", reason: slowpath.Rules, old: "rule6 pref=32766 action=1 table=254\n", fresh: ""},
		{name: "rule of IPv4", lines: []string{"rule pref=5 action=1 table=77 from=10.9.0.0/16"}},
		{name: "hook", reason: slowpath.Netfilter, lines: []string{"hook kind=nft name=ip6-filter-forward family=ip6"}},
		{name: "hook of IPv4", lines: []string{"hook kind=nft name=ip-filter-forward family=ip"}},
		{name: "tap", reason: slowpath.Tap, lines: []string{"tap inode=1 dev=2 protocol=34525"}},
		{name: "tap of IPv4", lines: []string{"tap inode=1 dev=2 protocol=2048"}},
		{name: "not forwarding", reason: slowpath.NotForwarding, old: "netconf6 dev=-1 forwarding", fresh: "netconf6 dev=-1"},
		{name: "device not forwarding", old: "netconf6 dev=2 forwarding", fresh: "netconf6 dev=2"},
		{name: "disabled", reason: slowpath.NoIPv6, old: "ipv6/conf/r0/disable_ipv6 value=0", fresh: "ipv6/conf/r0/disable_ipv6 value=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := text
			if c.old != "" {
				changed = swapped(t, changed, c.old, c.fresh)
			}
			if c.swaps != nil {
				changed = swapped(t, changed, c.swaps[0], c.swaps[1])
			}
			b := newBedWith(t, with(changed, c.lines...), 2, Options{Hook: "xdp", VethTag: true})
			v := b.run(t, datagram6())
			if c.reason == slowpath.None && v.Kind != ir.RedirectExit || c.reason != slowpath.None && v.Reason != c.reason {
				t.Errorf("%v, want %v", v, c.reason)
			}
		})
	}
}

// TestLearnedMTU: where routers may announce an MTU, nothing longer than the least is sure.
func TestLearnedMTU(t *testing.T) {
	for _, c := range []struct {
		old, fresh string
		want       int
	}{
		{"ipv6/conf/r1/mtu value=1500", "ipv6/conf/r1/mtu value=1400", 1400},
		{"ipv6/conf/r1/mtu value=1500", "ipv6/conf/r1/mtu value=9000", 1500},
		{"ipv6/conf/r1/accept_ra value=1", "ipv6/conf/r1/accept_ra value=2", 1280},
		{"sysctl path=ipv6/conf/r1/mtu value=1500\n", "", 1280},
	} {
		b := newBed(t, swapped(t, router6(t), c.old, c.fresh), 2)
		if v := b.run(t, datagram6(payload6(c.want-40))); v.Kind != ir.RedirectExit {
			t.Errorf("%s: %d bytes: %v", c.fresh, c.want, v)
		}
		if v := b.run(t, datagram6(payload6(c.want-39))); v.Reason != slowpath.MTU {
			t.Errorf("%s: %d bytes: %v", c.fresh, c.want+1, v)
		}
	}
}

// TestOneFamily: an interface may have a fast path for one family only.
func TestOneFamily(t *testing.T) {
	const hook4, hook6 = "hook kind=nft name=a family=ip", "hook kind=nft name=b family=ip6"
	for _, c := range []struct {
		lines     []string
		four, six slowpath.Reason
	}{
		{nil, slowpath.None, slowpath.None},
		{[]string{hook4}, slowpath.Netfilter, slowpath.None},
		{[]string{hook6}, slowpath.None, slowpath.Netfilter},
	} {
		b := newBed(t, with(router6(t), c.lines...), 2)
		for _, moved := range []slowpath.Epochs{{}, {slowpath.Any: 1, slowpath.Neigh: 1}} {
			b.env.Moved = moved
			b.env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
			b.env.FIB6 = b.env.FIB
			if v := b.run(t, datagram()); v.Reason != c.four {
				t.Errorf("%s: IPv4 %v, want %v", c.lines, v, c.four)
			}
			if v := b.run(t, datagram6()); v.Reason != c.six {
				t.Errorf("%s: IPv6 %v, want %v", c.lines, v, c.six)
			}
		}
		if reason, _ := Refuse(b.snapshot, 2, tested); reason != slowpath.None {
			t.Errorf("%s: refused: %v", c.lines, reason)
		}
	}
	s := parse(t, with(router6(t), hook4, hook6))
	if reason, cause := Refuse(s, 2, tested); reason != slowpath.Netfilter {
		t.Errorf("%v: %s", reason, cause)
	}
	all := Leave(s, 2, tested, NewFIB(s).Shape())
	if len(all) != 2 || all[0].Family != "ipv4" || all[1].Family != "ipv6" {
		t.Errorf("left: %v", all)
	}
}

package synth

import (
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// ruledRouter is the router with a third card, r2 (4) towards 10.3.0.0/24, by which table 7 leads everywhere.
func ruledRouter(t testing.TB, rules ...string) string {
	text := with(router(t),
		"link index=4 name=r2 type=1 flags=0x11043 mtu=1500 mac=02:00:00:00:03:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 xdp-features=0x7",
		"addr dev=4 local=10.3.0.1/24 peer=10.3.0.1 flags=0x80",
		"netconf dev=4 forwarding",
		"route dst=10.3.0.0/24 table=254 type=1 hop=dev:4",
		"route dst=10.3.0.1/32 table=255 type=2 hop=dev:4",
		"route dst=0.0.0.0/0 table=7 type=1 hop=dev:4,via:10.3.0.2",
		"neigh dev=4 addr=10.3.0.2 mac=02:00:00:00:03:02 has-mac state=0x02 type=1")
	return with(text, rules...)
}

// TestRules: where packets of r0 go, by the rules.
func TestRules(t *testing.T) {
	tos, tcp := put(15, 0x10), put(23, 6)
	for _, c := range []struct {
		name, rule string
		packet     []byte
		oif        uint32
		reason     slowpath.Reason
	}{
		{name: "from", rule: "rule pref=100 action=1 table=7 from=10.1.0.0/24", packet: datagram(), oif: 4},
		{name: "from one", rule: "rule pref=100 action=1 table=7 from=10.1.0.2/32", packet: datagram(), oif: 4},
		{name: "from another", rule: "rule pref=100 action=1 table=7 from=10.1.0.3/32", packet: datagram(), oif: 3},
		{name: "to", rule: "rule pref=100 action=1 table=7 to=192.0.2.0/24", packet: datagram(), oif: 4},
		{name: "not to", rule: "rule pref=100 action=1 table=7 to=192.0.2.0/24 invert", packet: datagram(), oif: 3},
		{name: "of r0", rule: "rule pref=100 action=1 table=7 iif=r0", packet: datagram(), oif: 4},
		{name: "of r1", rule: "rule pref=100 action=1 table=7 iif=r1", packet: datagram(), oif: 3},
		{name: "tos", rule: "rule pref=100 action=1 table=7 tos=16", packet: datagram(tos, repair), oif: 4},
		{name: "other tos", rule: "rule pref=100 action=1 table=7 tos=16", packet: datagram(), oif: 3},
		{name: "udp", rule: "rule pref=100 action=1 table=7 ipproto=17", packet: datagram(), oif: 4},
		{name: "tcp", rule: "rule pref=100 action=1 table=7 ipproto=6", packet: datagram(), oif: 3},
		{name: "port", rule: "rule pref=100 action=1 table=7 ipproto=17 dport=4000-5000", packet: datagram(), oif: 4},
		{name: "source port", rule: "rule pref=100 action=1 table=7 sport=12345-12345", packet: datagram(tcp, repair), oif: 4},
		{name: "other port", rule: "rule pref=100 action=1 table=7 dport=4000-4001", packet: datagram(), oif: 3},
		{name: "port of icmp", rule: "rule pref=100 action=1 table=7 dport=4000-4001", packet: datagram(put(23, 1), repair), reason: slowpath.Rule},
		{name: "prohibit", rule: "rule pref=100 action=8 from=10.1.0.0/24", packet: datagram(), reason: slowpath.Rule},
		{name: "prohibit another", rule: "rule pref=100 action=8 from=10.9.0.0/24", packet: datagram(), oif: 3},
		{name: "own", rule: "rule pref=100 action=1 table=7 to=192.0.2.0/24", packet: datagram(from(10, 3, 0, 1), repair), reason: slowpath.SourceOwn},
		{name: "martian", rule: "rule pref=100 action=1 table=7", packet: datagram(to(127, 0, 0, 1), repair), reason: slowpath.DestMartian},
		{name: "main first", rule: "rule pref=100 action=1 table=254 suppress-prefix=24\nrule pref=101 action=1 table=7", packet: datagram(), oif: 4},
		{name: "main but the default", rule: "rule pref=100 action=1 table=254 suppress-prefix=0\nrule pref=101 action=1 table=7", packet: datagram(), oif: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := ruledRouter(t, c.rule)
			b := newBed(t, text, 2)
			v := b.run(t, c.packet)
			if v.Oif != c.oif || v.Reason != c.reason || (c.oif != 0) != (v.Kind == ir.RedirectExit) {
				t.Errorf("%v, want %d %v", v, c.oif, c.reason)
			}
			if reason, cause := Refuse(b.snapshot, 2, tested); reason != slowpath.None {
				t.Error(reason, cause)
			}
			b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route4: 1}
			b.env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
			if v := b.run(t, c.packet); c.reason == slowpath.None && v.Kind != ir.RedirectExit {
				t.Errorf("while routes move: %v", v)
			}
		})
	}
}

// TestRulesRefused: what the rules leave to the kernel altogether.
func TestRulesRefused(t *testing.T) {
	var many []string
	for i := range 9 {
		many = append(many, "rule pref="+string(rune('1'+i))+" action=1 table=1"+string(rune('0'+i))+" from=10."+string(rune('0'+i))+".0.0/16")
	}
	for name, c := range map[string]struct {
		lines []string
		text  func(string) string
	}{
		"many":    {lines: many},
		"users":   {lines: []string{"rule pref=100 action=1 table=7 uidrange"}},
		"groups":  {lines: []string{"rule pref=100 action=1 table=7 suppress-group=3"}},
		"no vrf":  {lines: []string{"rule pref=100 action=1 l3mdev invert"}},
		"unknown": {lines: []string{"rule pref=100 action=1 table=7 unknown=attribute-99"}},
		"odd tos": {lines: []string{"rule pref=100 action=1 table=7 tos=2"}},
		"reject": {lines: []string{"rule pref=0 action=7"}, text: func(s string) string {
			return swapped(t, s, "rule action=1 table=255 from=0.0.0.0/0 to=0.0.0.0/0\n", "")
		}},
		"rp_filter": {lines: []string{"rule pref=100 action=1 table=7 iif=r9"}, text: func(s string) string { return swapped(t, s, "netconf dev=2", "netconf dev=2 rp-filter=1") }},
		"marks": {lines: []string{"rule pref=100 action=1 table=7 mark=0x1 mark-mask=0xff"},
			text: func(s string) string { return swapped(t, s, "name=r0 type=1 ", "name=r0 type=1 kind=veth ") }},
	} {
		text := ruledRouter(t)
		if c.text != nil {
			text = c.text(text)
		}
		if reason, cause := Refuse(parse(t, with(text, c.lines...)), 2, tested); reason != slowpath.Rules {
			t.Errorf("%s: %v %s", name, reason, cause)
		}
	}
}

// TestRulesOfSources: own addresses are found whatever tables they stand in, and rp_filter asks the view of the way back.
func TestRulesOfSources(t *testing.T) {
	var own []string
	for i := range 20 {
		own = append(own, "route dst=10.7."+itoa(i)+".1/32 table=7 type=2 hop=dev:1")
	}
	b := newBed(t, ruledRouter(t, append(own, "rule pref=100 action=1 table=7 from=10.1.0.0/24")...), 2)
	if v, _ := b.fib.Shape().view(tableRoute); v.Inline {
		t.Fatal("too many own addresses are compared")
	}
	for source, want := range map[[4]byte]slowpath.Reason{{10, 7, 3, 1}: slowpath.SourceOwn, {10, 3, 0, 1}: slowpath.SourceOwn,
		{127, 0, 0, 1}: slowpath.SourceMartian, {10, 1, 0, 2}: slowpath.None} {
		if v := b.run(t, datagram(from(source[:]...), repair)); v.Reason != want {
			t.Errorf("source %v: %v, want %v", source, v, want)
		}
	}
	// The way back of what goes to 192.0.2.7 is by table 8, which leads to r1.
	rules := []string{"rule pref=100 action=1 table=8 from=192.0.2.0/24", "route dst=10.1.0.0/24 table=8 type=1 hop=dev:3,via:10.2.0.2"}
	for text, want := range map[string]slowpath.Reason{"": slowpath.None, "rp-filter=2": slowpath.None, "rp-filter=1": slowpath.SourceFilter} {
		filtered := swapped(t, ruledRouter(t, rules...), "netconf dev=2 forwarding", "netconf dev=2 forwarding "+text)
		if v := newBed(t, filtered, 2).run(t, datagram()); v.Reason != want {
			t.Errorf("%q: %v, want %v", text, v, want)
		}
	}
}

// TestReplanned: when rules change what is asked, the tables are made anew.
func TestReplanned(t *testing.T) {
	s := parse(t, ruledRouter(t))
	f := NewFIB(s)
	if got := len(f.Shape().Views); got != 2 {
		t.Fatalf("%d views without rules", got)
	}
	next := parse(t, ruledRouter(t, "rule pref=100 action=1 table=7 from=10.1.0.0/24"))
	if _, reshaped := f.Update(next); !reshaped || len(f.Shape().Views) != 4 {
		t.Errorf("views %v", f.Shape().Views)
	}
	same := parse(t, ruledRouter(t, "rule pref=100 action=1 table=7 from=10.8.0.0/24"))
	if _, reshaped := f.Update(same); reshaped {
		t.Error("the same tables are asked, by another test")
	}
}

// TestRules6: where IPv6 packets of r0 go, by the rules.
func TestRules6(t *testing.T) {
	lines := []string{"route6 dst=::/0 table=7 metric=1 type=1 hop=dev:2,via:fe80::9", "rule6 pref=100 action=1 table=7 "}
	for _, c := range []struct {
		name, rule string
		packet     []byte
		chosen     bool
		reason     slowpath.Reason
	}{
		{name: "from", rule: "from=2001:db8:1::/48", packet: datagram6(), chosen: true},
		{name: "from another", rule: "from=2001:db8:2::/48", packet: datagram6()},
		{name: "from one", rule: "from=2001:db8:1::2/128", packet: datagram6(), chosen: true},
		{name: "from one of another half", rule: "from=2001:db8:1::3/128", packet: datagram6()},
		{name: "from one of another net", rule: "from=2001:db8:1:1::2/128", packet: datagram6()},
		{name: "to", rule: "to=2001:db8:f::/124", packet: datagram6(), chosen: true},
		{name: "to all but", rule: "to=2001:db8:f::/48 invert", packet: datagram6()},
		{name: "class", rule: "tos=16", packet: datagram6(put(14, 0x61, 0x02)), chosen: true},
		{name: "other class", rule: "tos=16", packet: datagram6()},
		{name: "dscp", rule: "dscp=46 dscp-mask=63", packet: datagram6(put(14, 0x6b, 0x92)), chosen: true},
		{name: "label", rule: "flowlabel=0x23456 flowlabel-mask=0xfffff", packet: datagram6(), chosen: true},
		{name: "other label", rule: "flowlabel=0x23457 flowlabel-mask=0xfffff", packet: datagram6()},
		{name: "port", rule: "ipproto=17 dport=4000-5000", packet: datagram6(), chosen: true},
		{name: "other port", rule: "dport=4000-4001", packet: datagram6()},
		{name: "port of echo", rule: "dport=4000-4001", packet: datagram6(put(20, 58), put(54, 128, 0)), reason: slowpath.Rule},
	} {
		b := newBed(t, with(router6(t), lines[0], lines[1]+c.rule), 2)
		want := slowpath.None
		if c.chosen {
			want = slowpath.NeighbourMissing
		} else if c.reason != slowpath.None {
			want = c.reason
		}
		if v := b.run(t, c.packet); v.Reason != want {
			t.Errorf("%s: %v, want %v", c.name, v, want)
		}
		if v := refuseFamily(subject{Snapshot: b.snapshot, link: mustLink(b, 2), options: tested}, layout6); v.reason != slowpath.None {
			t.Errorf("%s: %v", c.name, v)
		}
	}
}

func mustLink(b *bed, i introspect.Index) introspect.Link {
	link, _ := b.snapshot.Links.Get(i)
	return link
}

// TestLiveWithRules: the live lookup does not know of what IPv6 rules suppress, nor is it sure to know VRFs.
func TestLiveWithRules(t *testing.T) {
	group := swapped(t, router6(t), "hop=dev:3,via:fe80::2", "hop=dev:3,via:fe80::2 hop=dev:3,via:fe80::3")
	for rule, want := range map[string]slowpath.Reason{
		"rule6 pref=100 action=1 table=254":                   slowpath.None,
		"rule6 pref=100 action=1 table=254 suppress-prefix=0": slowpath.Multipath,
		"rule6 pref=100 action=1 l3mdev":                      slowpath.Multipath,
	} {
		b := newBed(t, with(group, rule), 2)
		b.env.FIB6 = func([]uint64) []byte { return liveRow(0, 3) }
		if v := b.run(t, datagram6()); v.Reason != want {
			t.Errorf("%s: %v, want %v", rule, v, want)
		}
		b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route6: 1}
		if v := b.run(t, datagram6()); (v.Kind == ir.RedirectExit) != (want == slowpath.None) {
			t.Errorf("%s: %v while routes move", rule, v)
		}
	}
}

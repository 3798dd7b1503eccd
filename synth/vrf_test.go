package synth

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// red is the router with r0 and r1 in a VRF, whose table is 10, and r2 outside; the VRF's default route leaks to r2.
func red(t testing.TB, lines ...string) string {
	text := ruledRouter(t, "rule pref=1000 action=1 l3mdev",
		"link index=8 name=red type=1 kind=vrf flags=0x10481 mtu=65575 mac=02:00:00:00:08:01 carrier vrf-table=10",
		"netconf dev=8 forwarding",
		"route dst=192.0.2.0/24 table=10 type=1 hop=dev:3,via:10.2.0.2",
		"route dst=0.0.0.0/0 table=10 type=1 hop=dev:4,via:10.3.0.2",
		"route dst=10.1.0.1/32 table=10 type=2 hop=dev:2",
		"route dst=203.0.113.0/24 table=10 type=1 hop=dev:8")
	for _, link := range []string{"name=r0 ", "name=r1 "} {
		text = swapped(t, text, link, link+"master=8 slave=vrf ")
	}
	return with(swapped(t, text, "route dst=192.0.2.0/24 table=254 type=1 proto=3 hop=dev:3,via:10.2.0.2\n", ""), lines...)
}

// TestVRF: the packets of a VRF's interfaces are looked up in its table, those of others are not.
func TestVRF(t *testing.T) {
	text := red(t)
	for _, c := range []struct {
		ingress int
		to      [4]byte
		oif     uint32
		reason  slowpath.Reason
	}{
		{2, [4]byte{192, 0, 2, 7}, 3, slowpath.None},
		{2, [4]byte{8, 8, 8, 8}, 4, slowpath.None},
		{2, [4]byte{10, 1, 0, 1}, 0, slowpath.Local},
		{2, [4]byte{203, 0, 113, 1}, 0, slowpath.EgressKind},
		{4, [4]byte{192, 0, 2, 7}, 0, slowpath.NoRoute},
	} {
		b := newBed(t, text, c.ingress)
		frame := datagram(to(c.to[:]...), from(10, 9, 9, 9), repair)
		link, _ := b.snapshot.Links.Get(introspect.Index(c.ingress))
		copy(frame, link.MAC[:])
		if v := b.run(t, frame); v.Oif != c.oif || v.Reason != c.reason || (c.oif != 0) != (v.Kind == ir.RedirectExit) {
			t.Errorf("%d to %v: %v, want %d %v", c.ingress, c.to, v, c.oif, c.reason)
		}
		b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route4: 1}
		if v := b.run(t, frame); v.Reason != slowpath.Moved {
			t.Errorf("%d to %v while routes move: %v", c.ingress, c.to, v)
		}
	}
}

// TestVRFRefused: a VRF that does more than to choose the table is left to the kernel.
func TestVRFRefused(t *testing.T) {
	for _, c := range []struct {
		name, old, fresh, line string
		reason                 slowpath.Reason
	}{
		{name: "plain"},
		{name: "down", old: "flags=0x10481", fresh: "flags=0x10480", reason: slowpath.VRF},
		{name: "no table", old: " vrf-table=10", fresh: "", reason: slowpath.VRF},
		{name: "does not forward", old: "netconf dev=8 forwarding", fresh: "netconf dev=8", reason: slowpath.VRF},
		{name: "filter", old: "netconf dev=8 forwarding", fresh: "netconf dev=8 forwarding rp-filter=2", reason: slowpath.VRF},
		{name: "filter of the member", old: "netconf dev=2 forwarding", fresh: "netconf dev=2 forwarding rp-filter=1", reason: slowpath.VRF},
		{name: "tap", line: "tap inode=1 dev=8 protocol=3", reason: slowpath.Tap},
		{name: "tc", line: "qdisc dev=8 handle=0xffff0000 parent=0xfffffff1 kind=clsact", reason: slowpath.VRF},
		{name: "without ICMP errors", line: "sysctl path=ipv4/raw_l3mdev_accept value=0", reason: slowpath.VRF},
		{name: "with ICMP errors", line: "sysctl path=ipv4/raw_l3mdev_accept value=1"},
		{name: "named by a rule", line: "rule pref=100 action=1 table=7 iif=red", reason: slowpath.Rules},
		{name: "member named by a rule", line: "rule pref=100 action=1 table=7 iif=r0", reason: slowpath.Rules},
		{name: "another named by a rule", line: "rule pref=100 action=1 table=7 iif=r2"},
		{name: "nft", line: `hook kind=nft name="ip filter FORWARD"`, reason: slowpath.Netfilter},
	} {
		text := red(t, c.line)
		if c.old != "" {
			text = swapped(t, text, c.old, c.fresh)
		}
		if reason, cause := Refuse(parse(t, text), 2, tested); reason != c.reason {
			t.Errorf("%s: %v %s, want %v", c.name, reason, cause, c.reason)
		}
	}
	refusesChains(t)
	filtered := swapped(t, red(t), "netconf dev=4 forwarding", "netconf dev=4 forwarding rp-filter=1")
	if reason, _ := Refuse(parse(t, filtered), 4, tested); reason != slowpath.Rules {
		t.Errorf("rp_filter beside a vrf: %v", reason)
	}
}

// refusesChains: for the chains of a ruleset, the packets of a VRF's members come in by the VRF, and twice. Others do not.
func refusesChains(t *testing.T) {
	t.Helper()
	s := *parse(t, red(t, `hook kind=nft name="ip t c" family=ip`))
	key := introspect.ChainKey{Family: unix.NFPROTO_IPV4, Table: "t", Name: "c"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
	s.Chains = s.Chains.With(key, introspect.Chain{Key: key, Base: true, Type: "filter", Hook: unix.NF_INET_FORWARD, Policy: 1})
	o := tested
	o.Ruleset = true
	for ingress, want := range map[int]slowpath.Reason{2: slowpath.VRF, 4: slowpath.None} {
		if reason, cause := Refuse(&s, ingress, o); reason != want {
			t.Errorf("a chain, interface %d: %v %s, want %v", ingress, reason, cause, want)
		}
	}
}

package synth

import (
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestRefuseBridge changes one thing at a time about a bridge or its port p0.
func TestRefuseBridge(t *testing.T) {
	text := bridge(t)
	const p0, br0 = "name=p0 type=1 flags=0x11043", "name=br0 type=1 flags=0x11043"
	const port = "port-state=3 port-learning port-flood\nlink index=3"
	for _, c := range []struct {
		name       string
		reason     slowpath.Reason
		old, fresh string
		line       string
	}{
		{name: "as it is"},
		{name: "bridge is down", reason: slowpath.LinkDown, old: br0, fresh: "name=br0 type=1 flags=0x11002"},
		{name: "promiscuous bridge", reason: slowpath.Promiscuous, old: "kind=bridge mtu=1400", fresh: "kind=bridge mtu=1400 promiscuity=1"},
		{name: "promiscuous port", reason: slowpath.Promiscuous, old: "promiscuity=1", fresh: "promiscuity=2"},
		{name: "no promiscuity", old: "promiscuity=1", fresh: "promiscuity=0"},
		{name: "ageing", reason: slowpath.BridgeAgeing, old: "br-ageing=30000", fresh: "br-ageing=999"},
		{name: "no ageing", reason: slowpath.BridgeAgeing, old: "br-ageing=30000", fresh: "br-ageing=0"},
		{name: "switch chip", reason: slowpath.Kind, old: "name=p0 type=1", fresh: "switch=0a0b name=p0 type=1"},
		{name: "short ageing", old: "br-ageing=30000", fresh: "br-ageing=1000"},
		{name: "spanning trees", reason: slowpath.BridgeVLAN, old: "br-ageing", fresh: "br-mst br-ageing"},
		{name: "tunnels", reason: slowpath.BridgeVLAN, old: port, fresh: "port-vlan-tunnel " + port},
		{name: "unknown of the bridge", reason: slowpath.Unknown, old: "br-ageing", fresh: "br-unknown=x br-ageing"},
		{name: "unknown of the port", reason: slowpath.Unknown, old: port, fresh: "port-unknown=x " + port},
		{name: "learning", reason: slowpath.BridgeState, old: port, fresh: "port-state=2 port-learning port-flood\nlink index=3"},
		{name: "disabled", reason: slowpath.BridgeState, old: port, fresh: "port-learning port-flood\nlink index=3"},
		{name: "not forwarding", line: "netconf dev=-1"},
		{name: "tap of the port", reason: slowpath.Tap, line: "tap inode=1 dev=2 protocol=3"},
		{name: "tap of all", reason: slowpath.Tap, line: "tap inode=1 protocol=3"},
		{name: "tap of IP", line: "tap inode=1 dev=2 protocol=2048"},
		{name: "tap of the bridge", line: "tap inode=1 dev=9 protocol=3"},
		{name: "filter", reason: slowpath.IngressFilter, line: "filter dev=2 kind=tcx"},
		{name: "chain of netdev", reason: slowpath.BridgeRuleset, line: `hook kind=nft name="netdev t c p0" family=netdev`},
		{name: "chain of inet at a device", reason: slowpath.BridgeRuleset, line: "nft-chain family=inet table=t name=c handle=1 flags=0x1 base hook=5 policy=1 type=filter dev=p0\n" +
			`hook kind=nft name="inet t c p0" family=inet`},
		{name: "chain of inet", line: "nft-chain family=inet table=t name=c handle=1 flags=0x1 base hook=2 policy=1 type=filter\n" +
			`hook kind=nft name="inet t c" family=inet`},
		{name: "chain of ip", line: `hook kind=nft name="ip t c" family=ip`},
		{name: "policy", line: `hook kind=xfrm name=policy`},
		{name: "macvlan", reason: slowpath.Kind, line: "link index=12 name=m type=1 flags=0x11043 lower=2 mtu=1500 kind=macvlan peer-ns=-1"},
		{name: "foreign program", reason: slowpath.ForeignXDP, old: p0, fresh: p0 + " xdp-id=7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := text
			if c.old != "" {
				changed = swapped(t, text, c.old, c.fresh)
			}
			reason, cause := Refuse(parse(t, with(changed, c.line)), 2, bridges)
			if reason != c.reason || (cause == "") != (reason == slowpath.None) {
				t.Errorf("%v: %q, want %v", reason, cause, c.reason)
			}
		})
	}
	if reason, cause := Refuse(parse(t, text), 9, bridges); reason != slowpath.Bridge || !strings.Contains(cause, "p0, p1, p2") {
		t.Errorf("the bridge itself: %v: %q", reason, cause)
	}
	six := with(text, "sysctl path=bridge/bridge-nf-call-ip6tables value=1")
	snapshot := parse(t, six)
	bridge, _ := snapshot.Links.Get(9)
	if v := leaveBridged(snapshot, bridge, layout6); v.reason != slowpath.None {
		t.Errorf("with bridge-nf-call: %v: %q", v.reason, v.cause)
	}
	snapshot = parse(t, strings.Replace(six, "netconf6 dev=-1", "", 1))
	if v := leaveBridged(snapshot, bridge, layout6); v.reason != slowpath.BridgeRuleset {
		t.Errorf("the same without IPv6: %v: %q", v.reason, v.cause)
	}
	both := with(text, "sysctl path=bridge/bridge-nf-call-iptables value=1", "sysctl path=bridge/bridge-nf-call-ip6tables value=1",
		`hook kind=nft name="inet t c" family=inet`)
	if reason, cause := Refuse(parse(t, both), 2, bridges); reason != slowpath.BridgeRuleset {
		t.Errorf("rules see both families: %v: %q", reason, cause)
	}
}

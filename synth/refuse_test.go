package synth

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestRefuse changes one thing at a time about the configuration of r0.
func TestRefuse(t *testing.T) {
	text := router(t)
	const r0 = "name=r0 type=1 flags=0x11043"
	child := "link index=9 name=child type=1 flags=0x11043 lower=2 mtu=1500 mac=02:00:00:00:01:01 kind="
	for _, c := range []struct {
		name       string
		reason     slowpath.Reason
		old, fresh string
		line       string
		options    Options
	}{
		{name: "as it is"},
		{name: "switched off", reason: slowpath.Off, options: Options{Hook: "off"}},
		{name: "alias", reason: slowpath.OffAlias, old: r0, fresh: `alias="to a, hone=off please" ` + r0},
		{name: "another word", old: r0, fresh: `alias="hone=offline" ` + r0},
		{name: "altname", reason: slowpath.OffAlias, old: r0, fresh: "altname=hone=off " + r0},
		{name: "loopback", reason: slowpath.Loopback, old: r0, fresh: "name=r0 type=1 flags=0x1004b"},
		{name: "type", reason: slowpath.NotEthernet, old: r0, fresh: "name=r0 type=512 flags=0x11043"},
		{name: "no mac", reason: slowpath.NotEthernet, old: "mac=02:00:00:00:01:01", fresh: "mac=00:00:00:00:00:00"},
		{name: "down", reason: slowpath.LinkDown, old: r0, fresh: "name=r0 type=1 flags=0x1002"},
		{name: "bridge", reason: slowpath.Bridge, old: r0, fresh: r0 + " kind=bridge"},
		{name: "veth by itself", reason: slowpath.AutoVeth, old: r0, fresh: r0 + " kind=veth", options: Options{Hook: "auto"}},
		{name: "veth by default", reason: slowpath.AutoVeth, old: r0, fresh: r0 + " kind=veth", options: Options{VethTag: true}},
		{name: "veth", old: r0, fresh: r0 + " kind=veth strips-vlan", options: Options{Hook: "xdp", VethTag: true}},
		{name: "veth without tags", reason: slowpath.VLANHidden, old: r0, fresh: r0 + " kind=veth", options: Options{Hook: "xdp"}},
		{name: "generic veth", reason: slowpath.VLANHidden, old: r0, fresh: r0 + " kind=veth",
			options: Options{Hook: "xdp-generic", VethTag: true}},
		{name: "tap device", old: r0, fresh: r0 + " kind=tun"},
		{name: "stripped tags", reason: slowpath.VLANHidden, old: r0, fresh: r0 + " strips-vlan"},
		{name: "port", reason: slowpath.Member, old: r0, fresh: r0 + " master=8", line: "link index=8 name=team0 type=1 kind=team"},
		{name: "slave", reason: slowpath.Member, old: r0, fresh: r0 + " slave=bond"},
		{name: "vrf", reason: slowpath.VRF, old: r0, fresh: r0 + " master=8", line: "link index=8 name=red type=1 kind=vrf"},
		{name: "vlan on it", line: child + "vlan"},
		{name: "macvlan on it", reason: slowpath.Kind, line: child + "macvlan"},
		{name: "ipvlan on it", reason: slowpath.Kind, line: child + "ipvlan"},
		{name: "ipvlan on it elsewhere", reason: slowpath.Kind, old: r0, fresh: "taken " + r0},
		{name: "its peer", line: child + "veth"},
		{name: "long", reason: slowpath.LargeMTU, old: r0 + " mtu=1500", fresh: r0 + " mtu=3499"},
		{name: "not too long", old: r0 + " mtu=1500", fresh: r0 + " mtu=3498"},
		{name: "short", reason: slowpath.Unknown, old: r0 + " mtu=1500", fresh: r0 + " mtu=67"},
		{name: "new attribute", reason: slowpath.Unknown, old: r0, fresh: r0 + " unknown=attribute-99"},
		{name: "new netconf", reason: slowpath.Unknown, old: "netconf dev=2", fresh: "netconf dev=2 unknown=attribute-99"},
		{name: "new netconf of all", reason: slowpath.Unknown, old: "netconf dev=-1", fresh: "netconf dev=-1 unknown=attribute-99"},
		{name: "no forwarding", reason: slowpath.NotForwarding, old: "netconf dev=2 forwarding", fresh: "netconf dev=2"},
		{name: "no netconf", reason: slowpath.NotForwarding, old: "netconf dev=2 forwarding\n", fresh: ""},
		{name: "no features", reason: slowpath.NoDriver, old: "xdp-features=0x7", fresh: "xdp-features=0x0"},
		{name: "foreign", reason: slowpath.ForeignXDP, old: r0, fresh: r0 + " xdp=1 xdp-id=7"},
		{name: "ours", old: r0, fresh: r0 + " xdp=1 xdp-id=7", options: Options{OurXDP: func(id uint32) bool { return id == 7 }}},
		{name: "rule", line: "rule pref=100 action=1 table=77 from=10.0.0.0/8"},
		{name: "selector", old: "pref=32766 action=1 table=254 from=0.0.0.0/0",
			fresh: "pref=32766 action=1 table=254 from=10.0.0.0/8"},
		{name: "unknown selector", reason: slowpath.Rules, old: "pref=32766 action=1", fresh: "pref=32766 unknown=attribute-22 action=1"},
		{name: "twice", line: "rule pref=32766 seq=1 action=1 table=77"},
		{name: "no main", old: "rule pref=32766 action=1 table=254 from=0.0.0.0/0 to=0.0.0.0/0\n"},
		{name: "no default", old: "rule pref=32767 action=1 table=253 from=0.0.0.0/0 to=0.0.0.0/0\n"},
		{name: "nft", reason: slowpath.Netfilter, line: `hook kind=nft name="ip filter FORWARD"`},
		{name: "netfilter", reason: slowpath.Netfilter, line: "hook kind=netfilter name=x"},
		{name: "legacy", reason: slowpath.LegacyTables, line: "hook kind=legacy name=filter"},
		{name: "ipvs", reason: slowpath.IPVS, line: "hook kind=ipvs name=x"},
		{name: "xfrm", reason: slowpath.XFRM, line: "hook kind=xfrm name=x"},
		{name: "new hook", reason: slowpath.Unknown, line: "hook kind=future name=x"},
		{name: "clsact", reason: slowpath.IngressFilter, line: "qdisc dev=2 handle=0xffff0000 parent=0xfffffff1 kind=clsact"},
		{name: "ingress", reason: slowpath.IngressFilter, line: "qdisc dev=2 handle=0xffff0000 parent=0xfffffff1 kind=ingress"},
		{name: "filter", reason: slowpath.IngressFilter, line: "filter dev=2 parent=0xffff0000 kind=u32"},
		{name: "filter of clsact", reason: slowpath.IngressFilter, line: "filter dev=2 parent=0xfffffff2 kind=bpf"},
		{name: "tcx", reason: slowpath.IngressFilter, line: "filter dev=2 kind=tcx"},
		{name: "egress filter", line: "filter dev=2 parent=0x10000 kind=u32"},
		{name: "filter elsewhere", line: "filter dev=3 parent=0xffff0000 kind=u32"},
		{name: "tap", reason: slowpath.Tap, line: "tap inode=1 dev=2 protocol=3"},
		{name: "tap of all", reason: slowpath.Tap, line: "tap inode=1 protocol=2048"},
		{name: "arp tap", line: "tap inode=1 dev=2 protocol=2054"},
		{name: "harmless tap", line: "tap inode=1 dev=2 protocol=3 harmless"},
		{name: "tap elsewhere", line: "tap inode=1 dev=3 protocol=3"},
		{name: "promiscuous", reason: slowpath.Promiscuous, old: r0 + " mtu=1500", fresh: r0 + " mtu=1500 promiscuity=1"},
		{name: "allmulti", old: r0 + " mtu=1500", fresh: r0 + " mtu=1500 allmulti=1"},
		{name: "use_pmtu", reason: slowpath.Unknown, line: "sysctl path=ipv4/ip_forward_use_pmtu value=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := text
			if c.old != "" {
				changed = swapped(t, text, c.old, c.fresh)
			}
			reason, cause := Refuse(parse(t, with(changed, c.line)), 2, c.options)
			if reason != c.reason || (cause == "") != (reason == slowpath.None) {
				t.Errorf("%v: %q, want %v", reason, cause, c.reason)
			}
		})
	}
	if reason, _ := Refuse(parse(t, text), 77, Options{}); reason == slowpath.None {
		t.Error("an interface that is not there is accepted")
	}
}

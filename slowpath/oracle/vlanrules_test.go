package oracle

import (
	"slices"

	"github.com/hone-net/hone/slowpath"
)

// by100 is a table of routes that rules lead to.
var by100 = []string{"ip route add 172.16.0.0/16 via 10.3.0.1 table 100", "ip route add 192.168.64.0/18 via 10.4.0.1 table 100"}

// vlanRules are about policy rules that name VLAN devices, or what is below them.
var vlanRules = []vlanRouter{
	{config: config{name: "rule iif of the vlan", setup: slices.Concat(across, by100, []string{"ip rule add iif r0.10 lookup 100"})}, in: []int{10, 10, 0}, least: 36},
	{config: config{name: "rule iif of the parent", setup: slices.Concat(across, by100, []string{"ip rule add iif r0 lookup 100"})}, in: []int{10, 10, 0}, least: 39},
	{config: config{name: "rules of two vlans", setup: slices.Concat(across, by100, beside("r0.11", "link r0 type vlan id 11", 11),
		[]string{"ip rule add iif r0.11 lookup 100", "ip rule add iif r0.10 to 172.16.5.0/24 prohibit"})}, in: []int{10, 11, 11, 0}, least: 37},
	{config: config{name: "rule iif of a vlan that is not there", setup: slices.Concat(across, by100, []string{"ip rule add iif r0.12 lookup 100"})},
		in: inTagged, least: 39},
	{config: config{name: "rule oif of the vlan", setup: slices.Concat(across, by100, []string{"ip rule add oif r1.20 lookup 100"})}, in: inTagged, least: 42},
	{config: config{name: "rule by source on a vlan", setup: slices.Concat(across, by100, []string{"ip rule add iif r0.10 from 100.64.0.0/11 lookup 100"})},
		in: inTagged, least: 38},
}

// groups lets pass what comes by time: reports of the router's own seem to come in by the device that they leave by.
const groups = "meta l4proto igmp accept\n  ip6 nexthdr hopopt accept"

// across6d is across6 with somewhere to go for every packet.
var across6d = also(across6, "ip route add default via 10.2.0.1", "ip -6 route add default via 2001:db8:2::1")

// vlanRulesets are about rules that know interfaces by their names, kinds or addresses.
var vlanRulesets = []vlanRouter{
	{config: config{name: "nft iifname", setup: across6d, six: true, rules: forward(`iifname "r0.10" udp dport 53 counter drop`,
		`iifname "r0" tcp dport 22 counter drop`, `iifname "r0.10" oifname "r1.20" counter accept`, `iifname "r0.1*" counter accept`,
		`oifname "r1" counter drop`, `oifname "r1.*" counter`)}, in: inTagged, least: 52},
	{config: config{name: "nft oifname", setup: across6d, six: true, rules: forward(`oifname "r1.20" ip daddr 172.16.5.0/24 counter drop`,
		`oifname "r1" counter drop`, `oifname { "r1.20", "r2" } udp dport 1000-2000 counter drop`, `oifname "r1.20" counter accept`, `counter drop`)}, in: inTagged, least: 17},
	{config: config{name: "nft oifname, and accept", setup: across6d, six: true, rules: forward(`oifname "r1.20" udp dport 1000-9999 counter drop`,
		`oifname "r1" tcp dport 1000-9999 counter drop`, `oifname "r1.20" counter accept`, `oifname "r1" counter accept`, `counter accept`)}, in: inTagged, least: 51},
	{config: config{name: "nft several vlans", six: true, setup: slices.Concat(across6d, beside("r0.11", "link r0 type vlan id 11", 11)),
		rules: forward(`iifname vmap { "r0.10" : accept, "r0.11" : drop }`, `iifname "r0" counter`, `counter accept`)}, in: []int{10, 10, 11, 0}, least: 39},
	{config: config{name: "nft iif and oif", six: true, setup: across6d, rules: forward(`iif r0.10 oif r1.20 counter accept`, `iif r0 counter drop`,
		`oif r1 counter drop`)}, in: []int{10, 10, 0}, least: 36},
	{config: config{name: "nft kinds and groups", six: true, yields: true, setup: also(across6d, "ip link set r0.10 group 7", "ip link set r0 group 8"),
		rules: forward(`iifkind "vlan" counter accept`, `iifkind "veth" counter drop`, `iifgroup 7 counter accept`, `iifgroup 8 counter drop`,
			`oifkind "vlan" counter accept`, `iiftype ether counter`)}, in: []int{10, 10, 0}, least: 33},
	{config: config{name: "nft macs", six: true, yields: true, setup: across6d, rules: chainOf("inet", "prerouting priority -150", "accept", groups,
		`iifname "r0.10" ether saddr 02:00:00:00:0a:00 counter accept`, `ether saddr 02:00:00:00:0a:00 counter`,
		`ether daddr 02:00:00:00:01:00 counter accept`, `iifname "r0.10" counter drop`)}, in: []int{10, 10, 0}, least: 8},
	{config: config{name: "nft tags", six: true, yields: true, setup: across6d, rules: chainOf("inet", "prerouting priority -150", "accept", groups,
		`vlan id 10 counter drop`, `vlan pcp 3 counter drop`, `ether type vlan counter drop`, `meta protocol vlan counter drop`, `counter accept`)}, in: inTagged, least: 9},
	{config: config{name: "nft way back", six: true, setup: across6d, rules: chainOf("inet", "prerouting priority -150", "accept", groups,
		`fib saddr . iif oif missing counter drop`, `fib saddr oifname "r0.10" counter`, `counter accept`)}, in: []int{10, 10, 0}, left: slowpath.None},
	{config: config{name: "nft netdev on the vlan", setup: across, rules: "table netdev t {\n chain c {\n  type filter hook ingress device r0.10 priority 0;\n" +
		"  udp dport 1-9999 counter drop\n }\n}\n"}, in: []int{10, 10, 0}, refused: slowpath.Netfilter},
	{config: config{name: "nft netdev on the way out", setup: across, rules: "table netdev t {\n chain c {\n  type filter hook egress device r1.20 priority 0;\n" +
		"  udp dport 1-9999 counter drop\n }\n}\n"}, in: inTagged, refused: slowpath.Netfilter},
	{config: config{name: "nft netdev below the way out", setup: across, rules: "table netdev t {\n chain c {\n  type filter hook egress device r1 priority 0;\n" +
		"  vlan id 20 counter drop\n }\n}\n"}, in: inTagged, refused: slowpath.Netfilter},
	{config: config{name: "iptables", setup: across, rules: "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n" +
		"-A FORWARD -i r0.10 -p udp --dport 53 -j DROP\n-A FORWARD -i r0 -p tcp --dport 22 -j DROP\n-A FORWARD -i r0.+ -o r1.+ -j ACCEPT\n" +
		"-A FORWARD -o r1 -j DROP\nCOMMIT\n"}, in: []int{10, 10, 0}, least: 24},
}

// vlanWays6 are vlanWays for IPv6.
var vlanWays6 = []vlanRouter{
	{config: config{name: "ip6 in", six: true, setup: in10v6}, in: inTagged, least: 32},
	{config: config{name: "ip6 out", six: true, setup: out20v6}, in: inBare, least: 33},
	{config: config{name: "ip6 in and out", six: true, setup: across6}, in: inTagged, least: 33},
	{config: config{name: "ip6 link-local gateway", six: true, setup: also(across6, "ip -6 route add 2001:db8:5100::/48 via fe80::b dev r1.20",
		"ip -6 route replace 2001:db8:1640::/42 via fe80::b dev r1.20"), targets: subject6}, in: inTagged, least: 31},
	{config: config{name: "ip6 on a stick", six: true, setup: also(in10v6, "ip link add r0.20 link r0 type vlan id 20", "ip link set r0.20 up",
		"ip -6 addr add 2001:db8:20::fe/64 dev r0.20 nodad", "ip -6 neigh add 2001:db8:20::1 lladdr 02:00:00:00:0d:20 nud permanent dev r0.20",
		"ip -6 route replace 2001:db8:1600::/40 via 2001:db8:20::1"), targets: []string{"2001:db8:20::/120"}}, in: []int{10, 10, 20}, least: 19},
	{config: config{name: "ip6 back", six: true, setup: also(in10v6, "ip -6 route replace 2001:db8:1600::/40 via 2001:db8::2")}, in: inTagged, least: 30},
	{config: config{name: "ip6 mtu of the vlan", six: true, setup: also(across6, "ip link set r1.20 mtu 1400")}, in: inTagged, left: slowpath.MTU, least: 33},
	{config: config{name: "ip6 mtu of the vlan by sysctl", six: true, setup: also(across6, "sysctl ipv6/conf/r1.20/mtu=1300")}, in: inTagged, left: slowpath.MTU, least: 32},
	{config: config{name: "ip6 mtu of the far end", six: true, setup: also(across6, "B: ip link set b0 mtu 1400")}, in: inTagged, least: 32},
	{config: config{name: "ip6 disabled on the vlan", six: true, setup: also(across6, "sysctl ipv6/conf/r0.10/disable_ipv6=1")}, in: []int{10, 0}, least: 21},
	{config: config{name: "ip6 forwarding off on the vlan", six: true, setup: also(across6, "sysctl ipv6/conf/r0.10/forwarding=0")}, in: []int{10, 0}, least: 35},
	{config: config{name: "ip6 disabled on the parent", six: true, setup: also(across6, "sysctl ipv6/conf/r0/disable_ipv6=1")}, in: []int{10, 0}, least: 15},
	{config: config{name: "ip6 ecmp with a vlan", six: true, setup: also(out20v6,
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"), targets: subject6}, in: inBare, least: 30},
	{config: config{name: "ip6 rule iif of the vlan", six: true, setup: also(across6, "ip -6 rule add iif r0.10 lookup 100",
		"ip -6 route add 2001:db8:1600::/40 via 2001:db8:3::1 table 100")}, in: []int{10, 10, 0}, least: 32},
	{config: config{name: "ip6 egress priorities", six: true, setup: over6(1, "r1.20", "type vlan id 20 egress-qos-map 0:3 6:5")}, in: inBare, least: 15},
	{config: config{name: "ip4 via ip6", six: true, setup: also(across6, "ip route add 198.51.100.0/24 via inet6 2001:db8:2::1 dev r1.20"),
		targets: []string{"198.51.100.0/24"}}, in: inTagged, least: 33},
}

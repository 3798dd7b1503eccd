package oracle

import (
	"fmt"

	"github.com/hone-net/hone/slowpath/lab"
)

// configs6 lists the configurations of a router that has IPv6 as well.
func configs6() []config {
	var all []config
	for _, group := range [][]config{
		routeConfigs6, nexthopConfigs6, neighbourConfigs6, addressConfigs6, sysctlConfigs6, linkConfigs6, refusedConfigs6,
		{manyRoutes6(), fullTable6()}, changeConfigs6, oddConfigs6,
	} {
		for _, c := range group {
			all = append(all, of6(c))
		}
	}
	return all
}

// of6 gives the router of a configuration IPv6.
func of6(c config) config {
	c.six = true
	return c
}

// subject6 is the prefix that most configurations of IPv6 are about; commonLines6 say nothing of it.
var subject6 = []string{"2001:db8:5100::/48"}

var routeConfigs6 = []config{
	{name: "ip6 plain"},
	{name: "ip6 default route", setup: []string{"ip -6 route add default via 2001:db8:2::1"},
		targets: []string{"::/0", "2001:db8:5100::/48", "fec0::/10", "::ffff:0:0/96"}},
	{name: "ip6 default and longer", setup: []string{"ip -6 route add default via 2001:db8:2::1", "ip -6 route add ::/1 via fe80::b dev r2",
		"ip -6 route add 8000::/1 via 2001:db8:4::1", "ip -6 route add 2001:db8:5100::7/128 via 2001:db8:4::1"},
		targets: []string{"::/1", "8000::/1", "2001:db8:5100::7/128", "2001:db8:5100::/125"}},
	{name: "ip6 blackhole", setup: []string{"ip -6 route add blackhole 2001:db8:5100::/48", "ip -6 route add blackhole 2001:db8:1605:40::/58"},
		targets: []string{"2001:db8:5100::/48", "2001:db8:1605:40::/58"}},
	{name: "ip6 unreachable", setup: []string{"ip -6 route add unreachable 2001:db8:5100::/48"}, targets: subject6},
	{name: "ip6 prohibit", setup: []string{"ip -6 route add prohibit 2001:db8:5100::/48"}, targets: subject6},
	{name: "ip6 throw", setup: []string{"ip -6 route add throw 2001:db8:5100::/48", "ip -6 route add throw 2001:db8:1605::/49",
		"ip -6 route add default via 2001:db8:2::1"}, targets: []string{"2001:db8:5100::/48", "2001:db8:1605::/49"}},
	{name: "ip6 hole in default", setup: []string{"ip -6 route add default via 2001:db8:3::1", "ip -6 route add unreachable 2001:db8:5100::/40",
		"ip -6 route add 2001:db8:5100:1::/64 via 2001:db8:4::1"}, targets: []string{"2001:db8:5100::/40", "2001:db8:5100:1::/64", "::/0"}},
	{name: "ip6 metrics", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 metric 100",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:3::1 metric 50"}, targets: subject6},
	{name: "ip6 metrics, better one last", setup: []string{"ip -6 route add blackhole 2001:db8:5100::/48 metric 7",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:3::1 metric 8"}, targets: subject6},
	{name: "ip6 metrics, better one dead", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 metric 7",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:3::1 metric 8", "ip -6 route add 2001:db8:5101::/48 via 2001:db8:3::1 metric 8",
		"sysctl ipv6/conf/r1/ignore_routes_with_linkdown=1", "B: ip link set b0 down"}, targets: []string{"2001:db8:5100::/47"}},
	{name: "ip6 hole in a dead route", setup: []string{"ip -6 route add 2001:db8:5100::/40 via 2001:db8:3::1",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1", "sysctl ipv6/conf/r1/ignore_routes_with_linkdown=1",
		"B: ip link set b0 down"}, targets: []string{"2001:db8:5100::/40", "2001:db8:5100::/48"}},
	{name: "ip6 equal by append", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1",
		"ip -6 route append 2001:db8:5100::/48 via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 equal without gateway", setup: []string{"ip -6 route add 2001:db8:5100::/120 dev r1",
		"ip -6 route append 2001:db8:5100::/120 dev r2", "ip -6 neigh add 2001:db8:5100::7 lladdr 02:00:00:00:0d:07 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:5100::7 lladdr 02:00:00:00:0d:08 nud permanent dev r2"},
		targets: []string{"2001:db8:5100::/124", "2001:db8:5100::7/128"}},
	{name: "ip6 route mtu", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 mtu 1400",
		"ip -6 route add 2001:db8:5101::/48 via 2001:db8:2::1 mtu lock 1300", "ip -6 route add 2001:db8:5102::/48 via 2001:db8:2::1 mtu 1280",
		"ip -6 route add 2001:db8:5103::/48 via 2001:db8:2::1 mtu 1600"},
		targets: []string{"2001:db8:5100::/48", "2001:db8:5101::/48", "2001:db8:5102::/48", "2001:db8:5103::/48"}},
	{name: "ip6 route metrics", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 advmss 1000 hoplimit 5 initcwnd 7"},
		targets: subject6},
	{name: "ip6 route with source and protocol",
		setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 src 2001:db8:2::fe proto bgp"}, targets: subject6},
	{name: "ip6 route of advertisements", setup: []string{"ip -6 route add default via fe80::b dev r1 proto ra expires 600 pref high",
		"ip -6 route add 2001:db8:5100::/48 via fe80::b dev r2 proto ra pref low"}, targets: []string{"::/0", "2001:db8:5100::/48"}},
	{name: "ip6 equal routes of other preference", setup: []string{"ip -6 route add default via fe80::b dev r1 proto ra pref low",
		"ip -6 route append default via fe80::b dev r2 proto ra pref high"}, targets: []string{"::/0", "2001:db8:5100::/48"}},
	{name: "ip6 route that expires", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 expires 600"}, targets: subject6},
	{name: "ip6 route by source", setup: []string{"ip -6 route add 2001:db8:5100::/48 from 2001:db8:6400::/41 via 2001:db8:2::1",
		"ip -6 route add 2001:db8:5100::/47 via 2001:db8:3::1", "ip -6 route add default from 2001:db8:6480::/41 via 2001:db8:4::1"},
		targets: []string{"2001:db8:5100::/48", "2001:db8:5100::/47", "::/0"}},
	{name: "ip6 onlink", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 3fff::7 dev r1 onlink",
		"ip -6 neigh add 3fff::7 lladdr 02:00:00:00:0d:01 nud permanent dev r1"}, targets: subject6},
	{name: "ip6 by a device", setup: []string{"ip -6 route add 2001:db8:5100::/48 dev r1",
		"ip -6 neigh add 2001:db8:5100::7 lladdr 02:00:00:00:0d:07 nud permanent dev r1"},
		targets: []string{"2001:db8:5100::/48", "2001:db8:5100::7/128"}},
	{name: "ip6 encap by ip6", setup: []string{"ip -6 route add 2001:db8:5100::/48 encap ip6 id 5 dst 2001:db8:2::1 dev r1"}, targets: subject6},
	{name: "ip6 encap by segments", setup: []string{
		"ip -6 route add 2001:db8:5100::/48 encap seg6 mode encap segs 2001:db8:2::1 dev r1"}, targets: subject6},
	{name: "ip6 host routes", setup: []string{"ip -6 route add 2001:db8:2::c8/128 via 2001:db8:3::1",
		"ip -6 route add 2001:db8:2::80/121 via 2001:db8:4::1", "ip -6 route add blackhole 2001:db8:2::c9/128"},
		targets: []string{"2001:db8:2::c8/127", "2001:db8:2::80/121", "2001:db8:2::/120"}},
	{name: "ip6 local prefix", setup: []string{"ip -6 route add local 2001:db8:5100::/48 dev lo",
		"ip -6 route add 2001:db8:5100:40::/58 via 2001:db8:2::1"}, targets: []string{"2001:db8:5100::/48", "2001:db8:5100:40::/58"}},
	{name: "ip6 local prefix within", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1",
		"ip -6 route add local 2001:db8:5100:40::/58 dev lo"}, targets: []string{"2001:db8:5100::/48", "2001:db8:5100:40::/58"}},
	{name: "ip6 anycast route", setup: []string{"ip -6 route add anycast 2001:db8:5100::1/128 dev r1 table local",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1"}, targets: []string{"2001:db8:5100::/126", "2001:db8:5100::/48"}},
	{name: "ip6 multicast route", setup: []string{"ip -6 route add multicast ff0e::/16 dev r1 table local"}, targets: []string{"ff0e::/16"}},
	{name: "ip6 other table without rule", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 table 100",
		"ip -6 route add 2001:db8:5100::/49 via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 main route in local table", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 table local",
		"ip -6 route add 2001:db8:5100::/49 via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 unreachable in local table", setup: []string{"ip -6 route add unreachable 2001:db8:5100::/48 table local",
		"ip -6 route add 2001:db8:5100::/49 via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 zeros and ones", setup: []string{"ip -6 route add 2001:db8:5100::/127 via 2001:db8:2::1",
		"ip -6 route add 2001:db8:5100::2/128 via 2001:db8:3::1", "ip -6 route add 2001:db8:5100::3/128 via 2001:db8:4::1",
		"ip -6 route add 2001:db8:5100::/126 via 2001:db8:4::1", "ip -6 route add 2001:db8:5100::/64 via 2001:db8:2::1",
		"ip -6 route add 2001:db8:5100::/65 via 2001:db8:3::1", "ip -6 route add 2001:db8:5100:0:8000::/66 via 2001:db8:4::1"},
		targets: []string{"2001:db8:5100::/125", "2001:db8:5100::/127", "2001:db8:5100::/63", "2001:db8:5100::/65", "2001:db8:5100:0:8000::/66"}},
	{name: "ip6 every length", setup: everyLength6(), targets: []string{"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "3ffe::/16", "3ffe:ffff::/32",
		"3ffe:ffff:ffff:ffff::/64", "3ffe:ffff:ffff:ffff:ffff:ffff::/96", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:0/112"}},
	{name: "ip6 back where it came from", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8::2",
		"ip -6 route add 2001:db8:5101::/48 via fe80::b dev r0"}, targets: []string{"2001:db8:5100::/47", "2001:db8:6400::/40"}},
	{name: "ip6 own prefix on r0", setup: []string{"ip -6 route add 2001:db8:0:0:8000::/65 via 2001:db8:2::1"},
		targets: []string{"2001:db8::/64", "2001:db8:0:0:8000::/65"}},
	{name: "ip6 learned mtu", open: func() error { return teach("2001:db8:2::fe", "2001:db8:1605::5", 1300) },
		targets: []string{"2001:db8:1605::5/128"}},
	{name: "ip6 learned mtu below a locked one", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1 mtu lock 1480"},
		open: func() error { return teach("2001:db8:2::fe", "2001:db8:5100::5", 1300) }, targets: []string{"2001:db8:5100::5/128"}},
	{name: "ip6 routes to odd prefixes", setup: []string{"ip -6 route add ::ffff:0:0/96 via 2001:db8:2::1", "ip -6 route add ::/96 via 2001:db8:2::1",
		"ip -6 route add fec0::/10 via 2001:db8:3::1", "ip -6 route add fe80::/10 via 2001:db8:3::1", "ip -6 route add ff00::/8 via 2001:db8:4::1",
		"ip -6 route add 64:ff9b::/96 via 2001:db8:4::1", "ip -6 route add 2002::/16 via 2001:db8:4::1"},
		targets: []string{"::ffff:0:0/96", "::/96", "fec0::/10", "fe80::/10", "ff00::/8", "64:ff9b::/96", "2002::/16"}},
}

// everyLength6 are prefixes of every length that lie within one another.
func everyLength6() []string {
	var all []string
	for bits := 8; bits <= 128; bits += 3 {
		all = append(all, fmt.Sprintf("ip -6 route add %s via 2001:db8:%d::1", masked6("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", bits), 2+bits%3))
	}
	return all
}

var addressConfigs6 = []config{
	{name: "ip6 point to point /127", setup: []string{"ip -6 addr add 2001:db8:5100::/127 dev r1 nodad",
		"ip -6 neigh add 2001:db8:5100::1 lladdr 02:00:00:00:0d:31 nud permanent dev r1"}, targets: []string{"2001:db8:5100::/126"}},
	{name: "ip6 host addresses", setup: []string{"ip -6 addr add 2001:db8:5100::9/128 dev lo", "ip -6 addr add 2001:db8:5100::a/128 dev r2 nodad"},
		targets: []string{"2001:db8:5100::8/125"}},
	{name: "ip6 peer address", setup: []string{"ip -6 addr add 2001:db8:5100::9 peer 2001:db8:5100::20 dev r1 nodad",
		"ip -6 neigh add 2001:db8:5100::20 lladdr 02:00:00:00:0d:20 nud permanent dev r1"},
		targets: []string{"2001:db8:5100::20/128", "2001:db8:5100::9/128"}},
	{name: "ip6 several addresses", setup: []string{"ip -6 addr add 2001:db8:5100::fe/64 dev r1 nodad", "ip -6 addr add 2001:db8:5100::fd/64 dev r1 nodad",
		"ip -6 addr add 2001:db8:5100:1::fe/112 dev r2 nodad", "ip -6 addr add 2001:db8:5100:2::fe/96 dev r2 nodad",
		"ip -6 neigh add 2001:db8:5100::1 lladdr 02:00:00:00:0d:51 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:5100:1::1 lladdr 02:00:00:00:0d:52 nud permanent dev r2"},
		targets: []string{"2001:db8:5100::/124", "2001:db8:5100:1::/124", "2001:db8:5100:2::/124", "2001:db8:5100:1::/112"}},
	{name: "ip6 same subnet on two ports", setup: []string{"ip -6 addr add 2001:db8:2::fd/64 dev r2 nodad",
		"ip -6 neigh add 2001:db8:2::1 lladdr 02:00:00:00:0d:61 nud permanent dev r2"}, targets: []string{"2001:db8:2::/124"}},
	{name: "ip6 no prefix route", setup: []string{"ip -6 addr add 2001:db8:5100::fe/64 dev r1 nodad noprefixroute"}, targets: []string{"2001:db8:5100::/120"}},
	{name: "ip6 deprecated address", setup: []string{"ip -6 addr add 2001:db8:5100::fe/64 dev r1 nodad valid_lft 900 preferred_lft 0",
		"ip -6 neigh add 2001:db8:5100::1 lladdr 02:00:00:00:0d:51 nud permanent dev r1"}, targets: []string{"2001:db8:5100::/120", "2001:db8:5100::1/128"}},
	{name: "ip6 tentative address", setup: []string{"sysctl ipv6/conf/r1/accept_dad=1", "sysctl ipv6/conf/r1/dad_transmits=600",
		"ip -6 addr add 2001:db8:5100::fe/64 dev r1",
		"ip -6 neigh add 2001:db8:5100::1 lladdr 02:00:00:00:0d:51 nud permanent dev r1"}, targets: []string{"2001:db8:5100::/120", "2001:db8:5100::fe/128"}},
	{name: "ip6 no global address on r0", setup: []string{"ip -6 addr del 2001:db8::fe/64 dev r0", "ip -6 route add 2001:db8::/64 dev r0",
		"ip -6 route replace 2001:db8:6400::/40 via fe80::b dev r0"}},
	{name: "ip6 no link-local address on r0", setup: []string{"ip -6 addr del fe80::1:0/64 dev r0"}},
	{name: "ip6 no address on r1", setup: []string{"ip -6 addr flush dev r1", "ip -6 route add 2001:db8:5100::/48 dev r1",
		"ip -6 neigh replace 2001:db8:5100::1 lladdr 02:00:00:00:0d:51 nud permanent dev r1"}, targets: []string{"2001:db8:5100::1/128", "2001:db8:5100::/120"}},
}

var sysctlConfigs6 = []config{
	{name: "ip6 forwarding of r0 off", setup: []string{"sysctl ipv6/conf/r0/forwarding=0"}},
	{name: "ip6 forwarding of r1 off", setup: []string{"sysctl ipv6/conf/r1/forwarding=0"}},
	{name: "ip6 forwarding of all off, of r0 on", setup: []string{"sysctl ipv6/conf/all/forwarding=0", "sysctl ipv6/conf/r0/forwarding=1"}},
	{name: "ip6 forced forwarding of r0", setup: []string{"sysctl ipv6/conf/all/forwarding=0", "sysctl ipv6/conf/r0/force_forwarding=1"}},
	{name: "ip6 forced forwarding of r1", setup: []string{"sysctl ipv6/conf/all/forwarding=0", "sysctl ipv6/conf/r1/force_forwarding=1"}},
	{name: "ip6 without ip4", setup: []string{"sysctl ipv4/ip_forward=0"}},
	{name: "ip6 disabled on r0", setup: []string{"sysctl ipv6/conf/r0/disable_ipv6=1"}},
	{name: "ip6 disabled on r1", setup: []string{"sysctl ipv6/conf/r1/disable_ipv6=1", "ip -6 route add 2001:db8:5100::/48 via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 mtu of r1", setup: []string{"sysctl ipv6/conf/r1/mtu=1400", "sysctl ipv6/conf/r2/mtu=1280"}},
	{name: "ip6 mtu of r1 and of routes", setup: []string{"sysctl ipv6/conf/r1/mtu=1400", "ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1",
		"ip -6 route add 2001:db8:5101::/48 via 2001:db8:2::1 mtu 1450", "ip -6 route add 2001:db8:5102::/48 via 2001:db8:2::1 mtu lock 1300"},
		targets: []string{"2001:db8:5100::/48", "2001:db8:5101::/48", "2001:db8:5102::/48"}},
	{name: "ip6 proxy", setup: []string{"sysctl ipv6/conf/all/proxy_ndp=1", "ip -6 neigh add proxy 2001:db8:2::2 dev r0",
		"ip -6 neigh add proxy 2001:db8:1605::5 dev r0", "ip -6 neigh add proxy fe80::77 dev r0"},
		targets: []string{"2001:db8:2::2/128", "2001:db8:1605::5/128", "fe80::77/128"}},
	{name: "ip6 proxy of r0 only", setup: []string{"sysctl ipv6/conf/r0/proxy_ndp=1", "ip -6 neigh add proxy 2001:db8:2::2 dev r0"},
		targets: []string{"2001:db8:2::2/128"}},
	{name: "ip6 segments", setup: []string{"sysctl ipv6/conf/all/seg6_enabled=1", "sysctl ipv6/conf/r0/seg6_enabled=1"}},
	{name: "ip6 reflected flow labels", setup: []string{"sysctl ipv6/flowlabel_reflect=7", "sysctl ipv6/auto_flowlabels=0"}},
	{name: "ip6 drop_unicast_in_l2_multicast", setup: []string{"sysctl ipv6/conf/r0/drop_unicast_in_l2_multicast=1"}},
	{name: "ip6 disable_policy", setup: []string{"sysctl ipv6/conf/r0/disable_policy=1"}},
	{name: "ip6 advertisements accepted", setup: []string{"sysctl ipv6/conf/r0/accept_ra=2", "sysctl ipv6/conf/r1/accept_ra=2"}},
	{name: "ip6 priority of ra ignored", setup: []string{"sysctl ipv6/conf/r0/accept_ra_rtr_pref=0"}},
}

var linkConfigs6 = []config{
	{name: "ip6 egress mtu", setup: []string{"ip link set r1 mtu 1400", "ip link set r2 mtu 1280"}},
	{name: "ip6 egress mtu too small", setup: []string{"ip link set r1 mtu 1279"}},
	{name: "ip6 large ingress mtu", setup: []string{"A: ip link set a0 mtu 2000", "ip link set r0 mtu 2000"}, mtu: 2000},
	{name: "ip6 small ingress mtu", setup: []string{"ip link set r0 mtu 1300"}},
	{name: "ip6 ingress mtu too small", setup: []string{"ip link set r0 mtu 1200"}},
	{name: "ip6 egress down", setup: []string{"ip link set r1 down"}},
	{name: "ip6 egress without carrier", setup: []string{"B: ip link set b0 down"}},
	{name: "ip6 egress without carrier ignored", setup: []string{"sysctl ipv6/conf/all/ignore_routes_with_linkdown=1", "B: ip link set b0 down"}},
	{name: "ip6 egress gone", setup: []string{"ip link del r1"}},
	{name: "ip6 egress not ready", layout: lab.Layout{Idle: true}},
	{name: "ip6 egress qdisc", setup: []string{"tc qdisc add dev r1 root tbf rate 10gbit burst 10m limit 20m"}},
	{name: "ip6 egress filter", setup: []string{"tc qdisc add dev r1 clsact", "tc filter add dev r1 egress u32 match u32 0 0 flowid 1:1"}},
	{name: "ip6 egress tap", open: func() error { return tap("r1", 0x0003) }},
	{name: "ip6 egress mac changed", setup: []string{"ip link set r1 address 02:00:00:00:07:07"}},
	{name: "ip6 ingress mac changed", setup: []string{"ip link set r0 address 02:00:00:00:01:77"}},
	{name: "ip6 egress to a bridge", setup: []string{"ip link add br0 type bridge", "ip link set br0 up", "ip link set r1 master br0",
		"ip -6 addr add 2001:db8:5100::fe/64 dev br0 nodad", "ip -6 neigh add 2001:db8:5100::1 lladdr 02:00:00:00:0b:00 nud permanent dev br0"},
		targets: []string{"2001:db8:5100::1/128"}},
	{name: "ip6 egress to a tun", setup: []string{"ip tuntap add t0 mode tun", "ip link set t0 up", "ip -6 route add 2001:db8:5100::/48 dev t0"}, targets: subject6},
	{name: "ip6 egress to loopback", setup: []string{"ip -6 route add 2001:db8:5100::/48 dev lo"}, targets: subject6},
	{name: "ip6 generic hook", hook: "xdp-generic"},
	{name: "ip6 partial checksums", partial: true, layout: lab.Layout{Partial: true},
		setup: []string{"ethtool -K r1 tx off", "ethtool -K r2 tx off", "ethtool -K r3 tx off"}},
}

// manyRoutes6 fills several blocks of the table: prefixes of every length behind every port.
func manyRoutes6() config {
	c := config{name: "ip6 many routes"}
	for i := range 240 {
		text := fmt.Sprintf("2%03x:%x:%x:%x:%x:%x:%x:%x", i%7*0x111, i*40503&0xffff, i*7&0xf0f0, i*i&0xffff, i*31&0xffff, i, i<<4, i)
		p := masked6(text, 16+i*29%113)
		c.setup = append(c.setup, fmt.Sprintf("ip -6 route replace %s via 2001:db8:%d::1", p, 2+i%3))
		c.targets = append(c.targets, p)
	}
	return c
}

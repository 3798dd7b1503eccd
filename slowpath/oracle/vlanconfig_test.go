package oracle

import (
	"slices"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// What most configurations have: r0.10 in the place of r0, and r1.20 in the place of r1.
var (
	in10   = over(0, "r0.10", "type vlan id 10")
	out20  = over(1, "r1.20", "type vlan id 20")
	across = slices.Concat(in10, out20)

	in10v6   = over6(0, "r0.10", "type vlan id 10")
	out20v6  = over6(1, "r1.20", "type vlan id 20")
	across6  = slices.Concat(in10v6, out20v6)
	vlan20r0 = beside("r0.20", "link r0 type vlan id 20", 20, "172.16.0.0/16", "192.168.64.0/18")

	inTagged = []int{10, 10, 10, 10, 10, 10, 10, 0}
	inBare   = []int{0}
	noErrors = []string{"sysctl ipv4/conf/all/send_redirects=0", "sysctl ipv4/conf/r0/send_redirects=0"}
)

// also are the lines of several groups, and more.
func also(group []string, more ...string) []string { return append(slices.Clone(group), more...) }

// vlanWays are the ways that packets take in by VLAN devices, and out.
var vlanWays = []vlanRouter{
	{config: config{name: "in", setup: in10}, in: inTagged, least: 37},
	{config: config{name: "out", setup: out20}, in: inBare, least: 40},
	{config: config{name: "in and out", setup: across}, in: inTagged, least: 39},
	{config: config{name: "on a stick", setup: also(in10, vlan20r0...), targets: []string{"10.20.0.0/24"}}, in: []int{10, 10, 10, 20}, least: 23},
	{config: config{name: "from the parent to a vlan on it", setup: vlan20r0, targets: []string{"10.20.0.1/32"}}, in: []int{0, 0, 0, 20}, least: 31},
	{config: config{name: "from a vlan to its parent", setup: also(vlan20r0, "ip route replace 172.16.0.0/16 via 10.0.0.2")},
		in: []int{20, 20, 20, 0}, least: 36},
	{config: config{name: "back", setup: also(in10, append(noErrors, "sysctl ipv4/conf/r0.10/send_redirects=0",
		"ip route replace 172.16.0.0/16 via 10.0.0.2 dev r0.10")...)}, in: inTagged, least: 37},
	{config: config{name: "back, with redirects", setup: also(in10, "ip route replace 172.16.0.0/16 via 10.0.0.2 dev r0.10")}, in: inTagged,
		left: slowpath.Redirect, least: 36},
	{config: config{name: "several", setup: slices.Concat(in10, out20, beside("r0.11", "link r0 type vlan id 11", 11),
		beside("r0.12", "link r0 type vlan id 12", 12, "172.16.64.0/18"), beside("r1.21", "link r1 type vlan id 21", 21, "172.16.5.0/24"),
		beside("r1.22", "link r1 type vlan id 22", 22, "192.168.64.0/18"))}, in: []int{10, 11, 12, 0}, least: 38},
	{config: config{name: "untagged goes on", setup: slices.Concat(beside("r0.10", "link r0 type vlan id 10", 10),
		beside("r1.20", "link r1 type vlan id 20", 20, "172.16.64.0/18"))}, in: []int{0, 10}, least: 37},
	{config: config{name: "first and last", setup: slices.Concat(over(0, "r0.1", "type vlan id 1"), over(1, "r1.z", "type vlan id 4094"),
		beside("r0.z", "link r0 type vlan id 4094", 94))}, in: []int{1, 1, 4094}, least: 38},
	{config: config{name: "the same number on both", setup: slices.Concat(in10, over(1, "r1.10", "type vlan id 10"))}, in: inTagged, least: 36},
	{config: config{name: "other names", setup: slices.Concat(over(0, "inside", "type vlan id 10"), over(1, "v20", "type vlan id 20"),
		[]string{"ip link property add dev v20 altname outside", "ip link set inside alias r1.20"})}, in: inTagged, least: 41},
	{config: config{name: "ecmp with a vlan", setup: also(out20, "ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.3.0.1"),
		targets: []string{"198.51.100.0/24"}}, in: inBare, least: 30},
	{config: config{name: "ecmp of vlans", setup: slices.Concat(across, beside("r1.21", "link r1 type vlan id 21", 21),
		[]string{"sysctl ipv4/fib_multipath_hash_policy=1", "ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.21.0.1 weight 3"}),
		targets: []string{"198.51.100.0/24"}}, in: inTagged, least: 23},
	{config: config{name: "nexthop object on a vlan", setup: also(across, "ip nexthop add id 1 via 10.2.0.1 dev r1.20",
		"ip route add 198.51.100.0/24 nhid 1"), targets: []string{"198.51.100.0/24"}}, in: inTagged, least: 39},
	{config: config{name: "route mtu", setup: also(across, "ip route add 198.51.100.0/24 via 10.2.0.1 mtu 1400",
		"ip route add 198.51.101.0/24 via 10.2.0.1 mtu lock 1300"), targets: []string{"198.51.100.0/24", "198.51.101.0/24"}}, in: inTagged,
		left: slowpath.MTU, least: 33},
	{config: config{name: "rp_filter 1", setup: also(in10, "sysctl ipv4/conf/r0.10/rp_filter=1")}, in: inTagged, left: slowpath.SourceFilter, least: 33},
	{config: config{name: "rp_filter 2", setup: also(in10, "sysctl ipv4/conf/r0.10/rp_filter=2")}, in: inTagged, least: 38},
	{config: config{name: "rp_filter 1 on the parent", setup: also(in10, "sysctl ipv4/conf/r0/rp_filter=1")}, in: []int{10, 0}, least: 19},
	{config: config{name: "rp_filter 1 on all, other vlan", setup: slices.Concat(in10, beside("r0.11", "link r0 type vlan id 11", 11, "100.64.0.0/11"),
		[]string{"sysctl ipv4/conf/all/rp_filter=1"})}, in: []int{10, 11}, left: slowpath.SourceFilter, least: 18},
	{config: config{name: "forwarding off on the vlan", setup: also(in10, "sysctl ipv4/conf/r0.10/forwarding=0")}, in: []int{10, 0}, least: 18},
	{config: config{name: "forwarding off on the parent", setup: also(in10, "sysctl ipv4/conf/r0/forwarding=0")}, in: []int{10, 0},
		refused: slowpath.NotForwarding},
	{config: config{name: "neighbour of another mac", setup: also(across, "ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0e:77 nud permanent dev r1.20")},
		in: inTagged, least: 39},
	{config: config{name: "source of its own", setup: also(across, "ip addr add 172.16.9.1/32 dev r1.20", "ip addr add 100.64.7.7/32 dev r0.10"),
		targets: []string{"172.16.9.1/32"}}, in: inTagged, least: 29},
}

// vlanLinks are about the states of VLAN devices and of what is below them.
var vlanLinks = []vlanRouter{
	{config: config{name: "mtu of the vlan", setup: also(across, "ip link set r1.20 mtu 1400")}, in: inTagged, left: slowpath.MTU, least: 40},
	{config: config{name: "mtu of the parent", setup: also(across, "ip link set r1 mtu 1400")}, in: inTagged, left: slowpath.MTU, least: 36},
	{config: config{name: "mtu of the parent was smaller", setup: also(across, "ip link set r1 mtu 1300", "ip link set r1 mtu 1500",
		"ip link set r1.20 mtu 1496")}, in: inTagged, left: slowpath.MTU, least: 39},
	{config: config{name: "mtu of the far end", setup: also(across, "B: ip link set b0 mtu 1400")}, in: inTagged, least: 39},
	{config: config{name: "mtu of the far end is larger", setup: also(across, "B: ip link set b0 mtu 1504")}, in: inTagged, least: 40},
	{config: config{name: "mtu of all is larger", setup: also(across, "B: ip link set b0 mtu 1600", "ip link set r1 mtu 1600", "ip link set r1.20 mtu 1600")},
		in: inTagged, least: 39},
	{config: config{name: "mtu of the way in", setup: also(across, "ip link set r0.10 mtu 1300")}, in: inTagged, least: 39},
	{config: config{name: "mtu of the way in, below", mtu: 1300, setup: also(across, "ip link set r0 mtu 1300")}, in: inTagged, least: 30},
	{config: config{name: "vlan down", setup: also(in10, "ip link set r0.10 down")}, in: []int{10, 0}, least: 18},
	{config: config{name: "egress vlan down", setup: also(across, "ip route add 172.16.0.0/16 via 10.3.0.1 metric 50", "ip link set r1.20 down")},
		in: inTagged, least: 24},
	{config: config{name: "egress parent down", setup: also(across, "ip route add 172.16.0.0/16 via 10.3.0.1 metric 50", "ip link set r1 down")},
		in: inTagged, least: 22},
	{config: config{name: "egress parent down and up", setup: also(across, "ip link set r1 down", "ip link set r1 up", "ip addr del 10.2.0.254/24 dev r1.20",
		"ip addr add 10.2.0.254/24 dev r1", handed(1, "r1.20", commonLines))}, in: inTagged, least: 39},
	{config: config{name: "egress parent down, loose binding", setup: slices.Concat(in10, over(1, "r1.20", "type vlan id 20 loose_binding on"),
		[]string{"ip link set r1 down"})}, in: inTagged, least: 19},
	{config: config{name: "loose binding", setup: slices.Concat(over(0, "r0.10", "type vlan id 10 loose_binding on"),
		over(1, "r1.20", "type vlan id 20 loose_binding on"))}, in: inTagged, least: 36},
	{config: config{name: "egress without carrier", setup: also(across, "B: ip link set b0 down")}, in: inTagged, least: 16},
	{config: config{name: "egress without carrier ignored", setup: also(across, "sysctl ipv4/conf/r1.20/ignore_routes_with_linkdown=1",
		"ip route add 172.16.0.0/16 via 10.3.0.1 metric 50", "B: ip link set b0 down")}, in: inTagged, least: 18},
	{config: config{name: "egress not ready", setup: also(across), layout: lab.Layout{Idle: true}}, in: inTagged, left: slowpath.EgressNotReady},
	{config: config{name: "another mac", setup: slices.Concat(over(0, "r0.10", "address 02:00:00:00:07:10 type vlan id 10"), out20)},
		in: inTagged, mac: "02:00:00:00:07:10", refused: slowpath.Promiscuous},
	{config: config{name: "another mac, for the parent's", setup: over(0, "r0.10", "address 02:00:00:00:07:10 type vlan id 10")}, in: inTagged, refused: slowpath.Promiscuous},
	{config: config{name: "another mac on the way out", setup: slices.Concat(in10, over(1, "r1.20", "address 02:00:00:00:07:20 type vlan id 20"))},
		in: inTagged, least: 39},
	{config: config{name: "mac of the parent changes", setup: also(across, "ip link set r0 address 02:00:00:00:07:07")}, in: inTagged,
		mac: "02:00:00:00:07:07", least: 34},
	{config: config{name: "mac of the parent goes away", setup: also(across, "ip link set r0.10 address 02:00:00:00:07:10",
		"ip link set r0.10 address 02:00:00:00:01:00", "ip link set r1 address 02:00:00:00:07:21")}, in: inTagged, least: 19},
	{config: config{name: "parent promiscuous", setup: also(across, "ip link set r0 promisc on")}, in: inTagged, refused: slowpath.Promiscuous},
	{config: config{name: "vlan promiscuous", setup: also(across, "ip link set r0.10 promisc on", "ip link set r1.20 allmulticast on")}, in: inTagged, refused: slowpath.Promiscuous},
	{config: config{name: "qdisc on the vlan", setup: also(across, "tc qdisc add dev r1.20 root tbf rate 10gbit burst 10m limit 20m")}, in: inTagged,
		left: slowpath.EgressQdisc, least: 20},
	{config: config{name: "qdisc below the vlan", setup: also(across, "tc qdisc add dev r1 root tbf rate 10gbit burst 10m limit 20m")}, in: inTagged,
		left: slowpath.EgressQdisc, least: 17},
	{config: config{name: "filter on the vlan", setup: also(across, "tc qdisc add dev r1.20 clsact",
		"tc filter add dev r1.20 egress u32 match ip protocol 17 0xff action drop")}, in: inTagged, left: slowpath.EgressFilter, least: 21},
	{config: config{name: "filter below the vlan", setup: also(across, "tc qdisc add dev r1 clsact",
		"tc filter add dev r1 egress protocol all u32 match u32 0 0 action drop")}, in: inTagged, left: slowpath.EgressFilter, least: 19},
	{config: config{name: "filter of what comes in by the vlan", setup: also(across, "tc qdisc add dev r0.10 clsact",
		"tc filter add dev r0.10 ingress u32 match ip protocol 17 0xff action drop")}, in: []int{10, 10, 0}, least: 14},
	{config: config{name: "tap on the way out", setup: across, open: func() error { return tap("r1.20", 0x0003) }}, in: inTagged, left: slowpath.EgressTap, least: 20},
	{config: config{name: "tap below the way out", setup: across, open: func() error { return tap("r1", 0x0003) }}, in: inTagged, left: slowpath.EgressTap, least: 19},
	{config: config{name: "tap on the way in", setup: across, open: func() error { return tap("r0.10", 0x0003) }}, in: []int{10, 10, 0}, least: 12},
	{config: config{name: "tap below the way in, of vlans", setup: across, open: func() error { return tap("r0", 0x8100) }}, in: inTagged, least: 38},
}

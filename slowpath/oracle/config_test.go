package oracle

import (
	"fmt"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
)

// config is a configuration of the router beside what all have in common. The lines run in the router; those that begin
// with "A: " or "B: " run behind port 0 or the others. "sysctl path=value" writes below /proc/sys/net.
type config struct {
	name    string
	six     bool // the router has IPv6 as well, and most packets are such
	setup   []string
	rules   string        // a ruleset for nft, or for iptables-nft-restore; packets are made around its values, and counters compared
	yields  bool          // lines of rules that nft refuses are left out
	after   []string      // like setup, once the ruleset is there: conntrack's sysctls
	talk    []string      // where connections go, such as "tcp 172.16.5.7:80": programs are at all ports then
	vlans   [ports]uint16 // what the hosts of talks tag their frames with, by port; 0 for no tag
	marked  bool          // every connection gets the mark 5 where the configuration changes
	targets []string      // prefixes that packets go to beside the common ones
	layout  lab.Layout
	hook    string       // as in honed's configuration; "" is xdp
	alter   []string     // changes of routes and neighbours that come after the program was made
	open    func() error // makes something in the router that no command can; run once, before the configuration is read
	mtu     int          // of a0 and r0, where it is not 1500
	tagged  bool         // half of the UDP frames carry a VLAN tag in their metadata
	partial bool         // frames whose checksum looks as if the device had to complete it are such, every other one
	generic bool         // capture at a0 outside of the driver, which would bound the MTU of r0
}

// configs lists every configuration.
func configs() []config {
	var all []config
	for _, group := range [][]config{
		routeConfigs, nexthopConfigs, neighbourConfigs, addressConfigs, sysctlConfigs, linkConfigs, refusedConfigs,
		changeConfigs, wayConfigs, wayChanges, ruleConfigs, ruleChanges, oddConfigs, oddChanges, configs6(), rulesetConfigs(),
	} {
		all = append(all, group...)
	}
	return append(all, manyRoutes(), fullTable(), filterMatrix()[0], filterMatrix()[1], filterMatrix()[2], filterMatrix()[3])
}

var routeConfigs = []config{
	{name: "plain"},
	{name: "default route", setup: []string{"ip route add default via 10.2.0.1"}, targets: []string{"0.0.0.0/0",
		"8.8.8.0/24"}},
	{name: "default and longer", setup: []string{"ip route add default via 10.2.0.1",
		"ip route add 8.0.0.0/7 via 10.3.0.1",
		"ip route add 8.8.8.8 via 10.4.0.1", "ip route add 128.0.0.0/1 via 10.3.0.1"},
		targets: []string{"0.0.0.0/0", "8.0.0.0/7", "8.8.8.8/32", "128.0.0.0/1"}},
	{name: "blackhole", setup: []string{"ip route add blackhole 198.51.100.0/24",
		"ip route add blackhole 172.16.5.64/26"},
		targets: []string{"198.51.100.0/24", "172.16.5.64/26"}},
	{name: "unreachable", setup: []string{"ip route add unreachable 198.51.100.0/24"},
		targets: []string{"198.51.100.0/24"}},
	{name: "prohibit", setup: []string{"ip route add prohibit 198.51.100.0/24"}, targets: []string{"198.51.100.0/24"}},
	{name: "throw", setup: []string{"ip route add throw 198.51.100.0/24", "ip route add throw 172.16.5.0/26"},
		targets: []string{"198.51.100.0/24", "172.16.5.0/26"}},
	{name: "hole in default", setup: []string{"ip route add default via 10.3.0.1",
		"ip route add unreachable 8.8.0.0/16",
		"ip route add 8.8.8.0/24 via 10.4.0.1"}, targets: []string{"8.8.0.0/16", "8.8.8.0/24", "0.0.0.0/0"}},
	{name: "metrics", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 metric 100",
		"ip route add 198.51.100.0/24 via 10.3.0.1 metric 50"}, targets: []string{"198.51.100.0/24"}},
	{name: "metrics, better one last", setup: []string{"ip route add blackhole 198.51.100.0/24 metric 7",
		"ip route add 198.51.100.0/24 via 10.3.0.1 metric 8"}, targets: []string{"198.51.100.0/24"}},
	{name: "equal by append", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1",
		"ip route append 198.51.100.0/24 via 10.3.0.1"}, targets: []string{"198.51.100.0/24"}},
	{name: "equal by prepend", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1",
		"ip route prepend 198.51.100.0/24 via 10.4.0.1"}, targets: []string{"198.51.100.0/24"}},
	{name: "tos routes", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1",
		"ip route add 198.51.100.0/24 tos 0x10 via 10.3.0.1",
		"ip route add 198.51.100.128/25 tos 0x08 via 10.4.0.1"}, targets: []string{"198.51.100.0/24",
		"198.51.100.128/25"}},
	{name: "route mtu", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 mtu 1400",
		"ip route add 198.51.101.0/24 via 10.2.0.1 mtu lock 1300"},
		targets: []string{"198.51.100.0/24", "198.51.101.0/24"}},
	{name: "learned mtu", setup: []string{"teach 172.16.5.9 500", "teach 172.16.5.10 1000", "teach 172.16.5.11 0",
		"ip route get 172.16.5.9", "ip route get 172.16.5.10", "ip route get 172.16.5.11"}, targets: []string{"172.16.5.8/30"}},
	{name: "learned mtu where more is small", setup: []string{"sysctl ipv4/route/min_pmtu=1200", "teach 172.16.5.10 1000",
		"ip route get 172.16.5.10"}, targets: []string{"172.16.5.10/32"}},
	{name: "route metrics",
		setup:   []string{"ip route add 198.51.100.0/24 via 10.2.0.1 advmss 1000 initcwnd 5 window 5000 rtt 30ms"},
		targets: []string{"198.51.100.0/24"}},
	{name: "route with source and protocol",
		setup:   []string{"ip route add 198.51.100.0/24 via 10.2.0.1 src 10.2.0.254 proto bgp"},
		targets: []string{"198.51.100.0/24"}},
	{name: "realms", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 realms 5"},
		targets: []string{"198.51.100.0/24"}},
	{name: "onlink", setup: []string{"ip route add 198.51.100.0/24 via 7.7.7.7 dev r1 onlink",
		"ip neigh add 7.7.7.7 lladdr 02:00:00:00:0d:01 nud permanent dev r1"}, targets: []string{"198.51.100.0/24"}},
	{name: "by a device", setup: []string{"ip route add 198.51.100.0/24 dev r1",
		"ip neigh add 198.51.100.7 lladdr 02:00:00:00:0d:07 nud permanent dev r1"},
		targets: []string{"198.51.100.0/24", "198.51.100.7/32"}},
	{name: "encap by ip6", setup: []string{"ip route add 198.51.100.0/24 encap ip id 5 dst 10.2.0.1 dev r1"},
		targets: []string{"198.51.100.0/24"}},
	{name: "host routes", setup: []string{"ip route add 10.2.0.200/32 via 10.3.0.1",
		"ip route add 10.2.0.128/25 via 10.4.0.1",
		"ip route add blackhole 10.2.0.201/32"}, targets: []string{"10.2.0.200/31", "10.2.0.128/25", "10.2.0.0/24"}},
	{name: "local prefix", setup: []string{"ip route add local 198.51.100.0/24 dev lo",
		"ip route add 198.51.100.64/26 via 10.2.0.1"},
		targets: []string{"198.51.100.0/24", "198.51.100.64/26"}},
	{name: "local prefix within", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1",
		"ip route add local 198.51.100.64/26 dev lo"},
		targets: []string{"198.51.100.0/24", "198.51.100.64/26"}},
	{name: "broadcast and anycast", setup: []string{"ip route add broadcast 198.51.100.255 dev r1",
		"ip route add anycast 198.51.100.1 dev r1 table local",
		"ip route add 198.51.100.0/24 via 10.2.0.1"}, targets: []string{"198.51.100.0/24", "198.51.100.1/32",
		"198.51.100.255/32"}},
	{name: "multicast route", setup: []string{"ip route add multicast 239.0.0.0/8 dev r1"},
		targets: []string{"239.0.0.0/8"}},
	{name: "other table without rule", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 table 100",
		"ip route add 198.51.100.0/25 via 10.3.0.1"},
		targets: []string{"198.51.100.0/24"}},
	{name: "route in table default", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 table default",
		"ip route add 198.51.100.0/25 via 10.3.0.1", "ip route add throw 198.51.100.64/26"},
		targets: []string{"198.51.100.0/24", "198.51.100.64/26"}},
	{name: "default in table default", setup: []string{"ip route add default via 10.4.0.1 table default"},
		targets: []string{"0.0.0.0/0"}},
	{name: "main route in local table", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.1 table local",
		"ip route add 198.51.100.0/25 via 10.3.0.1"}, targets: []string{"198.51.100.0/24"}},
	{name: "zeros and ones", setup: []string{"ip route add 198.51.100.0/31 via 10.2.0.1",
		"ip route add 198.51.100.2/32 via 10.3.0.1",
		"ip route add 198.51.100.3/32 via 10.4.0.1", "ip route add 198.51.100.0/30 via 10.4.0.1"},
		targets: []string{"198.51.100.0/29", "198.51.100.0/31"}},
	{name: "back where it came from", setup: []string{"ip route add 198.51.100.0/24 via 10.0.0.2"},
		targets: []string{"198.51.100.0/24", "100.64.0.0/10"}},
	{name: "own prefix on r0", setup: []string{"ip route add 10.0.0.128/25 via 10.2.0.1"},
		targets: []string{"10.0.0.0/24", "10.0.0.128/25"}},
	{name: "routes to zero and class e", setup: []string{"ip route add 240.0.0.0/8 via 10.2.0.1",
		"ip route add 0.1.0.0/16 via 10.2.0.1"},
		targets: []string{"240.0.0.0/8", "0.1.0.0/16"}},
}

var nexthopConfigs = []config{
	{name: "nexthop object", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip route add 198.51.100.0/24 nhid 1"}, targets: []string{"198.51.100.0/24"}},
	{name: "nexthop blackhole", setup: []string{"ip nexthop add id 1 blackhole",
		"ip route add 198.51.100.0/24 nhid 1"}, targets: []string{"198.51.100.0/24"}},
	{name: "nexthop group", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip nexthop add id 2 via 10.3.0.1 dev r2",
		"ip nexthop add id 3 group 1,3/2", "ip route add 198.51.100.0/24 nhid 3"},
		targets: []string{"198.51.100.0/24"}},
	{name: "nexthop group of one", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip nexthop add id 3 group 1",
		"ip route add 198.51.100.0/24 nhid 3"}, targets: []string{"198.51.100.0/24"}},
	{name: "nexthop resilient", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip nexthop add id 2 via 10.3.0.1 dev r2",
		"ip nexthop add id 3 group 1/2 type resilient buckets 8", "ip route add 198.51.100.0/24 nhid 3"},
		targets: []string{"198.51.100.0/24"}},
	{name: "ecmp",
		setup:   []string{"ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.3.0.1 nexthop via 10.4.0.1 weight 3"},
		targets: []string{"198.51.100.0/24"}},
	{name: "ecmp by ports", setup: []string{"sysctl ipv4/fib_multipath_hash_policy=1",
		"ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.3.0.1"},
		targets: []string{"198.51.100.0/24"}},
	{name: "ecmp by neighbours", setup: []string{"sysctl ipv4/fib_multipath_use_neigh=1",
		"ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.2.0.7"},
		targets: []string{"198.51.100.0/24"}},
	{name: "ecmp with a dead way",
		setup: []string{"ip route add 198.51.100.0/24 nexthop via 10.2.0.1 nexthop via 10.3.0.1",
			"B: ip link set b1 down",
			"sysctl ipv4/conf/all/ignore_routes_with_linkdown=1"}, targets: []string{"198.51.100.0/24"}},
	{name: "via ipv6", setup: []string{"sysctl ipv6/conf/r1/disable_ipv6=0", "ip -6 addr add fd00::254/64 dev r1 nodad",
		"ip -6 neigh add fd00::1 lladdr 02:00:00:00:0d:61 nud permanent dev r1",
		"ip route add 198.51.100.0/24 via inet6 fd00::1 dev r1"},
		targets: []string{"198.51.100.0/24"}},
	{name: "gateway without neighbour", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.77"},
		targets: []string{"198.51.100.0/24"}},
	{name: "gateway that does not answer", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.7"},
		targets: []string{"198.51.100.0/24"}},
	{name: "gateway behind r0", setup: []string{"ip route add 198.51.100.0/24 via 10.0.0.3"},
		targets: []string{"198.51.100.0/24"}},
}

var neighbourConfigs = []config{
	{name: "neighbours of every state", setup: []string{
		"ip neigh add 10.2.0.20 lladdr 02:00:00:00:0e:20 nud permanent dev r1",
		"ip neigh add 10.2.0.21 lladdr 02:00:00:00:0e:21 nud reachable dev r1",
		"ip neigh add 10.2.0.22 lladdr 02:00:00:00:0e:22 nud stale dev r1",
		"ip neigh add 10.2.0.23 lladdr 02:00:00:00:0e:23 nud delay dev r1",
		"ip neigh add 10.2.0.25 nud failed dev r1",
		"ip neigh add 10.2.0.26 lladdr 02:00:00:00:0e:26 nud noarp dev r1"},
		targets: []string{"10.2.0.20/30", "10.2.0.24/30", "10.2.0.22/32"}},
	{name: "odd hardware addresses",
		setup: []string{"ip neigh add 10.2.0.20 lladdr ff:ff:ff:ff:ff:ff nud permanent dev r1",
			"ip neigh add 10.2.0.21 lladdr 00:00:00:00:00:00 nud permanent dev r1",
			"ip neigh add 10.2.0.22 lladdr 01:00:5e:00:00:01 nud permanent dev r1",
			"ip neigh add 10.2.0.23 lladdr 02:00:00:00:00:00 nud permanent dev r1"}, targets: []string{"10.2.0.20/30"}},
	{name: "same neighbour on two ports",
		setup: []string{"ip neigh add 10.3.0.9 lladdr 02:00:00:00:0e:31 nud permanent dev r1",
			"ip neigh add 10.3.0.9 lladdr 02:00:00:00:0e:32 nud permanent dev r2"}, targets: []string{"10.3.0.9/32"}},
	{name: "proxy neighbour", setup: []string{"ip neigh add proxy 10.2.0.30 dev r1",
		"sysctl ipv4/conf/r1/proxy_arp=1"}, targets: []string{"10.2.0.30/32"}},
	{name: "neighbour for a broadcast address",
		setup: []string{"ip neigh add 10.2.0.255 lladdr 02:00:00:00:0e:41 nud permanent dev r1",
			"ip neigh add 10.2.0.0 lladdr 02:00:00:00:0e:40 nud permanent dev r1"}, targets: []string{"10.2.0.255/32",
			"10.2.0.0/32"}},
	{name: "many neighbours", setup: manyNeighbours(), targets: []string{"10.3.0.0/24", "10.3.0.16/28"}},
}

func manyNeighbours() []string {
	var all []string
	for i := 10; i < 60; i++ {
		all = append(all, fmt.Sprintf("ip neigh add 10.3.0.%d lladdr 02:00:00:00:0f:%02x nud permanent dev r2", i, i))
	}
	return all
}

var addressConfigs = []config{
	{name: "point to point /31", setup: []string{"ip addr add 198.51.100.0/31 dev r1",
		"ip neigh add 198.51.100.1 lladdr 02:00:00:00:0d:31 nud permanent dev r1"},
		targets: []string{"198.51.100.0/31"}},
	{name: "host address /32", setup: []string{"ip addr add 198.51.100.9/32 dev lo",
		"ip addr add 198.51.100.10/32 dev r2"}, targets: []string{"198.51.100.8/30"}},
	{name: "peer address", setup: []string{"ip addr add 198.51.100.9 peer 198.51.100.20 dev r1",
		"ip neigh add 198.51.100.20 lladdr 02:00:00:00:0d:20 nud permanent dev r1"},
		targets: []string{"198.51.100.20/32", "198.51.100.9/32"}},
	{name: "several addresses", setup: []string{"ip addr add 198.51.100.254/24 dev r1",
		"ip addr add 198.51.100.253/24 dev r1",
		"ip addr add 198.51.101.254/25 dev r2 broadcast 198.51.101.99",
		"ip neigh add 198.51.100.1 lladdr 02:00:00:00:0d:51 nud permanent dev r1",
		"ip neigh add 198.51.101.99 lladdr 02:00:00:00:0d:52 nud permanent dev r2"},
		targets: []string{"198.51.100.0/24", "198.51.101.0/25", "198.51.101.99/32"}},
	{name: "same subnet on two ports", setup: []string{"ip addr add 10.2.0.253/24 dev r2",
		"ip neigh add 10.2.0.1 lladdr 02:00:00:00:0d:61 nud permanent dev r2"},
		targets: []string{"10.2.0.0/24"}},
	{name: "no prefix route", setup: []string{"ip addr add 198.51.100.254/24 dev r1 noprefixroute"},
		targets: []string{"198.51.100.0/24"}},
	{name: "no address on r0", setup: []string{"ip addr del 10.0.0.254/24 dev r0",
		"ip route add 10.0.0.0/24 dev r0 scope link",
		"ip route add 100.64.0.0/10 via 10.0.0.1 dev r0"}},
}

var sysctlConfigs = []config{
	{name: "accept_local", setup: []string{"sysctl ipv4/conf/all/accept_local=1"}},
	{name: "accept_local on r0", setup: []string{"sysctl ipv4/conf/r0/accept_local=1"}},
	{name: "route_localnet", setup: []string{"sysctl ipv4/conf/r0/route_localnet=1",
		"ip route add 127.5.0.0/16 via 10.2.0.1 table local"},
		targets: []string{"127.0.0.0/8", "127.5.0.0/16"}},
	{name: "src_valid_mark", setup: []string{"sysctl ipv4/conf/all/src_valid_mark=1",
		"sysctl ipv4/conf/r0/rp_filter=1"}},
	{name: "send_redirects off", setup: []string{"sysctl ipv4/conf/all/send_redirects=0",
		"sysctl ipv4/conf/r0/send_redirects=0",
		"ip route add 198.51.100.0/24 via 10.0.0.2"}, targets: []string{"198.51.100.0/24", "100.64.0.0/10"}},
	{name: "send_redirects off, rp_filter", setup: []string{"sysctl ipv4/conf/all/send_redirects=0",
		"sysctl ipv4/conf/r0/send_redirects=0", "sysctl ipv4/conf/r0/rp_filter=1", "ip route add 100.96.0.0/11 via 10.2.0.1",
		"ip route add 198.51.100.0/24 via 10.0.0.2"}, targets: []string{"198.51.100.0/24", "100.64.0.0/10"}},
	{name: "send_redirects off, own sources of one interface", setup: []string{"sysctl ipv4/conf/all/send_redirects=0",
		"sysctl ipv4/conf/r0/send_redirects=0", "ip rule add iif r0 lookup 100", "ip route add local 100.96.0.0/11 dev lo table 100",
		"ip route add 198.51.100.0/24 via 10.0.0.2"}, targets: []string{"198.51.100.0/24", "172.16.0.0/12"}},
	{name: "accept_redirects", setup: []string{"sysctl ipv4/conf/all/accept_redirects=1",
		"sysctl ipv4/conf/r1/accept_redirects=1"}},
	{name: "log_martians", setup: []string{"sysctl ipv4/conf/all/log_martians=0"}},
	{name: "bc_forwarding", setup: []string{"sysctl ipv4/conf/all/bc_forwarding=1",
		"sysctl ipv4/conf/r0/bc_forwarding=1", "sysctl ipv4/conf/r1/bc_forwarding=1"},
		targets: []string{"10.2.0.255/32"}},
	{name: "use_pmtu", setup: []string{"sysctl ipv4/ip_forward_use_pmtu=1"}},
	{name: "drop_unicast_in_l2_multicast", setup: []string{"sysctl ipv4/conf/r0/drop_unicast_in_l2_multicast=1"}},
	{name: "forwarding off on r1 only", setup: []string{"sysctl ipv4/conf/r1/forwarding=0"}},
	{name: "proxy_arp", setup: []string{"sysctl ipv4/conf/r0/proxy_arp=1"}},
	{name: "medium_id and shared_media", setup: []string{"sysctl ipv4/conf/r0/shared_media=0",
		"ip route add 198.51.100.0/24 via 10.0.0.2"},
		targets: []string{"198.51.100.0/24"}},
	{name: "no priority by tos", setup: []string{"sysctl ipv4/ip_forward_update_priority=0"}},
	{name: "disable_policy and noxfrm", setup: []string{"sysctl ipv4/conf/r0/disable_policy=1",
		"sysctl ipv4/conf/r1/disable_xfrm=1"}},
}

// filterMatrix is the reverse path filter: loose and strict, for all and for one.
func filterMatrix() []config {
	var all []config
	for _, v := range [][2]int{{0, 1}, {0, 2}, {1, 0}, {2, 1}} {
		all = append(all, config{
			name: fmt.Sprintf("rp_filter all %d r0 %d", v[0], v[1]),
			setup: []string{fmt.Sprintf("sysctl ipv4/conf/all/rp_filter=%d", v[0]),
				fmt.Sprintf("sysctl ipv4/conf/r0/rp_filter=%d", v[1]),
				"ip route add 10.0.0.64/26 via 10.2.0.1", "ip route add unreachable 10.0.0.128/27",
				"ip route add 100.96.0.0/11 via 10.2.0.1",
				"ip route add 100.80.0.0/12 nexthop via 10.0.0.1 nexthop via 10.2.0.1"},
			targets: []string{"10.0.0.64/26", "10.0.0.128/27", "100.80.0.0/12"},
		})
	}
	return all
}

// fullTable has so many routes that their table is packed, some parts by more nexthops than most answers pick from, and longer
// ones in some of them.
func fullTable() config {
	c := config{name: "full table"}
	for i := range 20 {
		c.setup = append(c.setup, fmt.Sprintf("ip neigh replace 10.%d.0.%d lladdr 02:00:00:00:0d:%02x dev r%d nud permanent", 2+i%3, 100+i, i, 1+i%3))
	}
	lines := []string{"batch"}
	for i := range 51000 {
		p := fmt.Sprintf("%s/%d", address(20<<24+uint32(i)<<8), 24-(i+1)%2*(i%3/2))
		if i%700 == 0 {
			p = fmt.Sprintf("%s/%d", address(20<<24+uint32(i)<<8+64), 26+i/700%7)
			c.targets = append(c.targets, p, address(20<<24+uint32(i+256)<<8).String()+"/16") // which has none so long
		}
		lines = append(lines, fmt.Sprintf("route replace %s via 10.%d.0.%d", p, 2+i%3, 100+i%[]int{18, 9, 9}[i>>8%3]+i%601/600))
	}
	c.setup = append(c.setup, strings.Join(lines, "\n"))
	c.targets = append(c.targets, "20.0.0.0/8", "20.64.0.0/12", "20.200.0.0/13")
	return c
}

// manyRoutes fills several blocks of the table: prefixes of every length behind every port.
func manyRoutes() config {
	c := config{name: "many routes"}
	for i := range 240 {
		bits := 9 + i%24
		addr := uint32(11+i%90)<<24 | uint32(i)*0x9e3779b1>>8
		addr &= ^uint32(0) << (32 - bits)
		p := fmt.Sprintf("%s/%d", address(addr), bits)
		c.setup = append(c.setup, fmt.Sprintf("ip route replace %s via 10.%d.0.1", p, 2+i%3))
		c.targets = append(c.targets, p)
	}
	return c
}

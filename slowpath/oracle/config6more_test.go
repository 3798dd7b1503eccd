package oracle

import "fmt"

var nexthopConfigs6 = []config{
	{name: "ip6 nexthop object", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1", "ip nexthop add id 2 via fe80::b dev r2",
		"ip -6 route add 2001:db8:5100::/48 nhid 1", "ip -6 route add 2001:db8:5101::/48 nhid 2"}, targets: []string{"2001:db8:5100::/47"}},
	{name: "ip6 nexthop object of two mtus", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1", "ip -6 route add 2001:db8:5100::/48 nhid 1",
		"ip -6 route add 2001:db8:5101::/48 nhid 1 mtu 1300", "ip -6 route add 2001:db8:5101:8000::/49 nhid 1 mtu lock 1400"}, targets: []string{"2001:db8:5100::/47"}},
	{name: "ip6 nexthop blackhole", setup: []string{"ip -6 nexthop add id 1 blackhole", "ip -6 route add 2001:db8:5100::/48 nhid 1"}, targets: subject6},
	{name: "ip6 nexthop device", setup: []string{"ip -6 nexthop add id 1 dev r1", "ip -6 route add 2001:db8:5100::/48 nhid 1",
		"ip -6 neigh add 2001:db8:5100::7 lladdr 02:00:00:00:0d:07 nud permanent dev r1"}, targets: []string{"2001:db8:5100::/120", "2001:db8:5100::7/128"}},
	{name: "ip6 nexthop group", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1", "ip nexthop add id 2 via fe80::b dev r2",
		"ip nexthop add id 3 group 1,3/2", "ip -6 route add 2001:db8:5100::/48 nhid 3"}, targets: subject6},
	{name: "ip6 nexthop group of one", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1", "ip nexthop add id 3 group 1",
		"ip -6 route add 2001:db8:5100::/48 nhid 3"}, targets: subject6},
	{name: "ip6 nexthop group with a dead way", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1",
		"ip nexthop add id 2 via 2001:db8:3::1 dev r2", "ip nexthop add id 3 group 1/2", "ip -6 route add 2001:db8:5100::/48 nhid 3",
		"sysctl ipv6/conf/all/ignore_routes_with_linkdown=1", "B: ip link set b0 down"}, targets: subject6},
	{name: "ip6 nexthop resilient", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1", "ip nexthop add id 2 via 2001:db8:3::1 dev r2",
		"ip nexthop add id 3 group 1/2 type resilient buckets 8", "ip -6 route add 2001:db8:5100::/48 nhid 3"}, targets: subject6},
	{name: "ip6 ecmp", setup: []string{"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via fe80::b dev r2 nexthop via 2001:db8:4::1 weight 3"},
		targets: subject6},
	{name: "ip6 ecmp of two on a link", setup: []string{"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:2::2"}, targets: subject6},
	{name: "ip6 ecmp by ports", setup: []string{"sysctl ipv6/fib_multipath_hash_policy=1",
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 ecmp by inner headers", setup: []string{"sysctl ipv6/fib_multipath_hash_policy=2",
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 ecmp by fields", setup: []string{"sysctl ipv6/fib_multipath_hash_policy=3", "sysctl ipv6/fib_multipath_hash_fields=48",
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 ecmp with a dead way", setup: []string{"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1",
		"sysctl ipv6/conf/all/ignore_routes_with_linkdown=1", "B: ip link set b0 down"}, targets: subject6},
	{name: "ip6 ecmp with a way that does not answer", setup: []string{
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:2::7"}, targets: subject6},
	{name: "ip6 ecmp with a way back", setup: []string{"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8::2"}, targets: subject6},
	{name: "ip6 ecmp with small mtus", setup: []string{"ip link set r1 mtu 1400",
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"}, targets: subject6},
	{name: "ip6 gateway without neighbour", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::77"}, targets: subject6},
	{name: "ip6 gateway that does not answer", setup: []string{"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::7"}, targets: subject6},
	{name: "ip6 gateway behind r0", setup: []string{"ip -6 route add 2001:db8:5100::/48 via fe80::b dev r0"}, targets: subject6},
	{name: "ip4 via a link-local gateway", setup: []string{"ip route add 198.51.100.0/24 via inet6 fe80::b dev r1",
		"ip route add 198.51.101.0/24 nexthop via inet6 fe80::b dev r1 nexthop via 10.3.0.1"}, targets: []string{"198.51.100.0/23", "2001:db8:2::1/128"}},
	{name: "ip4 via a nexthop object of ip6", setup: []string{"ip nexthop add id 1 via fe80::b dev r1", "ip nexthop add id 2 via 2001:db8:3::1 dev r2",
		"ip nexthop add id 3 group 1/2", "ip route add 198.51.100.0/24 nhid 1", "ip route add 198.51.101.0/24 nhid 3",
		"ip -6 route add 2001:db8:5100::/48 nhid 3"}, targets: []string{"198.51.100.0/23", "2001:db8:5100::/48"}},
}

var neighbourConfigs6 = []config{
	{name: "ip6 neighbours of every state", setup: []string{
		"ip -6 neigh add 2001:db8:2::20 lladdr 02:00:00:00:0e:20 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:2::21 lladdr 02:00:00:00:0e:21 nud reachable dev r1",
		"ip -6 neigh add 2001:db8:2::22 lladdr 02:00:00:00:0e:22 nud stale dev r1",
		"ip -6 neigh add 2001:db8:2::23 lladdr 02:00:00:00:0e:23 nud delay dev r1",
		"ip -6 neigh add 2001:db8:2::25 nud failed dev r1",
		"ip -6 neigh add 2001:db8:2::26 lladdr 02:00:00:00:0e:26 nud noarp dev r1"},
		targets: []string{"2001:db8:2::20/126", "2001:db8:2::24/126", "2001:db8:2::22/128"}},
	{name: "ip6 odd hardware addresses", setup: []string{
		"ip -6 neigh add 2001:db8:2::20 lladdr ff:ff:ff:ff:ff:ff nud permanent dev r1",
		"ip -6 neigh add 2001:db8:2::21 lladdr 00:00:00:00:00:00 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:2::22 lladdr 33:33:00:00:00:01 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:2::23 lladdr 02:00:00:00:00:00 nud permanent dev r1"}, targets: []string{"2001:db8:2::20/126"}},
	{name: "ip6 neighbours that are routers", setup: []string{
		"ip -6 neigh add 2001:db8:2::20 lladdr 02:00:00:00:0e:20 nud permanent router dev r1",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::20"}, targets: []string{"2001:db8:2::20/128", "2001:db8:5100::/48"}},
	{name: "ip6 same neighbour on two ports", setup: []string{
		"ip -6 neigh add 2001:db8:3::9 lladdr 02:00:00:00:0e:31 nud permanent dev r1",
		"ip -6 neigh add 2001:db8:3::9 lladdr 02:00:00:00:0e:32 nud permanent dev r2"}, targets: []string{"2001:db8:3::9/128"}},
	{name: "ip6 many neighbours", setup: manyNeighbours6(), targets: []string{"2001:db8:3::/120", "2001:db8:3::10/124"}},
}

func manyNeighbours6() []string {
	var all []string
	for i := 10; i < 60; i++ {
		all = append(all, fmt.Sprintf("ip -6 neigh add 2001:db8:3::%x lladdr 02:00:00:00:0f:%02x nud permanent dev r2", i, i))
	}
	return all
}

var refusedConfigs6 = []config{
	{name: "ip6 nft forward of ip6", setup: []string{"nft add table ip6 t", "nft add chain ip6 t f { type filter hook forward priority 0 ; policy accept ; }",
		"nft add rule ip6 t f udp dport 1-9999 drop"}},
	{name: "ip6 nft forward of ip4", setup: []string{"nft add table ip t", "nft add chain ip t f { type filter hook forward priority 0 ; policy accept ; }",
		"nft add rule ip t f udp dport 1-9999 drop"}},
	{name: "ip6 nft forward of both", setup: []string{"nft add table inet t",
		"nft add chain inet t f { type filter hook forward priority 0 ; policy accept ; }", "nft add rule inet t f udp dport 1-9999 drop"}},
	{name: "ip6 nft input only", setup: []string{"nft add table ip6 t", "nft add chain ip6 t i { type filter hook input priority 0 ; policy drop ; }"}},
	{name: "ip6 xfrm policy", setup: []string{"ip xfrm policy add src 2001:db8:6400::/40 dst 2001:db8:1605::/48 dir fwd action block"}},
	{name: "ip6 tap for ip6", open: func() error { return tap("r0", 0x86dd) }},
	{name: "ip6 tap on all, ip6", open: func() error { return tap("", 0x86dd) }},
	{name: "ip6 iptables-legacy", open: legacyTables6},
	{name: "ip6 rule from", setup: []string{"ip -6 rule add from 2001:db8:6400::/41 lookup 100", "ip -6 route add default via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule to", setup: []string{"ip -6 rule add to 2001:db8:1605::/48 lookup 100", "ip -6 route add default via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule iif", setup: []string{"ip -6 rule add iif r0 lookup 100", "ip -6 route add 2001:db8:1600::/40 via 2001:db8:3::1 table 100"}},
	{name: "ip6 rule of another iif", setup: []string{"ip -6 rule add iif r1 lookup 100", "ip -6 route add 2001:db8:1600::/40 via 2001:db8:3::1 table 100"}},
	{name: "ip6 rule prohibit", setup: []string{"ip -6 rule add to 2001:db8:1605::/48 prohibit", "ip -6 rule add to 2001:db8:1609::/48 blackhole",
		"ip -6 rule add to 2001:db8:1640::/44 unreachable"}},
	{name: "ip6 rule mark", setup: []string{"ip -6 rule add fwmark 5 lookup 100", "ip -6 rule add fwmark 0/1 to 2001:db8:1605::/48 lookup 100",
		"ip -6 route add default via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule suppress", setup: []string{"ip -6 rule add pref 100 lookup main suppress_prefixlength 0", "ip -6 rule add pref 101 lookup 100",
		"ip -6 route add default via 2001:db8:2::1", "ip -6 route add default via 2001:db8:4::1 table 100"}, targets: []string{"::/0", "2001:db8:5100::/48"}},
	{name: "ip6 rule suppress, by an object", setup: []string{"ip -6 rule add pref 100 lookup main suppress_prefixlength 0", "ip -6 rule add pref 101 lookup 100",
		"ip -6 nexthop add id 10 via 2001:db8:2::1 dev r1", "ip -6 route add default nhid 10", "ip -6 route add 2001:db8:5100::/48 nhid 10",
		"ip -6 route add default via 2001:db8:4::1 table 100"}, targets: []string{"::/0", "2001:db8:5100::/48"}},
	{name: "ip6 rule by ports", setup: []string{"ip -6 rule add ipproto udp dport 1-20000 lookup 100", "ip -6 route add default via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule by class", setup: []string{"ip -6 rule add tos 0x10 lookup 100", "ip -6 route add default via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule not", setup: []string{"ip -6 rule add not from 2001:db8:6400::/41 lookup 100", "ip -6 route add 2001:db8:1600::/40 via 2001:db8:4::1 table 100"}},
	{name: "ip6 rule goto", setup: []string{"ip -6 rule add pref 100 from 2001:db8:6400::/41 goto 300", "ip -6 rule add pref 200 lookup 100",
		"ip -6 rule add pref 300 lookup 101", "ip -6 route add 2001:db8:1605::/48 via 2001:db8:4::1 table 100",
		"ip -6 route add 2001:db8:1605::/48 via 2001:db8:2::1 table 101"}},
	{name: "ip6 no rule main", setup: []string{"ip -6 rule del pref 32766"}},
	{name: "ip6 rule local last", setup: []string{"ip -6 rule add pref 40000 lookup local", "ip -6 rule del pref 0"}},
	{name: "ip6 rules of ip4 only", setup: []string{"ip rule add to 172.16.0.0/16 prohibit"}},
}

package oracle

// oddSources are routes to parts of where packets come from, of every kind, and by the wrong interface.
var oddSources = []string{
	"ip route add 100.72.0.0/14 via 10.2.0.1", "ip route add blackhole 100.76.0.0/14", "ip route add unreachable 100.80.0.0/14",
	"ip route add prohibit 100.84.0.0/14", "ip route add throw 100.88.0.0/14",
	"ip route add 100.92.0.0/14 nexthop via 10.0.0.1 nexthop via 10.2.0.1",
	"ip route add 100.96.0.0/14 via 10.2.0.1 metric 7", "ip route add 100.96.0.0/14 via 10.0.0.1 metric 8",
	"ip route add 100.100.0.0/14 via 10.0.0.1 metric 7", "ip route add 100.100.0.0/14 via 10.2.0.1 metric 8",
	"ip route add 100.104.0.0/14 via 10.2.0.1 tos 0x10", "ip route add 100.104.0.0/14 via 10.0.0.1",
	"ip route add local 100.108.0.0/14 dev lo", "ip route add 10.0.0.128/25 via 10.2.0.1",
	"ip nexthop add id 5 via 10.0.0.1 dev r0", "ip nexthop add id 6 via 10.2.0.1 dev r1", "ip nexthop add id 7 group 5/6",
	"ip route add 100.112.0.0/14 nhid 5", "ip route add 100.116.0.0/14 nhid 6", "ip route add 100.120.0.0/14 nhid 7",
	"ip -6 route add 2001:db8:6410::/44 via 2001:db8:2::1", "ip -6 route add blackhole 2001:db8:6420::/44",
	"ip -6 route add unreachable 2001:db8:6430::/44", "ip -6 route add prohibit 2001:db8:6440::/44", "ip -6 route add throw 2001:db8:6450::/44",
	"ip -6 route add 2001:db8:6460::/44 nexthop via 2001:db8::1 nexthop via 2001:db8:2::1",
	"ip -6 route add 2001:db8:6470::/44 via 2001:db8:2::1 metric 7", "ip -6 route add 2001:db8:6470::/44 via 2001:db8::1 metric 8",
	"ip -6 route add 2001:db8:6480::/44 via 2001:db8::1 metric 7", "ip -6 route add 2001:db8:6480::/44 via 2001:db8:2::1 metric 8",
	"ip -6 route add 2001:db8:6490::/44 via 2001:db8:2::1 from 2001:db8:1600::/41", "ip -6 route add 2001:db8:64a0::/44 via 2001:db8::1 expires 600",
	"ip -6 route add local 2001:db8:64b0::/44 dev lo", "ip -6 route add 2001:db8::80/121 via 2001:db8:2::1",
	"ip -6 nexthop add id 15 via 2001:db8::1 dev r0", "ip -6 nexthop add id 16 via 2001:db8:2::1 dev r1", "ip nexthop add id 17 group 15/16",
	"ip -6 route add 2001:db8:64c0::/44 nhid 15", "ip -6 route add 2001:db8:64d0::/44 nhid 16", "ip -6 route add 2001:db8:64e0::/44 nhid 17",
}

// before is rules on packets that are still to be routed.
func before(rules ...string) string {
	return chainOf("inet", "prerouting priority -140", "accept", rules...)
}

// wanted is the rule of firewalld's, for both families.
var wanted = before("icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept", "meta nfproto ipv6 fib saddr . mark . iif oif missing counter drop",
	"meta nfproto ipv4 fib saddr . iif oif missing counter drop", "counter")

// backConfigs look the sources of packets up in the routing tables.
var backConfigs = []config{
	{name: "way back by this interface", rules: wanted, setup: oddSources},
	{name: "way back by any interface", setup: oddSources,
		rules: before("fib saddr oif missing counter drop", "fib saddr oif exists counter", "fib saddr oif r1 counter drop", "fib saddr oif 0 counter")},
	{name: "way back after routing", setup: oddSources, rules: forward("fib saddr . iif oif exists counter", "fib saddr . iif oif 0 counter drop",
		"fib saddr . iif oif r0 counter", "fib saddr . iif oif != r0 counter drop")},
	{name: "way back by name", setup: oddSources, rules: before("tcp dport 80 fib saddr . iif oifname \"r0\" counter", "fib saddr . iif oif exists counter accept", "counter drop")},
	{name: "way back of some", rules: before("udp dport 1-30000 fib saddr . iif oif missing counter drop",
		"tcp dport { 22, 80 } fib saddr oif exists counter accept", "udp dport 53 counter drop"), setup: oddSources},
	{name: "way back and rp_filter", rules: wanted, setup: append([]string{"sysctl ipv4/conf/r0/rp_filter=1"}, oddSources...)},
	{name: "way back and loose rp_filter", rules: wanted, setup: append([]string{"sysctl ipv4/conf/r0/rp_filter=2"}, oddSources...)},
	{name: "way back by the default route", rules: wanted, setup: []string{"ip route replace default via 10.0.0.1", "ip route del 100.64.0.0/10",
		"ip -6 route replace default via 2001:db8::1", "ip -6 route del 2001:db8:6400::/40"}},
	{name: "way back by another default route", rules: wanted, setup: []string{"ip route del 100.64.0.0/10", "ip -6 route del 2001:db8:6400::/40"}},
	{name: "no way back", rules: wanted, setup: []string{"ip route del default", "ip route del 100.64.0.0/10", "ip -6 route del default",
		"ip -6 route del 2001:db8:6400::/40"}},
	{name: "way back and policy rules", rules: wanted, setup: []string{"ip route add 100.64.0.0/10 via 10.2.0.1 table 100", "ip rule add to 100.64.0.0/12 lookup 100",
		"ip -6 route add 2001:db8:6400::/40 via 2001:db8:2::1 table 100", "ip -6 rule add to 2001:db8:6400::/41 lookup 100"}},
	{name: "way back and a dead better route", rules: wanted, setup: []string{"sysctl ipv4/conf/r2/ignore_routes_with_linkdown=1",
		"sysctl ipv6/conf/r2/ignore_routes_with_linkdown=1", "ip route add 100.64.0.0/11 via 10.3.0.1", "ip route add 100.96.0.0/11 via 10.3.0.1 metric 7",
		"ip route add 100.96.0.0/11 via 10.0.0.1 metric 8", "ip -6 route add 2001:db8:6400::/41 via 2001:db8:3::1",
		"ip -6 route add 2001:db8:6480::/41 via 2001:db8:3::1 metric 7", "ip -6 route add 2001:db8:6480::/41 via 2001:db8::1 metric 8", "B: ip link set b1 down"}},
	{name: "change: way back moves", rules: wanted, alter: []string{"ip route replace 100.64.0.0/10 via 10.2.0.1",
		"ip -6 route replace 2001:db8:6400::/40 via 2001:db8:2::1"}},
	{name: "change: way back gone", rules: wanted, alter: []string{"ip route del 100.64.0.0/10", "ip -6 route del 2001:db8:6400::/40"}},
	{name: "change: way back of some moves", rules: wanted, alter: []string{"ip route add 100.80.0.0/12 via 10.2.0.1", "ip -6 route add blackhole 2001:db8:6440::/42"}},
	{name: "change: policy rule of the way back", rules: wanted, alter: []string{"ip route add 100.64.0.0/10 via 10.2.0.1 table 100",
		"ip -6 route add 2001:db8:6400::/40 via 2001:db8:2::1 table 100", "ip rule add to 100.64.0.0/10 lookup 100", "ip -6 rule add to 2001:db8:6400::/40 lookup 100"}},
}

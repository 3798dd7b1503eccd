package oracle

// table100 sends everything by r3, table101 by r2.
var table100, table101 = "ip route add default via 10.4.0.1 table 100", "ip route add default via 10.3.0.1 table 101"

// ruleConfigs have policy rules. All of them make the kernel keep the tables local and main apart for good.
var ruleConfigs = []config{
	{name: "rule from and to", setup: []string{"ip rule add from 100.64.0.0/11 to 172.16.0.0/17 lookup 100", "ip rule add from 10.0.0.64/26 lookup 101", table100, table101}},
	{name: "rule to", setup: []string{"ip rule add to 172.16.5.0/24 lookup 100", "ip rule add to 172.16.5.0/25 lookup 101", table100, table101}},
	{name: "rule to one host", setup: []string{"ip rule add to 172.16.9.9 lookup 100", "ip rule add to 10.2.0.1 lookup 101", table100, table101}},
	{name: "rule iif of another", setup: []string{"ip rule add iif r1 lookup 100", "ip rule add iif nothing lookup 100", table100}},
	{name: "rule iif and from", setup: []string{"ip rule add iif r0 from 100.96.0.0/11 lookup 100", table100}},
	{name: "rule oif", setup: []string{"ip rule add oif r1 lookup 100", table100}},
	{name: "rule mark of nothing", setup: []string{"ip rule add fwmark 0 lookup 100", table100}},
	{name: "rule mark and mask", setup: []string{"ip rule add fwmark 0/0xff to 172.16.0.0/16 lookup 100", "ip rule add fwmark 1/1 lookup 101", table100, table101}},
	{name: "rule tos", setup: []string{"ip rule add tos 0x10 lookup 100", "ip rule add tos 0x08 to 172.16.0.0/16 lookup 101", table100, table101}},
	{name: "rule protocol", setup: []string{"ip rule add ipproto tcp lookup 100", "ip rule add ipproto icmp lookup 101", table100, table101}},
	{name: "rule ports", setup: []string{"ip rule add ipproto udp dport 1-20000 lookup 100", "ip rule add ipproto tcp sport 30000-65000 lookup 101", table100, table101}},
	{name: "rule port without protocol", setup: []string{"ip rule add dport 1-30000 lookup 100", table100}},
	{name: "rule uidrange", setup: []string{"ip rule add uidrange 0-0 lookup 100", "ip rule add uidrange 1000-2000 to 172.16.0.0/16 lookup 101", table100, table101}},
	{name: "rule tunnel", setup: []string{"ip rule add tun_id 5 lookup 100", table100}},
	{name: "rule not", setup: []string{"ip rule add not to 172.16.0.0/16 lookup 100", "ip route add 10.3.0.0/24 via 10.4.0.1 table 100"}},
	{name: "rule not iif", setup: []string{"ip rule add not iif r1 lookup 100", "ip route add 172.16.0.0/16 via 10.4.0.1 table 100"}},
	{name: "rule suppress", setup: []string{"ip rule add pref 100 lookup main suppress_prefixlength 0", "ip rule add pref 101 lookup 100",
		"ip route add default via 10.2.0.1", table100}, targets: []string{"0.0.0.0/0"}},
	{name: "rule suppress long", setup: []string{"ip rule add pref 100 lookup 101 suppress_prefixlength 24", "ip route add 172.16.0.0/16 via 10.4.0.1 table 101",
		"ip route add 172.16.5.0/24 via 10.4.0.1 table 101", "ip route add 172.16.5.0/25 via 10.2.0.1 table 101"}, targets: []string{"172.16.5.0/24"}},
	{name: "rule suppress group", setup: []string{"ip link set r1 group 7", "ip rule add pref 100 lookup main suppress_ifgroup 7", "ip rule add pref 101 lookup 100", table100}},
	{name: "rule goto", setup: []string{"ip rule add pref 100 from 100.64.0.0/11 goto 300", "ip rule add pref 200 to 172.16.0.0/16 lookup 100",
		"ip rule add pref 300 to 172.16.5.0/24 lookup 101", table100, table101}},
	{name: "rule goto nowhere", setup: []string{"ip rule add pref 100 to 172.16.0.0/16 goto 300"}},
	{name: "rule nop", setup: []string{"ip rule add pref 100 to 172.16.0.0/16 nop"}},
	{name: "rule actions", setup: []string{"ip rule add to 172.16.0.0/17 prohibit", "ip rule add to 172.16.5.0/24 unreachable", "ip rule add to 192.168.64.0/19 blackhole"}},
	{name: "rule actions by source", setup: []string{"ip rule add from 100.64.0.0/12 prohibit", "ip rule add from 100.96.0.0/12 blackhole"}},
	{name: "rule of an empty table", setup: []string{"ip rule add lookup 100"}},
	{name: "rule of a table with a throw", setup: []string{"ip rule add lookup 100", "ip route add throw 172.16.5.0/24 table 100", "ip route add 172.16.0.0/16 via 10.4.0.1 table 100",
		"ip route add unreachable 192.168.64.0/19 table 100", "ip route add 172.16.5.128/26 via 10.2.0.1 table 100"}},
	{name: "rule before local", setup: []string{"ip rule add pref 10 lookup 100", "ip rule add pref 20 lookup local", "ip rule del pref 0",
		"ip route add 10.2.0.254/32 via 10.4.0.1 table 100"}, targets: []string{"10.2.0.254/32", "10.2.0.0/24"}},
	{name: "rule between main and default", setup: []string{"ip rule add pref 32766 lookup 100", "ip route add default via 10.2.0.1 table default", table100},
		targets: []string{"0.0.0.0/0"}},
	{name: "rules that many packets meet", setup: manyRules()},
	{name: "rule that came and went", setup: []string{"ip rule add to 172.16.0.0/16 prohibit", "ip rule del to 172.16.0.0/16 prohibit",
		"ip route add 10.2.0.253/32 via 10.3.0.1"}, targets: []string{"10.2.0.253/32"}},
	{name: "rule with a group of ways", setup: []string{"ip rule add to 172.16.0.0/16 lookup 100",
		"ip route add default table 100 nexthop via 10.2.0.1 nexthop via 10.4.0.1"}},
	{name: "rule and strict filter", setup: []string{"sysctl ipv4/conf/r0/rp_filter=1", "ip rule add to 172.16.0.0/16 lookup 100",
		"ip rule add to 100.64.0.0/11 lookup 101", table100, table101}},
	{name: "rule and loose filter", setup: []string{"sysctl ipv4/conf/r0/rp_filter=2", "ip rule add from 172.16.0.0/16 prohibit",
		"ip rule add to 100.64.0.0/11 unreachable"}},
	{name: "rule to a local prefix", setup: []string{"ip rule add pref 5 to 172.16.5.0/24 lookup 100", "ip route add local 172.16.5.0/25 dev lo table 100"}},
	{name: "rule with realms", setup: []string{"ip rule add to 172.16.0.0/16 lookup 100 realms 5", table100}},
}

func manyRules() []string {
	all := []string{table100, table101}
	for _, r := range []string{"from 100.64.0.0/16", "from 100.65.0.0/16", "from 100.66.0.0/15", "to 172.16.1.0/24", "to 172.16.2.0/23",
		"from 100.70.0.0/16 to 172.16.0.0/18", "from 10.0.0.0/24", "to 192.168.65.0/24"} {
		all = append(all, "ip rule add "+r+" lookup 100", "ip rule add "+r+" lookup 101")
	}
	return all
}

var ruleChanges = []config{
	{name: "change: rule to a table", setup: []string{table100}, alter: []string{"ip rule add to 172.16.0.0/16 lookup 100"}},
	{name: "change: rule from", setup: []string{table100}, alter: []string{"ip rule add from 100.64.0.0/11 lookup 100"}},
	{name: "change: rule goes", setup: []string{"ip rule add to 172.16.0.0/16 lookup 100", table100}, alter: []string{"ip rule del to 172.16.0.0/16 lookup 100"}},
	{name: "change: route of a rule", setup: []string{"ip rule add to 172.16.0.0/16 lookup 100", table100},
		alter: []string{"ip route replace default via 10.2.0.1 table 100", "ip route add 172.16.5.0/24 via 10.3.0.1 table 100"}},
	{name: "change: table of a rule emptied", setup: []string{"ip rule add to 172.16.0.0/16 lookup 100", table100}, alter: []string{"ip route flush table 100"}},
	{name: "change: rule before another", setup: []string{"ip rule add pref 100 to 172.16.0.0/16 lookup 100", table100, table101},
		alter: []string{"ip rule add pref 50 to 172.16.5.0/24 lookup 101"}},
	{name: "change: rule by ports", setup: []string{table100}, alter: []string{"ip rule add ipproto udp dport 1-20000 lookup 100"}},
	{name: "change: rule with goto resolved", setup: []string{"ip rule add pref 100 from 100.64.0.0/11 goto 300", "ip rule add pref 200 to 172.16.0.0/16 lookup 100", table100, table101},
		alter: []string{"ip rule add pref 300 to 172.16.5.0/24 lookup 101"}},
	{name: "change: suppressed", setup: []string{"ip rule add pref 101 lookup 100", "ip route add default via 10.2.0.1", table100},
		alter: []string{"ip rule add pref 100 lookup main suppress_prefixlength 0"}, targets: []string{"0.0.0.0/0"}},
	{name: "change: group of a link", setup: []string{"ip rule add pref 100 lookup main suppress_ifgroup 7", "ip rule add pref 101 lookup 100", table100},
		alter: []string{"ip link set r1 group 7"}},
	{name: "change: link of a rule renamed", setup: []string{"ip rule add pref 100 iif r1 lookup 100", "ip rule add pref 101 iif r9 to 172.16.0.0/16 lookup 101", table100, table101},
		alter: []string{"ip link set r1 down", "ip link set r1 name r9"}},
	{name: "change: all rules gone", alter: []string{"ip rule flush"}},
}

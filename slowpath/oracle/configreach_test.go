package oracle

import (
	"fmt"
	"strings"
)

// reachConfigs have statements that are left to the kernel for the packets that reach them, and others beside them.
var reachConfigs = []config{
	{name: "reject", rules: forward("tcp dport 22 counter reject with tcp reset", "udp dport 53 counter reject", "ip daddr 172.16.5.0/24 counter reject with icmp type host-unreachable",
		"tcp dport 80 counter drop")},
	{name: "log", rules: forward("tcp dport 22 counter log prefix \"x\"", "udp dport 53 counter log drop", "tcp dport 80 counter drop")},
	{name: "limit that is never reached", rules: forward("tcp dport 22 limit rate over 1000000/second burst 1000000 packets counter drop", "udp dport 53 limit rate 1000000/second burst 1000000 packets counter accept", "udp dport 50-60 counter drop")},
	{name: "quota that is never reached", rules: forward("tcp dport 22 quota over 90000 mbytes counter drop", "udp dport 53 counter drop")},
	{name: "marks", rules: forward("tcp dport 22 meta mark set 5 counter", "udp dport 53 meta mark set 6 counter", "meta mark 5 counter drop", "meta mark 6 ip saddr 100.64.0.0/11 counter drop", "meta mark 0 counter")},
	{name: "marks that choose a route", setup: []string{"ip rule add fwmark 5 lookup 100", "ip route add default via 10.3.0.1 table 100"},
		rules: chainOf("inet", "prerouting priority -150", "accept", "tcp dport 22 meta mark set 5 counter", "udp dport 53 meta mark set 0x10005 counter")},
	{name: "priorities", rules: forward("tcp dport 22 meta priority set 1:5 counter", "udp dport 53 counter drop")},
	{name: "headers that are changed", rules: forward("tcp dport 22 ip dscp set 10 counter", "udp dport 53 ip6 hoplimit set 10 counter", "tcp dport 80 tcp dport set 8080 counter", "ip ttl 60-70 ip ttl set 5 counter", "udp dport 443 counter drop")},
	{name: "segment sizes", rules: forward("tcp flags syn tcp option maxseg size set rt mtu counter", "udp dport 53 counter drop")},
	{name: "copies", rules: chainOf("ip", "forward priority 0", "accept", "tcp dport 22 dup to 10.3.0.1 device \"r2\" counter", "udp dport 53 counter drop")},
	{name: "hashes", rules: forward("jhash ip saddr . tcp dport mod 4 seed 0xdeadbeef 1 counter drop", "udp dport 53 counter drop")},
	{name: "symmetric hashes", rules: forward("meta l4proto tcp symhash mod 2 1 counter", "udp dport 53 counter drop")},
	{name: "routing facts", rules: forward("rt ip nexthop 10.2.0.1 counter", "rt classid 5 counter drop", "udp dport 53 counter drop")},
	{name: "ipsec", rules: forward("meta ipsec exists counter drop", "rt ipsec missing counter", "udp dport 53 counter drop")},
	{name: "sockets", rules: chainOf("inet", "prerouting priority -150", "accept", "socket transparent 1 counter drop", "udp dport 53 counter drop")},
	{name: "users and cpus", rules: forward("meta cpu 0-1000 counter", "meta skuid 0 counter drop", "meta cgroup 5 counter drop", "udp dport 53 counter drop")},
	{name: "times", rules: forward("meta day { 0-6 } counter", "meta time > 1000000 counter", "udp dport 53 counter drop")},
	{name: "fingerprints", rules: forward("osf name \"Linux\" counter drop", "udp dport 53 counter drop")},
	{name: "not tracked", rules: chainOf("inet", "prerouting priority -300", "accept", "notrack", "udp dport 53 counter drop")},
	{name: "last used", rules: forward("tcp dport 22 counter", "udp dport 53 counter drop", "ip daddr 172.16.0.0/16 meta nftrace set 1 counter")},
}

// rulesetChanges change a ruleset under the program.
var rulesetChanges = []config{
	{name: "change: rule added", rules: forward("tcp dport 22 counter drop"), alter: []string{"nft insert rule inet t c udp dport 1000-60000 counter drop"}},
	{name: "change: rule deleted", rules: forward("tcp dport 22 counter drop", "udp dport 1000-60000 counter drop"), alter: []string{"nft flush chain inet t c"}},
	{name: "change: policy", rules: forward("tcp dport 22 counter accept"), alter: []string{"nft chain inet t c { policy drop ; }"}},
	{name: "change: element added", rules: portSet, alter: []string{"nft add element inet t s { 53 , 80 , 443 }"}},
	{name: "change: element deleted", rules: portSet, alter: []string{"nft delete element inet t s { 22 }"}},
	{name: "change: set flushed", rules: portSet, alter: []string{"nft flush set inet t s"}},
	{name: "change: element added to many", rules: portsAndPairs(20), alter: []string{"nft add element inet t s { 53 , 22 , 1000 }", "nft delete element inet t s { 80 , 5003 }"}},
	{name: "change: few become many", rules: portsAndPairs(3), alter: []string{"nft add element inet t s { 1 , 2 , 3 , 4 , 5 , 22 , 53 , 1000 }", "nft delete element inet t s { 80 }"}},
	{name: "change: many become few", rules: portsAndPairs(20), alter: []string{"nft flush set inet t s", "nft add element inet t s { 53 , 1000 }"}},
	{name: "change: interval added", rules: netSet, alter: []string{"nft add element inet t s { 172.16.0.0/17 }"}},
	{name: "change: intervals of many", rules: intervals, alter: []string{"nft add element inet t s { 172.16.0.0/17 , 100.96.3.0-100.100.0.7 }", "nft delete element inet t s { 100.64.0.0/16 }",
		"nft add element inet t p { 50-60 , 1000-2000 }", "nft delete element inet t p { 79-81 }", "nft add element inet t x { 2001:db8:1640::/47 , 2001:db8:6440::-2001:db8:6450::ffff }",
		"nft delete element inet t x { 2001:db8:1600::/44 }"}},
	{name: "change: interval at both ends", rules: intervals, alter: []string{"nft add element inet t s { 0.0.0.0-9.255.255.255 , 101.0.0.0-255.255.255.255 }",
		"nft add element inet t p { 0-52 , 60000-65535 }", "nft delete element inet t x { 2001:db8:6480::/41 }", "nft add element inet t x { 8000::/1 }"}},
	{name: "change: verdict of an element", rules: verdictSet, alter: []string{"nft delete element inet t m { 22 : drop }", "nft add element inet t m { 22 : accept , 80 : drop }"}},
	{name: "change: all flushed", rules: forward("udp dport 1000-60000 counter drop"), alter: []string{"nft flush ruleset"}},
	{name: "change: table sleeps", rules: forward("udp dport 1000-60000 counter drop"), alter: []string{"nft add table inet t { flags dormant ; }"}},
	{name: "change: another table", rules: forward("tcp dport 22 counter drop"), alter: []string{"nft add table ip u", "nft add chain ip u f { type filter hook prerouting priority -300 ; policy accept ; }",
		"nft add rule ip u f udp dport 1000-60000 counter drop"}},
	{name: "change: conntrack wanted", rules: forward("udp dport 53 counter drop"), alter: []string{"nft add rule inet t c ct state invalid drop"}},
	{name: "change: route under rules", rules: forward("tcp dport 22 counter drop"), alter: []string{"ip route replace 172.16.5.0/24 via 10.4.0.1"}},
	{name: "change: device renamed", rules: forward("oifname \"r9\" udp dport 1000-60000 counter drop"), alter: []string{"ip link set r3 down", "ip link set r3 name r9", "ip link set r9 up",
		"ip route replace 172.16.5.0/24 via 10.4.0.1"}},
}

const (
	portSet = "table inet t {\n set s { type inet_service; elements = { 22, 8080 } }\n chain c { type filter hook forward priority 0; policy accept;\n" +
		"  th dport @s counter drop\n  counter\n }\n}"
	netSet = "table inet t {\n set s { type ipv4_addr; flags interval; elements = { 100.64.0.0/16, 172.16.128.0/17 } }\n" +
		" chain c { type filter hook forward priority 0; policy accept;\n  ip daddr @s counter drop\n  counter\n }\n}"
	verdictSet = "table inet t {\n map m { type inet_service : verdict; elements = { 22 : drop, 443 : accept } }\n" +
		" chain c { type filter hook forward priority 0; policy accept;\n  th dport vmap @m\n  counter\n }\n}"
)

// intervals are sets of more intervals than are compared one after the other.
var intervals = func() string {
	var nets, ports, nets6 []string
	for i := range 12 {
		nets = append(nets, fmt.Sprintf("192.0.%d.0/%d", 2*i, 24+i%8))
		ports = append(ports, fmt.Sprintf("%d-%d", 5000+10*i, 5005+10*i))
		nets6 = append(nets6, fmt.Sprintf("2001:db8:%x::/%d", 0x100+i, 48+7*i))
	}
	return "table inet t {\n set s { type ipv4_addr; flags interval; auto-merge; elements = { 100.64.0.0/16, 172.16.128.0/17, " + strings.Join(nets, ", ") + " } }\n" +
		" set p { type inet_service; flags interval; elements = { 79-81, 443, " + strings.Join(ports, ", ") + " } }\n" +
		" set x { type ipv6_addr; flags interval; elements = { 2001:db8:1600::/44, 2001:db8:6480::/41, " + strings.Join(nets6, ", ") + " } }\n" +
		" chain c { type filter hook forward priority 0; policy accept;\n  ip saddr @s counter drop\n  ip daddr @s counter\n  th dport @p counter\n" +
		"  ip6 saddr @x counter\n  ip6 daddr @x counter drop\n  th sport @p tcp dport != @p counter drop\n }\n}"
}()

// portsAndPairs is a set of so many ports that packets have, and of as many pairs.
func portsAndPairs(n int) string {
	all, pairs := []string{"80"}, []string{"443 . 80"}
	for i := range n {
		all, pairs = append(all, fmt.Sprint(5000+i)), append(pairs, fmt.Sprintf("%d . %d", 1000+i, 22+i))
	}
	return "table inet t {\n set s { type inet_service; elements = { " + strings.Join(all, ", ") + " } }\n set p { type inet_service . inet_service; elements = { " +
		strings.Join(pairs, ", ") + " } }\n chain c { type filter hook forward priority 0; policy accept;\n  th dport @s counter drop\n" +
		"  th sport . th dport @p counter drop\n  counter\n }\n}"
}

// xtConfigs come from iptables-nft: matches and targets of xt in rules of nft.
var xtConfigs = []config{
	{name: "iptables: ports and addresses", rules: iptables("-A FORWARD -p tcp -m tcp --dport 22 -j DROP", "-A FORWARD -s 100.64.0.0/12 -d 172.16.5.0/24 -j DROP",
		"-A FORWARD -p udp -m udp --sport 1000:2000 -j DROP", "-A FORWARD ! -s 100.64.0.0/10 -p tcp -m tcp ! --dport 80 -j DROP", "-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP")},
	{name: "iptables: devices and chains", rules: iptables(":MINE - [0:0]", "-A FORWARD -i r0 -o r2 -j MINE", "-A FORWARD -o r+ -p udp -j MINE", "-A MINE -p udp -m udp --dport 53 -j RETURN", "-A MINE -p udp -j DROP")},
	{name: "iptables: multiport and comment", rules: iptables("-A FORWARD -p tcp -m multiport --dports 22,80,1000:1010 -m comment --comment \"some ports\" -j DROP",
		"-A FORWARD -p udp -m multiport --sports 53,443 -j ACCEPT", "-A FORWARD -p udp -m multiport --ports 22,60000 -j DROP")},
	{name: "iptables: ports of either side", rules: iptables("-A FORWARD -p tcp -m multiport ! --dports 80,81,82:90,22,20:30 -m comment --comment \"not these\" -j ACCEPT",
		"-A FORWARD -p tcp -m multiport --ports 22,20:25,1000:60000 -j DROP", "-A FORWARD -p udp -m multiport ! --ports 53,1000:65535 -j DROP", "-A FORWARD -p udp -m multiport --sports 0:52,53 -j DROP")},
	{name: "iptables: flags", rules: iptables("-A FORWARD -p tcp -m tcp --tcp-flags ALL NONE -j DROP", "-A FORWARD -p tcp -m tcp ! --tcp-flags SYN,RST,ACK SYN -m comment --comment later -j ACCEPT",
		"-A FORWARD -p tcp -m tcp --sport 1024:65535 --dport 22 --tcp-flags FIN,PSH PSH -j DROP", "-A FORWARD -p tcp -m tcp --tcp-option 4 -j DROP")},
	{name: "iptables: marks", rules: iptables("-A FORWARD -m mark --mark 0x5/0xff -j DROP", "-A FORWARD -m mark ! --mark 0x0 -j DROP", "-A FORWARD -p udp -m udp --dport 53 -j DROP")},
	{name: "iptables: kinds of addresses", rules: iptables("-A FORWARD -m addrtype --dst-type LOCAL -j DROP", "-A FORWARD -m addrtype --src-type UNICAST -p udp -m udp --dport 53 -j DROP")},
	{name: "iptables: other matches", rules: iptables("-A FORWARD -m length --length 60:70 -j DROP", "-A FORWARD -m ttl --ttl-gt 200 -j DROP", "-A FORWARD -m iprange --src-range 100.64.0.0-100.80.0.0 -p tcp -j DROP",
		"-A FORWARD -m dscp --dscp 0x0a -j DROP")},
	{name: "iptables: other matches, turned round", rules: iptables("-A FORWARD -m length ! --length 0:1200 -j DROP", "-A FORWARD -m ttl --ttl-lt 63 -p udp -j DROP", "-A FORWARD -m ttl --ttl-eq 63 -p tcp -j DROP",
		"-A FORWARD -m iprange ! --src-range 100.64.0.0-100.127.0.0 --dst-range 172.16.0.0-172.24.3.4 -j DROP", "-A FORWARD -m dscp ! --dscp 0x00 -p tcp -j DROP", "-A FORWARD -m tos --tos 0x10/0x1c -j DROP")},
	{name: "iptables: reject and log", rules: iptables("-A FORWARD -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset", "-A FORWARD -p udp -m udp --dport 53 -j REJECT", "-A FORWARD -p tcp -m tcp --dport 80 -j LOG")},
}

// iptables is a table filter that lets pass what no rule catches.
func iptables(rules ...string) string {
	text := "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
	for _, r := range rules {
		text += r + "\n"
	}
	return text + "COMMIT\n"
}

package oracle

import (
	"fmt"
	"strings"
)

// setConfigs look into sets and maps.
var setConfigs = []config{
	{name: "anonymous sets", rules: forward("tcp dport { 22, 80, 443 } counter drop", "tcp dport { 1000-1010, 2000-2010 } counter", "ip saddr { 10.0.0.5, 10.0.0.6, 100.64.0.0/11 } counter",
		"ip daddr != { 172.16.5.1, 172.16.9.9 } counter", "udp dport != { 53, 1000-65535 } counter drop", "ip6 daddr { 2001:db8:1605::/48, 2001:db8:1609::9 } counter drop")},
	{name: "named sets", rules: `table inet t {
 set ports { type inet_service; elements = { 22, 80, 8080, 60000 } }
 set hosts { type ipv4_addr; elements = { 10.0.0.9, 10.0.0.17, 172.16.5.1, 172.16.9.9 } }
 set hosts6 { type ipv6_addr; elements = { 2001:db8::33, 2001:db8:1609::9 } }
 set empty { type inet_service; }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport @ports counter drop
  tcp sport != @ports counter
  ip saddr @hosts counter drop
  ip daddr @hosts counter
  ip6 saddr @hosts6 counter drop
  ip6 daddr != @hosts6 counter
  udp dport @empty counter drop
  udp sport != @empty counter; }
}`},
	{name: "sets of intervals", rules: `table inet t {
 set nets { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.64/27, 100.64.0.0/16, 100.66.1.0-100.66.9.255, 172.16.5.0/25, 0.0.0.0/8 } }
 set nets6 { type ipv6_addr; flags interval; elements = { 2001:db8:6400::/44, 2001:db8:1605:8000::/52 } }
 set ports { type inet_service; flags interval; elements = { 0-21, 23-79, 1024-2047, 65535 } }
 chain c { type filter hook forward priority 0; policy accept;
  ip saddr @nets counter
  ip daddr @nets counter drop
  ip6 saddr @nets6 counter drop
  ip6 daddr @nets6 counter
  tcp dport @ports counter drop
  udp sport != @ports counter drop; }
}`},
	{name: "concatenations", rules: `table inet t {
 set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 80, 172.16.5.1 . 22, 172.16.9.9 . 53 } }
 set trios { type ipv4_addr . inet_proto . inet_service; elements = { 172.16.9.9 . tcp . 443, 172.16.9.9 . udp . 53 } }
 set six { type ipv6_addr . inet_service; elements = { 2001:db8:1609::9 . 80, 2001:db8:1609::9 . 443 } }
 chain c { type filter hook forward priority 0; policy accept;
  ip saddr . tcp dport @pairs counter drop
  ip daddr . udp sport @pairs counter
  ip daddr . meta l4proto . th dport @trios counter drop
  ip6 daddr . tcp dport @six counter drop
  iifname . oifname { "r0" . "r1", "r1" . "r0" } counter
  tcp sport . tcp dport { 22 . 80, 53 . 443 } counter drop; }
}`},
	{name: "concatenations of intervals", rules: `table inet t {
 set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/25 . 80-90, 172.16.0.0/16 . 22, 100.64.0.0-100.70.0.0 . 1000-2000 } }
 chain c { type filter hook forward priority 0; policy accept;
  ip saddr . tcp dport @pairs counter drop
  ip daddr . udp dport @pairs counter drop; }
}`},
	{name: "concatenations across each other", rules: `table inet t {
 map first { type inet_service . inet_service : verdict; flags interval; elements = { 1000-60000 . 53 : drop, 1000-1010 . 1-1000 : accept } }
 map last { type inet_service . inet_service : verdict; flags interval; elements = { 1000-1010 . 1-1000 : accept, 1-60000 . 80 : drop } }
 map apart { type ipv4_addr . inet_service : verdict; flags interval; elements = { 100.64.0.0/10 . 53 : drop, 100.64.0.0/10 . 80-90 : accept, 10.0.0.0/24 . 53 : drop } }
 chain c { type filter hook forward priority 0; policy accept;
  ip saddr . tcp dport vmap @apart
  tcp sport . tcp dport vmap @first
  udp sport . udp dport vmap @last; }
}`},
	{name: "verdict maps", rules: `table inet t {
 map todo { type inet_service : verdict; elements = { 22 : drop, 80 : accept, 443 : jump web, 53 : goto dns } }
 chain web { counter
  ip saddr 10.0.0.0/25 counter drop; }
 chain dns { counter
  udp dport 53 counter drop; }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport vmap @todo
  counter
  udp dport vmap { 53 : jump dns, 1000-2000 : drop, 3000 : continue }
  meta nfproto vmap { ipv4 : jump web, ipv6 : accept }
  counter
  ip daddr vmap { 172.16.5.0/24 : drop, 172.16.9.9 : accept }
  oifname vmap { "r1" : accept, "r2" : jump dns }; }
}`},
	{name: "maps of values", rules: forward("meta mark set tcp dport map { 22 : 1, 80 : 2 } counter", "ip daddr set ip saddr map { 10.0.0.9 : 172.16.9.9 } counter")},
	{name: "catch-all", rules: `table inet t {
 map m { type ipv4_addr : verdict; elements = { 10.0.0.9 : accept, 172.16.9.9 : drop, * : continue } }
 set s { type inet_service; elements = { 22, * } }
 chain c { type filter hook forward priority 0; policy accept;
  ip saddr vmap @m
  ip daddr vmap @m
  tcp dport @s counter; }
}`},
	{name: "sets with time-outs", rules: `table inet t {
 set s { type inet_service; flags timeout; elements = { 22 timeout 1h, 80 } }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport @s counter drop
  udp dport 53 counter drop; }
}`},
	{name: "sets that rules write", rules: `table inet t {
 set seen { type ipv4_addr; flags dynamic; size 65535; }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport 22 update @seen { ip saddr } counter
  tcp dport 22 ip saddr @seen counter drop
  udp dport 53 counter drop; }
}`},
	{name: "elements that count", rules: `table inet t {
 set s { type inet_service; counter; elements = { 22, 80 } }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport @s counter drop
  udp dport @s counter; }
}`},
	{name: "many elements", rules: manyElements(3000)},
	{name: "many intervals", rules: manyIntervals(2000)},
}

// manyElements is a set of hosts, every third one near those that packets come from.
func manyElements(n int) string {
	var all []string
	for i := range n {
		switch i % 3 {
		case 0:
			all = append(all, fmt.Sprintf("100.64.%d.%d", i>>8, i&255))
		case 1:
			all = append(all, fmt.Sprintf("172.16.%d.%d", i>>8, i&255))
		default:
			all = append(all, fmt.Sprintf("203.%d.%d.7", i&127, i>>7))
		}
	}
	return "table inet t {\n set s { type ipv4_addr; elements = { " + strings.Join(all, ", ") + " } }\n" +
		" chain c { type filter hook forward priority 0; policy accept;\n  ip saddr @s counter drop\n  ip daddr @s counter\n }\n}"
}

// manyIntervals are sets of intervals of no length in particular, near where packets come from and go to.
func manyIntervals(n int) string {
	var four, six, ports []string
	for i := range n {
		four = append(four, fmt.Sprintf("%s.%d.%d.%d-%[1]s.%[2]d.%d.%d", []string{"100", "172"}[i%2], []int{64, 16}[i%2]+i/500, i/2%250, i%100, i/2%250+i%2, 100+i%99))
		six = append(six, fmt.Sprintf("2001:db8:%s%02x:%x::-2001:db8:%[1]s%02[2]x:%x:ffff::", []string{"64", "16"}[i%2], i/8, i*8, i*8+5))
	}
	for i := range 200 {
		ports = append(ports, fmt.Sprintf("%d-%d", 300*i+20, 300*i+20+i))
	}
	set := func(name, kind string, all []string) string {
		return fmt.Sprintf(" set %s { type %s; flags interval; elements = { %s } }\n", name, kind, strings.Join(all, ", "))
	}
	return "table inet t {\n" + set("four", "ipv4_addr", four) + set("six", "ipv6_addr", six) + set("ports", "inet_service", ports) +
		" chain c { type filter hook forward priority 0; policy accept;\n  ip saddr @four counter drop\n  ip daddr @four counter\n" +
		"  ip6 saddr @six counter drop\n  ip6 daddr != @six counter\n  th dport @ports counter drop\n  th sport != @ports counter\n }\n}"
}

// chainConfigs are about the order in which rules and chains come.
var chainConfigs = []config{
	{name: "policy drop", rules: chainOf("inet", "forward priority 0", "drop", "tcp dport 22 counter accept", "udp dport 1000-60000 counter accept", "ip daddr 172.16.5.0/24 counter accept")},
	{name: "empty chain", rules: forward("")},
	{name: "empty chain that drops", rules: chainOf("inet", "forward priority 0", "drop", "")},
	{name: "first match", rules: forward("tcp dport 22 counter accept", "tcp dport 20-25 counter drop", "tcp dport 22 counter drop", "ip saddr 100.64.0.0/10 tcp dport 80 counter accept",
		"tcp dport 80 counter drop", "udp dport 53 counter drop", "udp dport 50-60 counter accept", "counter")},
	{name: "jumps", rules: `table inet t {
 chain a { tcp dport 22 counter return
  tcp dport 20-30 counter drop
  ip saddr 10.0.0.0/24 counter jump b
  counter; }
 chain b { udp dport 53 counter drop
  th dport 80 counter goto d
  counter return; }
 chain d { ip daddr 172.16.0.0/16 counter drop
  counter; }
 chain unused { counter drop; }
 chain c { type filter hook forward priority 0; policy accept;
  jump a
  counter
  meta nfproto ipv6 counter goto b
  counter
  udp sport 1000-2000 counter return
  udp dport 1000-2000 counter drop; }
}`},
	{name: "jumps sixteen deep", rules: deepJumps(15)},
	{name: "several chains", rules: `table inet t {
 chain raw { type filter hook prerouting priority -300; policy accept;
  tcp dport 22 counter drop
  iifname "r0" counter; }
 chain mangle { type filter hook prerouting priority -150; policy accept;
  ip saddr 100.64.0.0/12 counter accept
  udp dport 53 counter drop; }
 chain first { type filter hook forward priority -5; policy accept;
  ip daddr 172.16.5.0/24 counter accept
  udp dport 1000-2000 counter drop; }
 chain second { type filter hook forward priority 5; policy accept;
  counter
  ip daddr 172.16.5.77 counter drop; }
 chain last { type filter hook postrouting priority 150; policy accept;
  iifname != "r0" accept
  oifname "r0" accept
  oifname "r3" counter
  tcp dport 443 counter drop; }
}`},
	{name: "prerouting of ip", rules: chainOf("ip", "prerouting priority -300", "accept", "ip daddr 172.16.9.9 counter drop", "ip saddr 100.64.0.0/11 tcp dport 80 counter drop", "iif r0 counter")},
	{name: "postrouting", rules: chainOf("inet", "postrouting priority 100", "accept", ownPackets, "oifname \"r2\" udp dport 53 counter drop", "ip ttl 63 counter", "ip6 hoplimit 1-10 counter", "ip ttl 0-5 counter drop")},
	{name: "equal priorities", rules: chainOf("ip", "forward priority 0", "accept", "tcp dport 22 counter drop", "counter") + chainOf("inet", "forward priority 0", "accept", "tcp dport 22-80 counter drop", "counter")},
	{name: "input and output only", rules: chainOf("inet", "input priority 0", "drop", "tcp dport 22 accept") + "table inet u {\n chain o { type filter hook output priority 0; policy accept; }\n}\n"},
	{name: "named counters", rules: `table inet t {
 counter web { }
 counter every { }
 chain c { type filter hook forward priority 0; policy accept;
  iifname "r0" counter name every
  tcp dport 80 counter name web
  tcp dport 443 counter name web drop
  udp dport vmap { 53 : drop }; }
}`},
	{name: "counters between matches", rules: forward("counter tcp dport 80 counter ip saddr 100.64.0.0/11 counter drop", "tcp dport 22 counter ip daddr 172.16.5.0/24 counter")},
	{name: "a table that sleeps", rules: "table inet t {\n flags dormant\n chain c { type filter hook forward priority 0; policy drop; }\n}\n"},
	{name: "chain of another kind of packet", rules: "table arp t {\n chain c { type filter hook input priority 0; policy accept; counter; }\n}\ntable bridge t {\n chain c { type filter hook forward priority 0; policy drop; }\n}\n"},
	{name: "ingress", rules: "table netdev t {\n chain c { type filter hook ingress device r0 priority 0; policy accept;\n  udp dport 53 counter drop; }\n}\n" + forward("tcp dport 22 counter drop")},
	{name: "ingress elsewhere", rules: "table netdev t {\n chain c { type filter hook ingress device r3 priority 0; policy accept;\n  udp dport 53 counter drop; }\n}\n"},
	{name: "egress", rules: "table netdev t {\n chain c { type filter hook egress device r1 priority 0; policy accept;\n  udp dport 53 counter drop; }\n}\n"},
	{name: "hundred rules", rules: ruleRow(100)},
	{name: "two thousand rules", rules: ruleRow(2000)},
	{name: "five fields", rules: fiveFields(40)},
	{name: "five fields of many rules", rules: fiveFields(700)},
}

func deepJumps(n int) string {
	text := "table inet t {\n"
	for i := n; i > 0; i-- {
		next := "counter drop"
		if i < n {
			next = fmt.Sprintf("tcp dport %d-65535 counter jump j%d\n  counter", 22+i, i+1)
		}
		text += fmt.Sprintf(" chain j%d { udp sport %d counter drop\n  %s; }\n", i, 1000+i, next)
	}
	return text + " chain c { type filter hook forward priority 0; policy accept;\n  jump j1\n }\n}"
}

// ruleRow makes rules of one shape.
func ruleRow(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("ip saddr 100.%d.%d.%d udp dport %d counter drop", 64+i%64, i%7, i%256, 1000+i%13))
	}
	return forward(append(all, "counter")...)
}

// fiveFields are rules as classifiers of routers have them.
func fiveFields(n int) string {
	var all []string
	verdicts := []string{"accept", "drop"}
	for i := range n {
		proto := []string{"tcp", "udp"}[i%2]
		ports := []string{fmt.Sprintf("%s dport %d", proto, 20+i), fmt.Sprintf("%s dport %d-%d", proto, 1000+i, 1010+2*i), "meta l4proto " + proto}[i%3]
		all = append(all, fmt.Sprintf("ip saddr 100.%d.0.0/%d ip daddr 172.16.%d.0/%d %s counter %s", 64+i%64, 10+i%12, i%16, 18+i%9, ports, verdicts[i*7%5%2]))
	}
	return forward(append(all, "counter")...)
}

package oracle

import (
	"fmt"
	"strings"
)

// chainOf is a table with one base chain.
func chainOf(family, hook, policy string, rules ...string) string {
	return fmt.Sprintf("table %s t {\n chain c {\n  type filter hook %s; policy %s;\n  %s\n }\n}\n", family, hook, policy,
		strings.Join(rules, "\n  "))
}

// forward is a filter in both families, with rules that are all counted.
func forward(rules ...string) string {
	return chainOf("inet", "forward priority 0", "accept", rules...)
}

// ownPackets lets pass behind routing what the router itself says: it comes at any time, and reports about multicast even
// seem to come in by the device that they leave by.
const ownPackets = "  iifname != \"r0\" accept\n  oifname \"r0\" accept\n"

// rulesetConfigs have a ruleset each, in a router of both families whose every packet has somewhere to go.
func rulesetConfigs() []config {
	var all []config
	for _, group := range [][]config{matchConfigs, backConfigs, setConfigs, chainConfigs, reachConfigs, effectConfigs, rulesetChanges, xtConfigs, randomConfigs()} {
		for _, c := range group {
			c.name, c.six = "nft "+c.name, true
			c.setup = append([]string{"ip route add default via 10.2.0.1", "ip -6 route add default via 2001:db8:2::1"}, c.setup...)
			all = append(all, c)
		}
	}
	return all
}

// matchConfigs compare fields.
var matchConfigs = []config{
	{name: "ports of tcp", rules: forward("tcp dport 22 counter drop", "tcp sport 1000-1010 counter drop", "tcp dport != 80 counter",
		"tcp dport > 60000 counter drop", "tcp sport <= 53 counter", "tcp dport >= 0x8000 counter", "tcp dport < 22 counter drop")},
	{name: "ports of udp", rules: forward("udp dport 53 counter drop", "udp sport != 1000-2000 counter", "udp length 50-60 counter drop",
		"udp checksum 0 counter drop", "udp dport 1000-1999 counter accept", "udp dport != 443 counter drop")},
	{name: "ports of either", rules: forward("th dport 53 counter drop", "meta l4proto { tcp, udp } th sport 1024-65535 counter", "th dport 80 counter accept")},
	{name: "addresses of ip", rules: forward("ip saddr 100.64.0.0/12 counter", "ip saddr 100.65.3.0/24 counter drop", "ip daddr 172.16.5.7 counter drop",
		"ip daddr != 172.16.0.0/16 counter", "ip saddr 10.0.0.5-10.0.0.77 counter drop", "ip daddr 192.168.64.0-192.168.70.255 counter")},
	{name: "addresses of ip6", rules: forward("ip6 saddr 2001:db8:6400::/41 counter", "ip6 daddr 2001:db8:1605::77 counter drop",
		"ip6 daddr != 2001:db8:1600::/44 counter", "ip6 saddr 2001:db8:6440::-2001:db8:6450::ffff counter drop",
		"ip6 daddr 2001:db8:1640::/47 counter drop")},
	{name: "table of ip alone", rules: chainOf("ip", "forward priority 0", "accept", "ip saddr 100.96.0.0/11 counter drop", "tcp dport 443 counter drop")},
	{name: "table of ip6 alone", rules: chainOf("ip6", "forward priority 0", "accept", "ip6 saddr 2001:db8:6480::/41 counter drop", "tcp dport 443 counter drop")},
	{name: "one table for each family", rules: chainOf("ip", "forward priority 0", "accept", "udp dport 53 counter drop") +
		chainOf("ip6", "forward priority 0", "accept", "tcp dport 53 counter drop") + chainOf("inet", "forward priority 10", "accept", "th sport 53 counter drop")},
	{name: "header of ip", rules: forward("ip protocol 132 counter drop", "ip protocol tcp counter", "ip ttl 1-4 counter", "ip ttl 64 counter drop",
		"ip dscp 10 counter drop", "ip dscp != 0 counter", "ip ecn 1 counter drop", "ip length 60-80 counter", "ip length > 1000 counter drop",
		"ip id 0-1000 counter drop", "ip version 4 counter", "ip hdrlength 5 counter", "ip frag-off & 0x4000 == 0x4000 counter", "ip checksum 0-9999 counter drop")},
	{name: "header of ip6", rules: forward("ip6 nexthdr 132 counter drop", "ip6 nexthdr udp counter", "ip6 hoplimit 1-4 counter", "ip6 hoplimit 64 counter drop",
		"ip6 dscp 10 counter drop", "ip6 ecn 1 counter drop", "ip6 length 40-60 counter drop", "ip6 flowlabel 0-4000 counter drop", "ip6 version 6 counter")},
	{name: "flags of tcp", rules: forward("tcp flags & (fin|syn|rst|ack) == syn counter drop", "tcp flags syn,ack counter", "tcp flags != ack counter",
		"tcp flags & (fin|rst) != 0 counter drop", "tcp flags ! psh counter", "tcp flags 0x10 counter drop")},
	{name: "numbers of tcp", rules: forward("tcp sequence 0-1000000000 counter drop", "tcp window 0-9999 counter", "tcp doff 5 counter", "tcp doff != 5 counter drop",
		"tcp ackseq > 4000000000 counter drop", "tcp urgptr 0 counter", "tcp checksum < 1000 counter drop")},
	{name: "protocols", rules: forward("meta l4proto tcp counter", "meta l4proto != { 6, 17 } counter", "meta l4proto 47 counter drop", "meta nfproto ipv4 counter",
		"meta nfproto ipv6 meta l4proto 50 counter drop", "meta protocol ip counter", "meta protocol ip6 udp dport 80 counter drop")},
	{name: "lengths", rules: forward("meta length 60 counter drop", "meta length 61-90 counter", "meta length > 1200 counter drop", "meta length != 100 counter")},
	{name: "devices", rules: forward("iif r0 counter", "oif r1 counter", "oif r2 tcp dport 80 counter drop", "iifname \"r0\" oifname \"r3\" udp dport 53 counter drop",
		"oifname \"r*\" counter", "oifname != \"r1\" counter", "iifname { \"r0\", \"r7\" } counter", "oifname \"r\" counter drop", "iif != r0 counter drop")},
	{name: "kinds of devices", rules: forward("meta iiftype ether counter", "meta oiftype != ether counter drop", "meta iifgroup 0 counter",
		"meta oifgroup 5 counter drop", "meta iifkind \"veth\" counter"), setup: []string{"ip link set r2 group 5"}},
	{name: "masks", rules: forward("ip saddr & 0.0.0.7 == 0.0.0.5 counter drop", "ip daddr & 255.255.0.255 != 172.16.0.9 counter", "tcp dport & 0x00ff == 22 counter drop",
		"udp sport & 3 == 1 counter drop", "meta length & 1 == 1 counter", "ip6 saddr & ::f == ::3 counter drop", "ip saddr & 0.0.0.3 == { 0.0.0.1, 0.0.0.2 } counter drop")},
	{name: "masks in a row", rules: forward("ip saddr & 0.0.0.3 == 0.0.0.0 ip daddr & 0.0.0.5 != { 0.0.0.1, 0.0.0.4 } counter accept",
		"ip saddr & 0.0.0.3 == 0.0.0.1 ip daddr & 0.0.0.5 != { 0.0.0.1, 0.0.0.4 } counter accept", "ip saddr & 0.0.0.3 == 0.0.0.2 ip daddr & 0.0.0.5 != { 0.0.0.1, 0.0.0.4 } counter accept",
		"counter", "ip ttl & 0x3c 10-30 counter accept", "ip ttl & 0x3c 33-38 counter accept", "ip daddr & 0.0.0.1 == 0.0.0.1 counter drop")},
	{name: "exclusive or and shifts", rules: forward("tcp dport ^ 0x00ff == 22 counter drop", "tcp sport & 0xff0f ^ 0x1000 == 0x1016 counter", "ip ttl & 0xf0 ^ 0x30 == 0x70 counter drop",
		"ip saddr & 255.255.0.255 ^ 0.0.0.1 == 10.0.0.8 counter drop")},
	{name: "raw payload", rules: forward("@nh,64,8 64 counter drop", "@th,0,16 53 counter", "@th,16,16 0x50 counter drop", "@th,64,32 5 counter drop", "@nh,8,6 0x0a counter",
		"@ll,96,16 0x86dd counter", "@th,4,8 0x35 counter drop", "@nh,128,32 0xac100507 counter drop")},
	{name: "addresses of ethernet", rules: forward("ether saddr 02:00:00:00:0a:00 counter", "ether saddr 01:00:5e:00:00:09 counter drop", "ether daddr 02:00:00:00:01:00 counter",
		"ether type ip6 tcp dport 22 counter drop", "ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 counter drop")},
	{name: "kind of packet", rules: forward("meta pkttype host counter", "meta pkttype != host counter drop", "meta pkttype { broadcast, multicast } counter drop")},
	{name: "fields beyond the end", rules: forward("@th,1600,32 7 counter drop", "@nh,2000,16 0 counter drop", "@th,512,8 0 counter drop", "tcp dport 80 counter")},
	{name: "icmp", rules: forward("icmp type echo-request counter", "icmp code 0 counter drop", "icmpv6 type { echo-request, echo-reply } counter", "icmp id 5 counter", "icmpv6 code 1 counter drop")},
	{name: "other protocols", rules: forward("sctp dport 80 counter drop", "udplite sport 22 counter drop", "dccp dport 443 counter drop", "esp spi 1-100000 counter", "ah spi 5 counter drop")},
	{name: "extension headers", rules: forward("exthdr frag exists counter drop", "frag frag-off 0 counter", "hbh nexthdr tcp counter drop", "rt type 0 counter drop", "exthdr hbh missing tcp dport 22 counter drop")},
	{name: "options of tcp and ip", rules: forward("tcp option maxseg size 1-1000 counter drop", "tcp option timestamp exists counter", "ip option ra exists counter drop", "tcp option sack-perm missing counter")},
	{name: "nothing is marked", rules: forward("meta mark 0 counter", "meta mark != 0 counter drop", "meta mark & 0xff == 5 counter drop", "meta priority 0 counter")},
	{name: "type of destination", rules: forward("fib daddr type unicast counter", "fib daddr type local counter drop", "fib saddr type { local, broadcast, multicast } counter drop")},
	{name: "way back", rules: forward("fib saddr . iif oif 0 counter", "fib saddr . iif oif exists counter", "fib daddr oif r2 counter")},
	{name: "way back wanted", rules: chainOf("inet", "prerouting priority -300", "accept", "fib saddr . iif oif missing counter drop")},
}

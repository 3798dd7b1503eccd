package oracle

// effectConfigs have what else nft can write, with which rules do more than match: a kernel may be without some of it.
var effectConfigs = []config{
	{name: "queues", yields: true, rules: forward("tcp dport 22 counter queue num 7 bypass", "udp dport 53 counter queue flags bypass,fanout to 1-3",
		"tcp dport 80 counter queue num 9", "udp dport 1000-2000 counter drop")},
	{name: "proxies", yields: true, rules: chainOf("inet", "prerouting priority -150", "accept", "tcp dport 22 tproxy ip to 127.0.0.1:50080 counter",
		"udp dport 53 tproxy ip6 to [::1]:50080 counter", "udp dport 1000-60000 counter drop")},
	{name: "cookies of tcp", yields: true, rules: forward("tcp flags == rst synproxy mss 1460 wscale 7 timestamp sack-perm", "tcp dport 22 counter drop")},
	{name: "options taken away", yields: true, rules: forward("tcp dport 22 reset tcp option sack-perm counter", "udp dport 53 counter drop")},
	{name: "numbers made up", yields: true, rules: forward("numgen inc mod 2 { 0, 1 } counter", "numgen random mod 4 { 0, 1, 2, 3 } tcp dport 22 counter drop",
		"udp dport 53 counter drop")},
	{name: "objects", yields: true, rules: `table inet t {
 quota q { over 90000 mbytes }
 limit l { rate over 1000000/second burst 1000000 packets }
 counter first { }
 counter second { }
 map m { type ipv4_addr : counter; elements = { 10.0.0.9 : "first", 10.0.0.17 : "second" } }
 chain c { type filter hook forward priority 0; policy accept;
  counter name "first"
  tcp dport 22 quota name "q" counter drop
  udp dport 53 limit name "l" counter drop
  counter name ip saddr map @m
  counter name tcp dport map { 80 : "second" }
  udp dport 1000-2000 counter drop
 }
}`},
	{name: "values of maps", rules: `table inet t {
 map marks { type ipv4_addr : mark; flags interval; elements = { 172.16.5.0/24 : 5, 172.16.9.9 : 9 } }
 chain c { type filter hook forward priority 0; policy accept;
  counter
  tcp dport 22 meta mark set ip daddr map @marks counter
  udp dport 53 meta priority set ip dscp map { cs1 : 1:1, ef : 1:2 } counter
  udp dport 1000-2000 counter drop
 }
}`},
	{name: "marks that are shifted", yields: true, rules: forward("tcp dport 22 meta mark set meta mark << 8 counter", "udp dport 53 counter drop")},
	{name: "meters", yields: true, rules: forward("tcp dport 22 meter x size 4096 { ip saddr limit rate 1000000/second burst 1000000 packets } counter",
		"udp dport 53 counter drop")},
	{name: "a set that packets overflow", yields: true, rules: `table inet t {
 set few { type ipv4_addr; flags dynamic; size 2; }
 chain c { type filter hook forward priority 0; policy accept;
  tcp dport 22 update @few { ip daddr } counter
  tcp dport 80 add @few { ip saddr } counter
  ip saddr @few udp dport 53 counter drop
  udp dport 1000-2000 counter drop
 }
}`},
	{name: "policies of ipsec", yields: true, rules: forward("ipsec in reqid 1 counter drop", "ipsec out ip saddr 10.0.0.1 counter drop", "udp dport 53 counter drop")},
	{name: "kinds of packet that are made", yields: true, rules: chainOf("inet", "prerouting priority -150", "accept",
		"tcp dport 22 meta pkttype set broadcast counter", "udp dport 53 counter drop")},
	{name: "ingress that sends elsewhere", yields: true, rules: `table netdev t {
 chain c { type filter hook ingress device r0 priority 0; policy accept;
  udp dport 53 counter fwd to r2
  udp dport 80 counter dup to r2
 }
}
`},
	{name: "ingress of inet", yields: true, rules: `table inet t {
 chain c { type filter hook ingress device r0 priority 0; policy accept;
  udp dport 53 counter drop
 }
}
`},
	{name: "tables of bridges and of arp", yields: true, rules: chainOf("bridge", "forward priority 0", "drop", "counter") +
		chainOf("arp", "input priority 0", "accept", "counter") + forward("udp dport 53 counter drop")},
	{name: "flow table that nothing enters", yields: true, rules: `table inet t {
 flowtable f { hook ingress priority 0; devices = { r0, r1 }; }
 chain c { type filter hook forward priority 0; policy accept;
  udp dport 53 counter drop
 }
}
`},
}

// effectTalks are those that need connections.
var effectTalks = []config{
	{name: "connections counted", yields: true, rules: `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state established,related counter accept
  iifname "r0" ct count 100000 counter accept
  ct count over 100000 counter drop
 }
}`, talk: bothTalks},
	{name: "time-outs of their own", yields: true, rules: stateful + `table inet h {
 ct timeout long { protocol tcp; l3proto ip; policy = { established : 1000, close : 20 }; }
 chain p { type filter hook prerouting priority filter; policy accept;
  tcp dport 80 ct timeout set "long"
 }
}`, talk: plainTalks},
	{name: "expectations", yields: true, rules: stateful + `table inet h {
 ct expectation more { protocol udp; dport 9876; timeout 2m; size 12; l3proto ip; }
 chain p { type filter hook forward priority 10; policy accept;
  tcp dport 80 ct state established ct expectation set "more"
 }
}`, talk: plainTalks},
	{name: "labels", yields: true, rules: `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct label 5 counter drop
  ct state new tcp dport 80 ct label set 5
  ct state established counter accept
 }
}`, talk: plainTalks},
}

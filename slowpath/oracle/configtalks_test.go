package oracle

import (
	"slices"
	"strings"
)

// stateful is a filter that lets in what is established, and what begins at A's side.
const stateful = `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state established,related counter accept
  ct state invalid counter drop
  iifname "r0" ct state new counter accept
 }
}
`

// natOf is a table of NAT with its two chains.
func natOf(family, prerouting, postrouting string) string {
	return "table " + family + " n {\n chain d { type nat hook prerouting priority dstnat; policy accept;\n  " + prerouting +
		"\n }\n chain s { type nat hook postrouting priority srcnat; policy accept;\n  " + postrouting + "\n }\n}\n"
}

var (
	plainTalks = []string{"tcp 172.16.5.7:80", "udp 172.16.9.9:53", "echo 172.16.1.1:0"}
	bothTalks  = []string{"tcp 172.16.5.7:80", "udp 172.16.9.9:53", "from b: tcp 10.0.0.9:22", "from b: udp 10.0.0.9:53"}
	ownTalks   = []string{"tcp 10.0.0.254:80", "udp 10.0.0.254:53", "tcp 10.0.0.254:8080", "tcp 172.16.5.7:80"}
	sixTalks   = []string{"tcp [2001:db8:1605::7]:80", "udp [2001:db8:1609::9]:53", "echo [2001:db8:1600::1]:0"}
)

// talkConfigs are stateful rulesets. The time-outs of UDP are alike whether or not a flow is two seconds old, those of TCP
// whether or not everything was acknowledged (see excludedFile).
func talkConfigs() []config {
	var all []config
	for _, c := range slices.Concat(statefulConfigs, untrackedConfigs, natConfigs, effectTalks) {
		c.six = true
		c.setup = append([]string{"ip route add default via 10.2.0.1", "ip -6 route add default via 2001:db8:2::1",
			"sysctl ipv4/conf/all/send_redirects=0", "sysctl ipv4/conf/r0/send_redirects=0", "sysctl ipv4/conf/default/send_redirects=0"}, c.setup...)
		c.after = append([]string{"sysctl netfilter/nf_conntrack_udp_timeout=100", "sysctl netfilter/nf_conntrack_udp_timeout_stream=100",
			"sysctl netfilter/nf_conntrack_tcp_timeout_unacknowledged=432000", "sysctl netfilter/nf_conntrack_tcp_timeout_max_retrans=432000"}, c.after...)
		all = append(all, c)
	}
	return all
}

var statefulConfigs = []config{
	{name: "stateful", rules: stateful, talk: bothTalks},
	{name: "stateful, six", rules: stateful, talk: append(sixTalks, "from b: tcp [2001:db8:6400::9]:22")},
	{name: "verdict map of states", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state vmap { established : accept, related : accept, invalid : drop }
  iifname "r0" tcp dport { 80, 443 } counter accept
  iifname "r0" meta l4proto { udp, icmp } counter accept
 }
}`, talk: bothTalks},
	{name: "a NAT chain without rules", rules: "table ip n {\n chain s { type nat hook postrouting priority srcnat; policy accept; }\n}\n", talk: bothTalks}, // does not track
	{name: "states counted", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct state new counter
  ct state established counter
  ct state related counter
  ct state invalid counter
  ct state untracked counter
  ct direction original counter
  ct direction reply counter
  ct status assured counter
  ct status seen-reply,confirmed counter
  ct status & (snat|dnat) == 0 counter
 }
}`, talk: plainTalks},
	{name: "tuples", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct original ip daddr 172.16.5.7 counter
  ct reply ip saddr 172.16.9.9 counter
  meta l4proto tcp ct original proto-dst 80 counter
  ct l3proto ipv4 counter
  ct protocol tcp counter
  ct zone 0 counter
  ct expiration > 1s counter
  ct helper "ftp" counter
 }
}`, talk: plainTalks},
	{name: "marks of connections", rules: `table inet f {
 chain m { type filter hook prerouting priority mangle; policy accept;
  ct state new tcp dport 80 ct mark set 7
  ct state new udp dport 53 ct mark set 9
 }
 chain c { type filter hook forward priority 0; policy accept;
  ct mark 7 counter accept
  ct mark 9 ct direction reply counter drop
  counter
 }
}`, talk: plainTalks},
	{name: "marks restored", rules: `table inet f {
 chain m { type filter hook prerouting priority mangle; policy accept;
  meta mark set ct mark
 }
 chain c { type filter hook forward priority 0; policy accept;
  meta mark 0 tcp dport 80 meta mark set 3 ct mark set meta mark
  meta mark 3 counter
 }
}`, talk: plainTalks},
	{name: "raw chain", rules: stateful + `table inet r {
 chain p { type filter hook prerouting priority raw; policy accept;
  ip saddr 100.64.1.0/24 counter drop
  udp dport 53 ip ttl < 3 counter drop
 }
}`, talk: bothTalks},
	{name: "not tracked in part", rules: stateful + `table inet r {
 chain p { type filter hook prerouting priority raw; policy accept;
  udp dport 53 notrack
  udp sport 53 notrack
 }
 chain c { type filter hook forward priority -10; policy accept;
  ct state untracked counter accept
 }
}`, talk: plainTalks},
	{name: "zones", rules: stateful + `table inet r {
 chain p { type filter hook prerouting priority raw; policy accept;
  tcp dport 80 ct zone set 5
  tcp sport 80 ct zone set 5
 }
}`, talk: plainTalks},
	{name: "helper", rules: stateful + `table inet h {
 ct helper ftp { type "ftp" protocol tcp; }
 chain p { type filter hook prerouting priority filter; policy accept;
  tcp dport 21 ct helper set "ftp"
 }
}`, talk: []string{"tcp 172.16.5.7:21", "tcp 172.16.5.7:80"}},
	{name: "packets counted by conntrack", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct original packets > 3 counter
  ct bytes > 1000 counter
 }
}`, after: []string{"sysctl netfilter/nf_conntrack_acct=1"}, talk: plainTalks},
	{name: "packets counted by conntrack for nobody", rules: stateful, after: []string{"sysctl netfilter/nf_conntrack_acct=1"}, talk: bothTalks},
	{name: "segment sizes clamped", rules: stateful + `table inet m {
 chain p { type filter hook forward priority mangle; policy accept;
  tcp flags syn / syn,rst tcp option maxseg size set rt mtu
 }
}`, talk: bothTalks},
	{name: "invalid rejected", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state established accept
  ct state invalid counter reject with icmpx admin-prohibited
  ct state related counter accept
  iifname "r0" ct state new counter accept
  counter reject with icmpx port-unreachable
 }
}`, talk: bothTalks},
	{name: "reject with reset", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state established,related counter accept
  tcp dport 80 ct state new limit rate 100000/second burst 100000 packets counter accept
  meta l4proto tcp counter reject with tcp reset
  iifname "r0" udp dport 53 counter accept
 }
}`, talk: bothTalks},
	{name: "loose and liberal", rules: stateful, after: []string{"sysctl netfilter/nf_conntrack_tcp_loose=0", "sysctl netfilter/nf_conntrack_tcp_be_liberal=1"}, talk: bothTalks},
	{name: "checksums unchecked", rules: stateful, after: []string{"sysctl netfilter/nf_conntrack_checksum=0"}, talk: bothTalks},
	{name: "iptables: stateful", rules: iptables("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -m conntrack --ctstate INVALID -j DROP",
		"-A FORWARD -i r0 -m conntrack --ctstate NEW -j ACCEPT", "-A FORWARD -j DROP"), talk: bothTalks},
	{name: "iptables: connections", rules: iptables("-A FORWARD -m conntrack --ctorigsrc 100.64.0.0/11 -j DROP", "-A FORWARD -m conntrack --ctreplsrc 172.16.9.0/24 --ctorigdstport 53 --ctproto 17 -j ACCEPT",
		"-A FORWARD -m conntrack --ctdir REPLY --ctreplsrcport 80:90 ! --ctstatus SEEN_REPLY -j DROP", "-A FORWARD -m conntrack ! --ctstate RELATED,ESTABLISHED,SNAT -m comment --comment \"new\" -j ACCEPT",
		"-A FORWARD -m conntrack --ctstatus ASSURED ! --ctrepldst 10.9.0.0/16 -j ACCEPT", "-A FORWARD -m state --state ESTABLISHED -j ACCEPT", "-A FORWARD -m conntrack --ctexpire 1:2 -j DROP"), talk: bothTalks},
	{name: "change: rule added", rules: stateful, talk: bothTalks, alter: []string{"nft insert rule inet f c tcp dport 80 counter drop"}},
	{name: "change: rule gone", rules: stateful, talk: bothTalks, alter: []string{"nft flush chain inet f c"}},
	{name: "change: policy", rules: stateful, talk: bothTalks, alter: []string{"nft chain inet f c { policy accept ; }"}},
	{name: "change: all flushed", rules: stateful, talk: bothTalks, alter: []string{"nft flush ruleset"}},
	{name: "change: connections deleted", rules: stateful, talk: bothTalks, alter: []string{"conntrack -D -p tcp", "conntrack -D -p udp"}},
	{name: "change: marked by hand", rules: `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct mark 5 counter drop
  ct state established counter accept
 }
}`, talk: bothTalks, marked: true},
	{name: "change: a route", rules: stateful, talk: bothTalks, alter: []string{"ip route replace 172.16.5.0/24 via 10.4.0.1"}},
}

var natConfigs = []config{
	{name: "masquerade", rules: stateful + natOf("ip", "", `oifname { "r1", "r2", "r3" } counter masquerade`), talk: plainTalks},
	{name: "packets counted by conntrack, masqueraded", rules: stateful + natOf("ip", "", "masquerade"), after: []string{"sysctl netfilter/nf_conntrack_acct=1"}, talk: plainTalks},
	{name: "masquerade without a filter", rules: natOf("ip", "", `ip saddr 100.64.0.0/10 masquerade`), talk: plainTalks},
	{name: "source to one address", rules: stateful + natOf("ip", "", `ip saddr 10.0.0.0/24 snat to 10.2.0.99`), talk: plainTalks},
	{name: "source by a map", rules: natOf("ip", "", `snat to ip saddr map { 100.64.0.0/16 : 10.2.0.97, 10.0.0.0/24 : 10.2.0.98 }`), talk: plainTalks},
	{name: "destination to a host", rules: natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 counter dnat to 172.16.5.9:8080
  ip daddr 10.0.0.254 udp dport 53 counter dnat to 172.16.9.9`, "") + stateful, talk: ownTalks},
	{name: "destination by a map", rules: natOf("ip", `dnat ip to tcp dport map { 80 : 172.16.5.9 . 8080, 8080 : 172.16.9.9 . 81 }`, "") + stateful, talk: ownTalks},
	{name: "both", rules: natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080
  ip daddr 10.0.0.254 udp dport 53 dnat to 172.16.9.9:5353`, "ct status dnat masquerade") + stateful, talk: ownTalks},
	{name: "hairpin", rules: natOf("ip", `ip daddr 10.2.0.254 tcp dport 80 dnat to 10.0.0.1:8080
  ip daddr 10.2.0.254 udp dport 53 dnat to 10.0.0.1:53`, `ip saddr 10.0.0.0/24 ip daddr 10.0.0.1 masquerade`) + stateful,
		talk: []string{"tcp 10.2.0.254:80", "udp 10.2.0.254:53", "tcp 172.16.5.7:80"}},
	{name: "redirect", rules: natOf("ip", `tcp dport 80 redirect to :3128
  udp dport 5353 redirect`, "") + stateful, talk: plainTalks},
	{name: "port forwarding from outside", rules: natOf("ip", `iifname "r1" ip daddr 10.2.0.254 tcp dport 8080 dnat to 10.0.0.9:80
  iifname "r1" ip daddr 10.2.0.254 udp dport 5353 dnat to 10.0.0.9:53`, `iifname "r0" masquerade`) + `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state established,related counter accept
  ct status dnat counter accept
  iifname "r0" counter accept
 }
}`, talk: []string{"from b: tcp 10.2.0.254:8080", "from b: udp 10.2.0.254:5353", "from b: tcp 10.0.0.9:80", "tcp 172.16.5.7:80"}},
	{name: "chains around NAT", rules: natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080`, "masquerade") + `table inet f {
 chain early { type filter hook prerouting priority -150; policy accept;
  ip daddr 10.0.0.254 counter
  ip daddr 172.16.5.9 counter
  tcp sport 8080 counter; }
 chain late { type filter hook prerouting priority -50; policy accept;
  ip daddr 10.0.0.254 counter
  ip daddr 172.16.5.9 tcp dport 8080 counter; }
 chain c { type filter hook forward priority 0; policy accept;
  ip daddr 172.16.5.9 tcp dport 8080 counter accept
  ip saddr 172.16.5.9 counter accept
  counter; }
 chain out { type filter hook postrouting priority 50; policy accept;
  iifname != "r0" accept
  oifname "r0" accept
  ip saddr 10.2.0.254 counter
  ip saddr 10.3.0.254 counter
  ip saddr 100.64.0.0/10 counter; }
 chain last { type filter hook postrouting priority 150; policy accept;
  iifname != "r0" accept
  oifname "r0" accept
  ip saddr 10.2.0.254 counter
  ip saddr 10.3.0.254 counter
  ip saddr 100.64.0.0/10 counter; }
}`, talk: ownTalks},
	{name: "rules on tuples", rules: natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080`, "masquerade") + `table inet f {
 chain c { type filter hook forward priority 0; policy accept;
  ct original ip daddr 10.0.0.254 counter
  ct original ip saddr 10.0.0.0/25 counter
  ct reply ip saddr 172.16.5.9 counter
  ct reply ip daddr { 10.2.0.254, 10.3.0.254 } counter
  ct original ip6 daddr 2001:db8::fe counter
  meta l4proto tcp ct original proto-dst 80 counter
  meta l4proto { tcp, udp } ct original proto-src > 10040 counter
  meta l4proto tcp ct reply proto-src 8080 counter
  ct l3proto ipv4 ct protocol tcp ct zone 0 counter
  ct direction reply ct status dnat counter
  ct direction original ct status snat counter
 }
}`, talk: ownTalks},
	{name: "rules on tuples, six", rules: natOf("ip6", `ip6 daddr 2001:db8::fe tcp dport 80 dnat to [2001:db8:1605::9]:8080`, "masquerade") + `table ip6 f {
 chain c { type filter hook forward priority 0; policy accept;
  ct original ip6 daddr 2001:db8::fe counter
  ct original ip6 saddr 2001:db8:6400::/120 counter
  ct reply ip6 saddr 2001:db8:1605::9 counter
  ct reply ip6 daddr != 2001:db8:2::fe counter
  meta l4proto tcp ct reply proto-src 8080 counter
  ip6 daddr 2001:db8:1605::/48 tcp dport 8080 counter
  ct l3proto ipv6 counter
 }
}`, talk: []string{"tcp [2001:db8::fe]:80", "udp [2001:db8:1609::9]:53"}},
	{name: "a chain at the priority of translation", rules: natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080`, "masquerade") + `table inet f {
 chain c { type filter hook prerouting priority -100; policy accept;
  ip daddr 10.0.0.254 counter
  ip daddr 172.16.5.9 counter
 }
}`, talk: ownTalks},
	{name: "NAT chains of odd priorities", rules: `table ip n {
 chain d { type nat hook prerouting priority -190; policy accept;
  ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080
 }
 chain s { type nat hook postrouting priority 300; policy accept;
  masquerade
 }
}
` + stateful, talk: ownTalks},
	{name: "masquerade, six", rules: stateful + natOf("ip6", "", `oifname { "r1", "r2", "r3" } counter masquerade`), talk: sixTalks},
	{name: "destination, six", rules: natOf("ip6", `ip6 daddr 2001:db8::fe tcp dport 80 dnat to [2001:db8:1605::9]:8080
  ip6 daddr 2001:db8::fe udp dport 53 dnat to 2001:db8:1609::9`, "") + stateful, talk: []string{"tcp [2001:db8::fe]:80", "udp [2001:db8::fe]:53"}},
	{name: "NAT of inet", rules: strings.Replace(natOf("inet", `ip daddr 10.0.0.254 tcp dport 80 dnat ip to 172.16.5.9:8080`, `meta nfproto ipv4 masquerade
  meta nfproto ipv6 oifname "r2" masquerade`), "table inet n", "table inet nn", 1) + stateful, talk: append(ownTalks, sixTalks...)},
	{name: "like a container host", rules: `table ip nat {
 chain PREROUTING { type nat hook prerouting priority dstnat; policy accept;
  fib daddr type local counter jump DOCKER
 }
 chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept;
  oifname != "r0" ip saddr 10.0.0.0/24 counter masquerade
 }
 chain DOCKER {
  iifname != "r0" tcp dport 8080 counter dnat to 10.0.0.9:80
 }
}
table ip filter {
 chain FORWARD { type filter hook forward priority filter; policy drop;
  oifname "r0" ct state related,established counter accept
  oifname "r0" counter jump DOCKER
  iifname "r0" oifname != "r0" counter accept
  iifname "r0" oifname "r0" counter accept
 }
 chain DOCKER {
  iifname != "r0" oifname "r0" ip daddr 10.0.0.9 tcp dport 80 counter accept
 }
}`, talk: []string{"from b: tcp 10.2.0.254:8080", "from b: tcp 10.0.0.9:80", "tcp 172.16.5.7:80", "udp 172.16.9.9:53"}},
	{name: "iptables: NAT", rules: strings.Replace(iptables("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
		"-A FORWARD -i r0 -j ACCEPT", "-A FORWARD -j DROP"), "COMMIT\n", "COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"+
		"-A PREROUTING -i r1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.9:80\n-A POSTROUTING -s 10.0.0.0/24 ! -o r0 -j MASQUERADE\nCOMMIT\n", 1),
		talk: []string{"from b: tcp 10.2.0.254:8080", "tcp 172.16.5.7:80", "udp 172.16.9.9:53"}},
	{name: "change: masqueraded address goes", rules: stateful + natOf("ip", "", `masquerade`), talk: plainTalks, alter: []string{"ip addr del 10.3.0.254/24 dev r2"}},
	{name: "change: masqueraded by another port", rules: stateful + natOf("ip", "", `masquerade`), talk: plainTalks, alter: []string{"ip route replace 172.16.5.0/24 via 10.4.0.1"}},
	{name: "change: NAT connections deleted", rules: stateful + natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080`, `masquerade`), talk: ownTalks, alter: []string{"conntrack -F"}},
	{name: "change: NAT rule goes", rules: stateful + natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 dnat to 172.16.5.9:8080`, `masquerade`), talk: ownTalks, alter: []string{"nft flush table ip n"}},
}

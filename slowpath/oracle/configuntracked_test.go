package oracle

// untracks has rules that say notrack in chains before the tracking, and chains further on that see who is tracked.
const untracks = `table inet r {
 chain deep {
  udp dport 53 counter notrack counter
  udp sport 53 notrack ct state untracked counter
  ct state untracked counter return
  meta l4proto udp ct state invalid counter
 }
 chain deeper {
  tcp dport 22 counter notrack
  tcp sport 22 counter notrack return
 }
 chain first { type filter hook prerouting priority -450; policy accept;
  ip ttl 0 counter
  ct state untracked counter drop
 }
 chain p { type filter hook prerouting priority raw; policy accept;
  iifname "lo" notrack
  counter jump deep
  ct state untracked counter
  meta l4proto { icmp, ipv6-icmp } notrack counter accept
  ct mark 0 counter drop
  meta l4proto tcp goto deeper
  counter
 }
 chain q { type filter hook prerouting priority -250; policy accept;
  ct state untracked counter accept
  ct direction original counter drop
  ct state vmap { invalid : accept, untracked : drop }
  counter drop
 }
 chain even { type filter hook prerouting priority -200; policy accept;
  counter
 }
 chain late { type filter hook prerouting priority mangle; policy accept;
  ct state untracked notrack counter
  tcp dport 80 notrack
  ct status & snat == 0 counter
  ct zone 0 counter
  ct original ip saddr 0.0.0.0/0 counter
 }
 chain c { type filter hook forward priority 0; policy drop;
  ct state untracked udp dport 5353 counter drop
  ct state { established, untracked } counter accept
  ct state related counter accept
  iifname "r0" ct state new counter accept
 }
 chain last { type filter hook postrouting priority 150; policy accept;
  ct state untracked ip saddr 100.64.0.0/10 counter
  ct state established ip saddr 100.64.0.0/10 counter
  meta l4proto != ipv6-icmp ct state untracked counter
 }
}
`

// rawTable is a table of iptables whose rules see what comes in before it is tracked.
func rawTable(rules string) string {
	return "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n" + rules + "COMMIT\n"
}

// Two tables of one priority, of which the kernel asks the one first that came last.
const (
	saysNotrack = `table inet a {
 chain p { type filter hook prerouting priority raw; policy accept;
  udp dport 53 notrack
  udp sport 53 notrack
 }
}
`
	wantsNotrack = `table inet b {
 chain p { type filter hook prerouting priority raw; policy accept;
  udp dport 53 ct state != untracked counter drop
  udp sport 53 ct state != untracked counter drop
 }
}
`
	takesUntracked = `table inet f {
 chain c { type filter hook forward priority 0; policy drop;
  ct state { established, untracked } counter accept
  iifname "r0" ct state new counter accept
 }
}
`
)

var (
	untrackedTalks   = []string{"tcp 172.16.5.7:80", "tcp 172.16.5.7:22", "udp 172.16.9.9:53", "udp 172.16.9.9:123", "echo 172.16.1.1:0", "from b: udp 10.0.0.9:53"}
	untrackedConfigs = []config{
		{name: "untracked", rules: untracks, talk: untrackedTalks},
		{name: "untracked, six", rules: untracks, talk: append(sixTalks, "tcp [2001:db8:1605::7]:22")},
		{name: "untracked and masqueraded", rules: untracks + natOf("ip", "", `counter masquerade`), talk: untrackedTalks},
		{name: "untracked and translated", rules: untracks + natOf("ip", `ip daddr 10.0.0.254 tcp dport 80 counter dnat to 172.16.5.9:8080
  ip daddr 10.0.0.254 udp dport 123 counter dnat to 172.16.9.9
  udp dport 53 counter dnat to 172.16.9.8`, ""), talk: append(ownTalks, untrackedTalks...)},
		{name: "untracked at the priority of the tracking", rules: stateful + `table inet r {
 chain p { type filter hook prerouting priority -200; policy accept;
  udp dport 53 notrack
 }
}`, talk: plainTalks},
		{name: "untracked in the chain that comes last", rules: saysNotrack + wantsNotrack + takesUntracked, talk: untrackedTalks},
		{name: "untracked in the chain that comes first", rules: wantsNotrack + saysNotrack + takesUntracked, talk: untrackedTalks},
		{name: "untracked, zones", rules: `table inet r {
 chain p { type filter hook prerouting priority raw; policy accept;
  udp dport 53 notrack
  udp sport 53 notrack
  tcp dport 80 ct zone set 5
  tcp sport 80 ct zone set 5
  udp dport 53 meta length > 60 ct zone set 7
 }
 chain c { type filter hook forward priority 0; policy accept;
  ct state untracked counter
  ct zone 7 counter
 }
}`, talk: plainTalks},
		{name: "untracked by iptables", rules: rawTable("-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack\n-A PREROUTING -p udp -m udp --sport 53 -j CT --notrack\n"+
			"-A PREROUTING -p icmp -j NOTRACK\n-A PREROUTING -m conntrack --ctstate UNTRACKED\n-A PREROUTING -m conntrack --ctstate INVALID\n"+
			"-A PREROUTING -m conntrack --ctproto 17 -j DROP\n") +
			iptables("-A FORWARD -m conntrack --ctstate UNTRACKED -m conntrack ! --ctstate ESTABLISHED,SNAT -j ACCEPT", "-A FORWARD -m state --state UNTRACKED -j DROP",
				"-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -i r0 -m conntrack --ctstate NEW -j ACCEPT", "-A FORWARD -j DROP"), talk: plainTalks},
		{name: "change: untracked from now on", rules: untracks, talk: untrackedTalks, alter: []string{"nft insert rule inet r p tcp dport 80 notrack", "nft insert rule inet r p tcp sport 80 notrack"}},
		{name: "change: tracked from now on", rules: untracks, talk: untrackedTalks, alter: []string{"nft flush chain inet r deep"}},
	}
)

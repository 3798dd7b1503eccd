package oracle

import (
	"fmt"
	"strings"
)

// randomKinds are the kinds of random sets: the type of their keys, and how a rule that may be about one family and one
// protocol looks for one.
var randomKinds = []struct {
	kind   string
	look   string // SIDE is saddr or daddr, or sport or dport; TH is the protocol
	six    bool   // about IPv6
	any    bool   // about no family
	values []func(*ruleGenerator) string
}{
	{kind: "inet_service", look: "TH PORT", any: true, values: []func(*ruleGenerator) string{(*ruleGenerator).port}},
	{kind: "ipv4_addr", look: "ip ADDR", values: []func(*ruleGenerator) string{(*ruleGenerator).addr}},
	{kind: "ipv6_addr", look: "ip6 ADDR", six: true, values: []func(*ruleGenerator) string{(*ruleGenerator).addr6}},
	{kind: "ipv4_addr . inet_service", look: "ip ADDR . TH PORT", values: []func(*ruleGenerator) string{(*ruleGenerator).addr, (*ruleGenerator).port}},
	{kind: "ipv6_addr . inet_service", look: "ip6 ADDR . TH PORT", six: true, values: []func(*ruleGenerator) string{(*ruleGenerator).addr6, (*ruleGenerator).port}},
	{kind: "inet_proto . inet_service", look: "meta l4proto . th PORT", any: true, values: []func(*ruleGenerator) string{(*ruleGenerator).protocol, (*ruleGenerator).port}},
	{kind: "ifname . inet_service", look: "oifname . TH PORT", any: true, values: []func(*ruleGenerator) string{(*ruleGenerator).device, (*ruleGenerator).port}},
	{kind: "ipv4_addr . ipv4_addr", look: "ip saddr . ip daddr", values: []func(*ruleGenerator) string{(*ruleGenerator).addr, (*ruleGenerator).addr}},
	{kind: "mark", look: "meta mark", any: true, values: []func(*ruleGenerator) string{(*ruleGenerator).byte}},
}

// set writes a named set or verdict map. Elements of intervals may touch each other, and those of concatenations lie
// across each other where the kernel lets them.
func (g *ruleGenerator) set(name string) randomSet {
	k := randomKinds[g.IntN(len(randomKinds))]
	interval, verdicts := g.IntN(2) == 0, g.IntN(4) == 0
	var all []string
	seen := map[string]bool{}
	n := 1 + g.IntN(30)
	if interval && len(k.values) > 1 {
		n = 1 + g.IntN(7) // the kernel refuses a set with two elements one of which holds an end of the other
	}
	for range n {
		var parts []string
		for _, value := range k.values {
			v := value(g)
			if !interval {
				v = bare(v)
			}
			parts = append(parts, v)
		}
		if e := strings.Join(parts, " . "); !seen[e] && !(interval && verdicts && len(all) > 0 && len(parts) == 1) {
			seen[e] = true
			all = append(all, e)
		}
	}
	flags := ""
	if interval {
		flags = " flags interval;"
	}
	if verdicts {
		for i := range all {
			all[i] += " : " + pick(g.Rand, "accept", "drop", "return", "accept")
		}
		return randomSet{name, k.kind + " : verdict", fmt.Sprintf(" map %s { type %s : verdict;%s elements = { %s } }\n", name, k.kind, flags, strings.Join(all, ", "))}
	}
	if interval && len(k.values) == 1 {
		flags += " auto-merge;"
	}
	return randomSet{name, k.kind, fmt.Sprintf(" set %s { type %s;%s elements = { %s } }\n", name, k.kind, flags, strings.Join(all, ", "))}
}

// lookup looks into a set; nothing if the rule is about another family.
func (g *ruleGenerator) lookup(s randomSet) string {
	for _, k := range randomKinds {
		if k.kind != s.kind || !k.any && k.six != g.six {
			continue
		}
		look := strings.NewReplacer("ADDR", pick(g.Rand, "saddr", "daddr"), "PORT", pick(g.Rand, "sport", "dport"), "TH", g.proto).Replace(k.look)
		return look + pick(g.Rand, " @", " @", " != @") + s.name
	}
	return ""
}

// vmap decides by a map.
func (g *ruleGenerator) vmap(from int) string {
	for _, s := range g.sets {
		kind, verdicts := strings.CutSuffix(s.kind, " : verdict")
		if words := g.lookup(randomSet{s.name, kind, ""}); verdicts && words != "" && g.IntN(2) == 0 {
			return strings.Replace(strings.Replace(words, "!= ", "", 1), "@", "vmap @", 1)
		}
	}
	v := func() string { return g.verdict(from) }
	port := g.proto + " dport"
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("meta nfproto vmap { ipv4 : %s, ipv6 : %s }", v(), v())
	case 1:
		return fmt.Sprintf("oifname vmap { \"r1\" : %s, \"r2\" : %s, \"r7\" : %s }", v(), v(), v())
	case 2:
		return fmt.Sprintf("meta l4proto . th dport vmap { tcp . 22 : %s, udp . 53 : %s, udp . 1000-2000 : %s }", v(), v(), v())
	case 3:
		if g.six {
			return fmt.Sprintf("ip6 daddr vmap { 2001:db8:1600::/46 : %s, 2001:db8:1609::9 : %s }", v(), v())
		}
		return fmt.Sprintf("ip daddr . %s vmap { 172.16.5.0/24 . 80 : %s, 172.16.0.0/20 . 1000-2000 : %s }", port, v(), v())
	case 4:
		return fmt.Sprintf("%s vmap { 22 : %s, 80 : %s, * : %s }", port, v(), v(), v())
	}
	return fmt.Sprintf("%s vmap { 22 : %s, 80 : %s, 1000-2000 : %s }", port, v(), v(), v())
}

// rare is a comparison that few rulesets have.
func (g *ruleGenerator) rare() string {
	all := []string{"iifname \"r*\"", "iifname != \"x*\"", "oifname { \"r1\", \"r2*\" }", "oifname != { \"r1\", \"r3\" }", "iifname . oifname { \"r0\" . \"r1\", \"r0\" . \"r2\" }",
		"meta pkttype host", "meta iiftype ether", "meta oiftype ether", "meta protocol { ip, ip6 }", "meta mark != 7", "meta mark & 0xf0 == 0", "meta mark 0-5", "meta iifgroup 0",
		"meta length != 100-200", "meta length { 60-100, 104-2000 }", "meta l4proto 6-17", "meta l4proto { 1-50, 58 }", "meta l4proto & 1 == 1", "@th,0,8 " + g.byte(), "@th,16,16 & 3 == 1",
		"@nh,8,24 > 0", "ether daddr != 01:02:03:04:05:06", "ether saddr & 00:00:00:00:00:01 == 0", "meta iif 1-1000", "fib daddr type unicast", "fib saddr . iif oif exists",
		g.proto + " dport & 0xff00 == 0x0300", g.proto + " sport ^ 0x0101 == 0x0123", g.proto + " dport != " + g.port(), "meta priority 0", "meta cpu < 100",
		g.proto + " sport . " + g.proto + " dport != { 22 . 80, 1000 . 1000 }", g.proto + " dport . meta length { 20-5000 . 60-100, 8000 . 60 }"}
	if g.six {
		all = append(all, "ip6 length < 200", "ip6 flowlabel < 500000", "ip6 saddr & ::3 == ::1", "ip6 nexthdr { 6, 17 }", "exthdr frag missing", "ip6 daddr . ip6 saddr != { 2001:db8:1609::9 . 2001:db8::5 }")
	} else {
		all = append(all, "ip version 4", "ip id > 1000", "ip id & 1 == 1", "ip length 60-200", "ip frag-off & 0x2000 == 0", "ip protocol { 6, 17 }", "ip protocol != 47", "ip daddr & 255.255.0.255 == 172.16.0.9",
			"ip saddr . ip daddr != { 10.0.0.5 . 172.16.9.9 }", "ip hdrlength 5", "ip checksum > 10", "ip saddr . ip ttl { 100.64.0.0/12 . 1-70 }")
	}
	return all[g.IntN(len(all))]
}

func (g *ruleGenerator) protocol() string { return pick(g.Rand, "tcp", "udp", "sctp", "47") }

func (g *ruleGenerator) device() string { return pick(g.Rand, `"r1"`, `"r2"`, `"r3"`, `"r9"`) }

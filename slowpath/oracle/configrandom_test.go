package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomRulesets is how many rulesets are made at random.
const randomRulesets = 30

// randomConfigs are rulesets that nft accepts and nobody thought of.
func randomConfigs() []config {
	var all []config
	for i := range randomRulesets {
		g := &ruleGenerator{Rand: rand.New(rand.NewPCG(seed(), uint64(i)))}
		all = append(all, config{name: fmt.Sprintf("random %d", i), rules: g.ruleset(), yields: true})
	}
	return all
}

// ruleGenerator writes rulesets. Sets and chains have names by their number.
type ruleGenerator struct {
	*rand.Rand
	sets   []randomSet
	chains int // regular ones; a chain jumps to those with higher numbers
	effect bool
	only   string // the family of the table that is being written, of one family
	six    bool   // the rule that is being written is about IPv6 if about a family
	proto  string // and about this protocol if about one
}

// randomSet is a named set or verdict map.
type randomSet struct{ name, kind, text string }

func (g *ruleGenerator) ruleset() string {
	g.chains, g.effect = g.IntN(4), g.IntN(4) == 0
	for i := range g.IntN(7) {
		g.sets = append(g.sets, g.set(fmt.Sprintf("s%d", i)))
	}
	var text strings.Builder
	text.WriteString("table inet t {\n")
	for _, s := range g.sets {
		text.WriteString(s.text)
	}
	if g.IntN(8) == 0 {
		text.WriteString(" flowtable f { hook ingress priority 0; devices = { r1, r2 }; }\n")
	}
	// What is jumped to has to be there when nft reads the jump: the last chains come first.
	for i := g.chains - 1; i >= 0; i-- {
		fmt.Fprintf(&text, " chain j%d {\n%s }\n", i, g.rules(1+g.IntN(6), i+1))
	}
	for i := range 1 + g.IntN(3) {
		text.WriteString(g.base(i))
	}
	text.WriteString("}\n")
	return text.String() + g.beside()
}

// beside are tables of one family beside that of both; their chains may have the priorities of its own.
func (g *ruleGenerator) beside() string {
	var text strings.Builder
	g.sets, g.chains = nil, 0
	for _, family := range []string{"ip", "ip6"} {
		if g.IntN(4) > 0 {
			continue
		}
		g.only = family
		fmt.Fprintf(&text, "table %s u {\n", family)
		for i := range 1 + g.IntN(2) {
			text.WriteString(g.base(i))
		}
		text.WriteString("}\n")
	}
	return text.String()
}

// base is a base chain; those of one hook have different priorities.
func (g *ruleGenerator) base(i int) string {
	hook := pick(g.Rand, "forward", "forward", "prerouting", "postrouting")
	policy := pick(g.Rand, "accept", "accept", "accept", "drop")
	guard := ""
	if hook == "postrouting" {
		guard, policy = ownPackets, "accept"
	}
	if hook == "prerouting" {
		policy = "accept" // neighbour discovery must get through
	}
	return fmt.Sprintf(" chain b%d {\n  type filter hook %s priority %d; policy %s;\n%s%s }\n", i, hook, 10*i-5, policy, guard, g.rules(2+g.IntN(14), 0))
}

func (g *ruleGenerator) rules(n, from int) string {
	var text strings.Builder
	for range n {
		// nft refuses rules that ask for two families or protocols at once.
		g.six, g.proto = g.IntN(3) == 0, pick(g.Rand, "tcp", "udp", "th")
		if g.only != "" {
			g.six = g.only == "ip6"
		}
		words := []string{}
		for range g.IntN(3) {
			words = append(words, g.match())
		}
		if g.IntN(12) == 0 {
			fmt.Fprintf(&text, "  %s\n", strings.Join(append(words, g.vmap(from)), " "))
			continue
		}
		words = append(words, "counter")
		if s := g.statement(from); len(words) > 1 || s != "drop" || g.IntN(8) == 0 {
			words = append(words, s)
		}
		fmt.Fprintf(&text, "  %s\n", strings.TrimSpace(strings.Join(words, " ")))
	}
	return text.String()
}

// statement ends a rule: a verdict, nothing, or, in some rulesets, something with an effect.
func (g *ruleGenerator) statement(from int) string {
	if g.effect && g.IntN(6) == 0 {
		return pick(g.Rand, "log", "meta mark set 5", "limit rate 1000000/second burst 1000000 packets accept", "meta priority set 1:2")
	}
	if from < g.chains && g.IntN(4) == 0 {
		return fmt.Sprintf("%s j%d", pick(g.Rand, "jump", "jump", "goto"), from+g.IntN(g.chains-from))
	}
	return pick(g.Rand, "", "", "accept", "drop", "drop", "return", "continue")
}

func (g *ruleGenerator) verdict(from int) string {
	if from < g.chains && g.IntN(3) == 0 {
		return fmt.Sprintf("%s j%d", pick(g.Rand, "jump", "goto"), from+g.IntN(g.chains-from))
	}
	return pick(g.Rand, "accept", "drop", "return", "continue")
}

// match is one comparison.
func (g *ruleGenerator) match() string {
	if len(g.sets) > 0 && g.IntN(3) == 0 {
		if words := g.lookup(g.sets[g.IntN(len(g.sets))]); words != "" {
			return words
		}
	}
	if g.IntN(4) == 0 {
		return g.rare()
	}
	switch g.IntN(9) {
	case 0, 1, 2:
		return g.family()
	case 3, 4, 5:
		return g.transport()
	case 6, 7:
		return pick(g.Rand, "iifname \"r0\"", "oifname \"r1\"", "oifname != \"r2\"", "iif r0", "oif r3", "oifname { \"r1\", \"r3\" }",
			"meta l4proto != 47", "meta l4proto != { 47, 50 }", "meta mark 0", "meta l4proto != 132")
	}
	return "meta length " + g.against(g.length)
}

// family is a comparison of a field of one family.
func (g *ruleGenerator) family() string {
	if g.six {
		return pick(g.Rand, "ip6 saddr "+g.against(g.addr6), "ip6 daddr "+g.against(g.addr6), "ip6 hoplimit "+g.against(g.byte), "ip6 dscp != 0", "meta nfproto ipv6")
	}
	return pick(g.Rand, "ip saddr "+g.against(g.addr), "ip daddr "+g.against(g.addr), "ip saddr "+g.against(g.addr), "ip ttl "+g.against(g.byte), "ip dscp 10",
		"ip saddr & 0.0.0.3 == 0.0.0.1", "meta nfproto ipv4")
}

// transport is a comparison of a field of one protocol.
func (g *ruleGenerator) transport() string {
	if g.proto == "tcp" && g.IntN(3) == 0 {
		return pick(g.Rand, "tcp flags syn", "tcp flags & (syn|ack) == ack", "tcp flags ! fin,rst", "tcp flags & (fin|rst) != 0", "tcp window "+g.against(g.port))
	}
	return g.proto + pick(g.Rand, " dport ", " sport ", " dport ") + g.against(g.port)
}

// against is an operator and what it compares with.
func (g *ruleGenerator) against(value func() string) string {
	switch g.IntN(8) {
	case 0:
		return "!= " + value()
	case 1:
		return pick(g.Rand, "< ", "> ", "<= ", ">= ") + bare(value())
	case 2, 3:
		return pick(g.Rand, "", "!= ") + "{ " + value() + ", " + value() + ", " + value() + " }"
	}
	return value()
}

// bare is a value without the end of its range or the length of its prefix.
func bare(value string) string {
	value, _, _ = strings.Cut(value, "/")
	value, _, _ = strings.Cut(value, "-")
	return value
}

func (g *ruleGenerator) addr() string {
	return pick(g.Rand, fmt.Sprintf("100.%d.0.0/%d", 64+g.IntN(64), 16+g.IntN(3)), fmt.Sprintf("172.16.%d.0/24", g.IntN(16)), fmt.Sprintf("10.0.0.%d", 3+g.IntN(250)),
		fmt.Sprintf("172.16.5.%d", g.IntN(256)), fmt.Sprintf("192.168.%d.%d", 64+g.IntN(64), g.IntN(256)), fmt.Sprintf("100.%d.0.0-100.%d.255.255", 64+g.IntN(20), 90+g.IntN(20)))
}

func (g *ruleGenerator) addr6() string {
	return pick(g.Rand, fmt.Sprintf("2001:db8:64%02x::/48", g.IntN(256)), fmt.Sprintf("2001:db8:160%x::/48", g.IntN(16)), "2001:db8:1609::9", fmt.Sprintf("2001:db8:16%02x::%x", g.IntN(256), g.IntN(9)))
}

func (g *ruleGenerator) port() string {
	low := pick(g.Rand, 20, 22, 53, 80, 443, 1000, 8000, g.IntN(60000))
	if g.IntN(3) == 0 {
		return fmt.Sprintf("%d-%d", low+1, low+1+g.IntN(2000))
	}
	return fmt.Sprint(low)
}

func (g *ruleGenerator) byte() string { return fmt.Sprint(pick(g.Rand, 6, 17, 64, 1, g.IntN(256))) }

func (g *ruleGenerator) length() string { return fmt.Sprint(60 + g.IntN(100)) }

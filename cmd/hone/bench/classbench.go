package bench

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// ports is a range of ports; the zero value is any.
type ports struct{ low, high uint16 }

func (p ports) any() bool { return p == ports{} }

func (p ports) has(n uint16) bool { return p.any() || p.low <= n && n <= p.high }

// fiveTuple is a rule of a classifier: prefixes, ports and a protocol.
type fiveTuple struct {
	src, dst         netip.Prefix
	srcPort, dstPort ports
	protocol         string // tcp or udp; th is either
	drop             bool
}

// fiveTuples make rules that are shaped as in the filter sets of ClassBench: few kinds of prefix length with many nested in
// each other, source ports that are mostly any, destination ports that are well known, high ones, or any.
func fiveTuples(n int) []fiveTuple {
	rng := rand.New(rand.NewPCG(7, 8))
	rules := make([]fiveTuple, n)
	for i := range rules {
		rules[i] = fiveTuple{
			src:      cut(netip.AddrFrom4([4]byte{100, 64 + byte(rng.IntN(4)), byte(rng.IntN(8)), byte(rng.Uint32())}), rng, 10, 16, 24, 28, 32),
			dst:      cut(netip.AddrFrom4([4]byte{10, 128, byte(rng.IntN(50)), byte(rng.Uint32())}), rng, 9, 20, 24, 27, 30, 32),
			protocol: []string{"tcp", "tcp", "udp", "udp", "th"}[rng.IntN(5)],
			drop:     rng.IntN(3) == 0,
		}
		if rng.IntN(10) == 0 {
			rules[i].srcPort = ports{1024, 65535}
		}
		switch low := []uint16{22, 25, 53, 80, 123, 443, 1521, 3306, 8080}[rng.IntN(9)]; rng.IntN(4) {
		case 0:
			rules[i].dstPort = ports{1024, 65535}
		case 1:
			low = uint16(1 + rng.IntN(60000))
			rules[i].dstPort = ports{low, low + uint16(rng.IntN(2000))}
		case 2, 3:
			rules[i].dstPort = ports{low, low}
		}
	}
	return rules
}

// cut makes a prefix of one of some lengths of an address.
func cut(a netip.Addr, rng *rand.Rand, bits ...int) netip.Prefix {
	return netip.PrefixFrom(a, bits[rng.IntN(len(bits))]).Masked()
}

// String is the rule in nft's words.
func (r fiveTuple) String() string {
	words := []string{"ip saddr", r.src.String(), "ip daddr", r.dst.String()}
	for _, p := range []struct {
		name string
		ports
	}{{"sport", r.srcPort}, {"dport", r.dstPort}} {
		if !p.any() {
			words = append(words, fmt.Sprintf("%s %s %d-%d", r.protocol, p.name, p.low, p.high))
		}
	}
	if r.srcPort.any() && r.dstPort.any() && r.protocol != "th" {
		words = append(words, "meta l4proto "+r.protocol)
	}
	verdict := "accept"
	if r.drop {
		verdict = "drop"
	}
	return strings.Join(append(words, verdict), " ")
}

// covers tells whether the rule is about a flow of UDP.
func (r fiveTuple) covers(w flow) bool {
	return r.protocol != "tcp" && r.src.Contains(w.src) && r.dst.Contains(w.dst) && r.srcPort.has(w.srcPort) && r.dstPort.has(w.dstPort)
}

// passing makes flows around the rules to the prefixes of newRouter, of which none is dropped.
func passing(rules []fiveTuple, n int) []flow {
	rng := rand.New(rand.NewPCG(9, 10))
	var flows []flow
	for len(flows) < n {
		r := rules[rng.IntN(len(rules))]
		w := flow{src: inside(r.src, rng), dst: inside(r.dst, rng), srcPort: uint16(1024 + rng.IntN(60000)), dstPort: r.dstPort.low}
		if r.dstPort.any() {
			w.dstPort = uint16(1 + rng.IntN(60000))
		}
		if a := w.dst.As4(); a[1] == 128 && a[2] < 50 && accepted(rules, w) {
			flows = append(flows, w)
		}
	}
	return flows
}

// accepted tells whether the first rule that is about the flow lets it pass, or none is.
func accepted(rules []fiveTuple, w flow) bool {
	for _, r := range rules {
		if r.covers(w) {
			return !r.drop
		}
	}
	return true
}

// inside is an address of a prefix of IPv4.
func inside(p netip.Prefix, rng *rand.Rand) netip.Addr {
	a := p.Addr().As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	if p.Bits() < 32 {
		n |= rng.Uint32N(1 << (32 - p.Bits()))
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func texts(rules []fiveTuple) []string {
	all := make([]string, len(rules))
	for i, r := range rules {
		all[i] = r.String()
	}
	return all
}

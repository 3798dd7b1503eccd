package bench

import (
	"net/netip"
	"testing"
)

func TestFiveTuplesDecideByTheFirstMatch(t *testing.T) {
	rules := []fiveTuple{
		{src: netip.MustParsePrefix("100.64.0.0/16"), dst: netip.MustParsePrefix("10.128.0.0/9"), protocol: "tcp", drop: true},
		{src: netip.MustParsePrefix("100.64.1.0/24"), dst: netip.MustParsePrefix("10.128.0.0/9"), protocol: "udp", dstPort: ports{50, 60}},
		{src: netip.MustParsePrefix("100.64.0.0/16"), dst: netip.MustParsePrefix("10.128.0.0/9"), protocol: "th", drop: true},
	}
	for text, want := range map[string]bool{
		rules[0].String(): rules[0].String() == "ip saddr 100.64.0.0/16 ip daddr 10.128.0.0/9 meta l4proto tcp drop",
		rules[1].String(): rules[1].String() == "ip saddr 100.64.1.0/24 ip daddr 10.128.0.0/9 udp dport 50-60 accept",
		rules[2].String(): rules[2].String() == "ip saddr 100.64.0.0/16 ip daddr 10.128.0.0/9 drop",
	} {
		if !want {
			t.Errorf("rule %q", text)
		}
	}
	w := flow{src: netip.MustParseAddr("100.64.1.7"), dst: netip.MustParseAddr("10.128.3.3"), srcPort: 9, dstPort: 55}
	if !accepted(rules, w) {
		t.Error("the second rule accepts, the third would drop")
	}
	if w.dstPort = 61; accepted(rules, w) {
		t.Error("the third rule drops")
	}
}

func TestPassingFlowsPass(t *testing.T) {
	rules := fiveTuples(1000)
	dropped := 0
	for _, r := range rules {
		if r.drop {
			dropped++
		}
	}
	if dropped < 200 || dropped > 500 {
		t.Errorf("%d of 1000 rules drop", dropped)
	}
	for _, w := range passing(rules, 500) {
		if !accepted(rules, w) {
			t.Errorf("%v is dropped", w)
		}
	}
}

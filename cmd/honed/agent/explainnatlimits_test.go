package agent

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
)

// translatedTo is a table with a chain that translates.
const translatedTo = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=nft name="ip n d" family=ip
nft-table family=ip name=n handle=1
nft-chain family=ip table=n name=d handle=1 flags=0x1 base priority=-100 policy=1 type=nat
nft-rule family=ip table=n chain=d handle=2 comment=away expr=immediate,data:0a020009 expr=nat,type:1,family:2,addr-min:0,addr-max:0,flags:1
`

// TestExplainNATKnowsItsLimits: an explanation never says where a packet goes that it does not know of, and not that chains
// are asked that are not.
func TestExplainNATKnowsItsLimits(t *testing.T) {
	b := newBed(t)
	const udp = "ip 10.0.0.1 > 10.9.0.9 udp dport 7"
	p, err := packet.Parse("iif r0 ip 10.0.0.1 > 10.2.0.9 tcp")
	if err != nil {
		t.Fatal(err)
	}
	fin := p.Frame(packet.MAC{2, 0, 0, 0, 0, 0xf0})
	fin[47] = 1
	reset := func(rules string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(rules) }
	const other = "nft-table family=inet name=o handle=1\nnft-chain family=inet table=o name=d handle=1 flags=0x1 base priority=-100 policy=1 type=nat\n" +
		"nft-rule family=inet table=o chain=d handle=2 expr=immediate,data:0a030009 expr=nat,type:1,family:2,addr-min:0,addr-max:0,flags:1\n"
	const early = "hook kind=nft name=\"ip n f\" family=ip\nnft-chain family=ip table=n name=f handle=9 flags=0x1 base priority=-300 policy=1 type=filter\n" +
		"nft-rule family=ip table=n chain=f handle=10 expr=log\n"
	met := map[string]int{"of a connection": 0, "no first packet": 0, "dormant": 1, "not tracked": 0, "the kernel has it before": 1, "two of different ones": 1}
	for _, c := range []struct {
		name, rules, packet string
		wants, ruleset      string // in the route or what is said of tracking or the last visit; the ruleset
	}{
		{"translated", translatedTo, udp, "10.2.0.0/16", "accepted"},
		{"no first packet", translatedTo, "hex " + hex.EncodeToString(fin), "it opens no connection", ""},
		{"of a connection", translatedTo, "ip 10.0.0.1 > 10.2.0.9 tcp established", "chains of type nat are not asked; addresses are shown as if", ""},
		{"dormant", reset(translatedTo, "name=n handle=1", "name=n handle=1 flags=0x1 unknown=dormant"), udp, "not understood: dormant", "left to the kernel"},
		{"not tracked", reset(translatedTo, "hook kind=conntrack name=\"conntrack ip\" family=ip\n", ""), "ip 10.0.0.1 > 10.2.0.9 udp", "10.2.0.0/16", ""},
		{"another family", reset(translatedTo, "family:2", "family:10", "family=ip ", "family=inet "), "ip 10.0.0.1 > 10.2.0.9 udp", "10.2.0.0/16", "accepted"},
		{"a rule that is not understood", reset(translatedTo, "comment=away", "comment=away unknown=17"), udp, "not known: chains of type nat", "left to the kernel"},
		{"an expression that is not understood", reset(translatedTo, "expr=immediate", "expr=opaque,name:new,why:attribute expr=immediate"), udp, "new: ", "left to the kernel"},
		{"a chain that is not understood", reset(translatedTo, "type=nat", "type=nat unknown=17"), udp, "not understood: 17", "left to the kernel"},
		{"a mark", reset(translatedTo, "expr=immediate,data:0a020009", "expr=immediate,data:00000007 expr=meta-set,key:3"), udp, "not known: chains of type nat", "left to the kernel"},
		{"a register that holds nothing", reset(translatedTo, "addr-min:0", "addr-min:4"), udp, "not known: chains of type nat", "left to the kernel"},
		{"a source before the route", reset(translatedTo, "nat,type:1", "nat"), udp, "not known: chains of type nat", "left to the kernel"},
		{"two of one priority", translatedTo + other, udp, "which chain of priority -100 is asked first is not known", "left to the kernel"},
		{"two of different ones", translatedTo + reset(other, "priority=-100", "priority=-101"), udp, "10.3.0.9", ""},
		{"the kernel has it before", translatedTo + early, udp, "not known: chains of type nat", "left to the kernel"},
		{"iptables-legacy", "hook kind=legacy name=\"iptables nat\" family=ip\n", udp, "not known: iptables-legacy", ""},
		{"iptables-legacy and a connection", "hook kind=legacy name=\"iptables nat\" family=ip\n", udp + " established", "10.9.0.0/16", ""},
	} {
		s, err := introspect.ParseSnapshot([]byte(b.text + "route dst=10.9.0.0/16 table=254 type=1 hop=dev:3\n" + c.rules))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		x, err := Explain(s, b.options, "iif r0 "+c.packet)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		last := control.Visit{}
		if n := len(x.Rules); n > 0 {
			last = x.Rules[n-1]
		}
		if !strings.Contains(x.Route+x.Tracking+last.Outcome, c.wants) || c.ruleset != "" && x.Ruleset != c.ruleset {
			t.Errorf("%s: %s", c.name, fmt.Sprintf("%+v", x))
		}
		if n, ok := met[c.name]; ok && len(x.Rules) != n {
			t.Errorf("%s: %+v", c.name, x.Rules)
		}
		known, left := !strings.HasPrefix(x.Route, "not known"), strings.HasPrefix(x.Ruleset, "left")
		if known && left || !known && (x.Neighbour != "" || x.Ruleset == "accepted") {
			t.Errorf("%s: route %s, neighbour %s, ruleset %s", c.name, x.Route, x.Neighbour, x.Ruleset)
		}
	}
}

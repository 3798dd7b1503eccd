package synth

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/synth/ir"
)

var update = flag.Bool("update", false, "write the programs anew")

// TestGolden compares the text of programs with what it was when somebody last read it.
func TestGolden(t *testing.T) {
	text := router(t)
	for name, c := range map[string]struct {
		text    string
		options Options
	}{
		"card":         {text, tested},
		"veth":         {veth(text), tested},
		"strict":       {swapped(t, text, "netconf dev=2", "netconf dev=2 rp-filter=1"), tested},
		"loose":        {swapped(t, text, "netconf dev=-1", "netconf dev=-1 rp-filter=2"), tested},
		"card6":        {router6(t), tested},
		"tun6":         {strings.ReplaceAll(router6(t), "flags=0x11043 ", "flags=0x11043 kind=tun "), Options{Hook: "xdp"}},
		"nolive":       {text, Options{Hook: "xdp"}},
		"bridge":       {bridge(t), bridges},
		"bridge-tags":  {keepingTags(bridge(t)), bridges},
		"bridge-vlan":  {vlanBridge(t), bridges},
		"bridge-trunk": {keepingTags(vlanBridge(t)), bridges},
		"from-bridge":  {bridgeRouter(t), bridges},
		"to-bridge":    {bridgeRouter(t), bridges},
		"bridge-nf": {with(strings.ReplaceAll(bridge(t), "slave=bridge", "kind=veth slave=bridge"),
			"sysctl path=bridge/bridge-nf-call-iptables value=1", "sysctl path=bridge/bridge-nf-call-ip6tables value=1"), bridges},
		"notrack":    {text + untracking, Options{Hook: "xdp", FIBLookup: true, Ruleset: true, Conntrack: true, Tallies: true}},
		"vlans":      {stickRouter(t), Options{Hook: "xdp"}},
		"bridge-tap": {strings.ReplaceAll(bridge(t), "slave=bridge", "kind=tun slave=bridge"), bridges},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, c.text)
			p, err := Program(s, ingressNamed(name), c.options, NewFIB(s).Shape())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name+".ir", p)
		})
	}
}

// untracking is a ruleset that translates addresses, and says notrack for some packets.
const untracking = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=nft name="ip n s" family=ip
hook kind=nft name="ip n r" family=ip
hook kind=nft name="ip n f" family=ip
sysctl path=netfilter/nf_conntrack_acct value=0
sysctl path=netfilter/nf_conntrack_tcp_timeout_established value=432000
sysctl path=netfilter/nf_conntrack_udp_timeout_stream value=120
nft-table family=ip name=n handle=1
nft-chain family=ip table=n name=s handle=1 flags=0x1 base hook=4 priority=100 policy=1 type=nat
nft-chain family=ip table=n name=r handle=2 flags=0x1 base hook=0 priority=-300 policy=1 type=filter
nft-rule family=ip table=n chain=r handle=3 expr=payload,base:1,offset:9,len:1 expr=cmp,data:01 expr=notrack expr=counter
nft-rule family=ip table=n chain=r handle=4 expr=payload,base:1,offset:12,len:4 expr=cmp,data:0a010009 expr=verdict
nft-chain family=ip table=n name=f handle=5 flags=0x1 base hook=2 policy=0 type=filter
nft-rule family=ip table=n chain=f handle=6 expr=ct,key:0 expr=bitwise,len:4,mask:42000000,xor:00000000 expr=cmp,op:1,data:00000000 expr=counter expr=verdict,code:1
`

// ingressNamed is the interface whose program is looked at.
func ingressNamed(name string) int {
	switch name {
	case "from-bridge", "vlans":
		return 5
	case "to-bridge":
		return 3
	}
	return 2
}

func golden(t *testing.T, path string, p *ir.Program) {
	got := p.String()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
	back, err := ir.Parse(string(want))
	if err != nil || !SameCode(back, p) {
		t.Errorf("%s does not parse back: %v", path, err)
	}
}

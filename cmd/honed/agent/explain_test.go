package agent

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/upkeep"
	"github.com/hone-net/hone/synth/emit"
)

func TestComment(t *testing.T) {
	r := &introspect.ChainRule{Exprs: []introspect.Expr{introspect.Counter{}, introspect.Match{Name: "comment", Info: "back in\x00\x00\x00"}}}
	if got := comment(r); got != "back in" {
		t.Errorf("%q", got)
	}
	if r.Comment = "own"; comment(r) != "own" {
		t.Errorf("%q", comment(r))
	}
}

// TestExplainTruncated explains frames that end anywhere, of several kinds.
func TestExplainTruncated(t *testing.T) {
	b := newBed(t)
	s, err := introspect.ParseSnapshot([]byte(b.text))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ip 10.0.0.1 > 10.2.0.9 tcp", "ip 10.0.0.1 > 10.2.0.9 udp options 40", "ip6 2001:db8::1 > 2001:db8::2 tcp",
		"tag 7 ip 10.0.0.1 > 10.2.0.9"} {
		p, err := packet.Parse("iif r0 " + text)
		if err != nil {
			t.Fatal(err)
		}
		frame := p.Frame(packet.MAC{2, 0, 0, 0, 0, 0xf0})
		for n := range len(frame) {
			for _, more := range []string{"", "established "} {
				if _, err := Explain(s, b.options, "iif r0 "+more+"hex "+hex.EncodeToString(frame[:n])); err != nil {
					t.Errorf("%s, %d bytes: %v", text, n, err)
				}
			}
		}
	}
}

// TestExplainTranslated: where the kernel knows what becomes of the addresses of a connection's packets, routes and rules are
// told what they are by then; an answer to a masqueraded packet is not for the host.
func TestExplainTranslated(t *testing.T) {
	b := newBed(t)
	const tracked = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=nft name="ip n s" family=ip
hook kind=nft name="ip n f" family=ip
sysctl path=netfilter/nf_conntrack_acct value=0
sysctl path=netfilter/nf_conntrack_tcp_timeout_established value=432000
sysctl path=netfilter/nf_conntrack_udp_timeout_stream value=120
nft-table family=ip name=n handle=1
nft-chain family=ip table=n name=s handle=1 flags=0x1 base hook=4 priority=100 policy=1 type=nat
nft-chain family=ip table=n name=f handle=2 flags=0x1 base hook=2 policy=0 type=filter
nft-rule family=ip table=n chain=f handle=3 expr=payload,base:1,offset:16,len:4 expr=cmp,data:0a020009 expr=verdict,code:1
`
	s, err := introspect.ParseSnapshot([]byte(b.text + tracked))
	if err != nil {
		t.Fatal(err)
	}
	o := b.options
	o.Config.Conntrack, o.Kernel.Conntrack = config.Established, &emit.Conntrack{}
	const packet = "iif r0 ip 10.0.0.1 > 10.0.0.254 udp sport 9 dport 4000 established"
	if x, err := Explain(s, o, packet); err != nil || x.Reason != "local" || !strings.Contains(x.Tracking, "as if they were not") {
		t.Errorf("%+v %v", x, err)
	}
	at := netip.MustParseAddrPort
	o.Connection = func(protocol uint8, source, dest netip.AddrPort) (upkeep.Connection, bool, error) {
		known := protocol == 17 && source == at("10.0.0.1:9") && dest == at("10.0.0.254:4000")
		return upkeep.Connection{Source: source, Dest: at("10.2.0.9:1024"), Reply: true, Status: 1 << 4}, known, nil
	}
	x, err := Explain(s, o, packet)
	if err != nil || x.Path != "fast" || x.Out != "r1" || !strings.HasPrefix(x.Route, "10.2.0.0/16") || x.Ruleset != "accepted" ||
		!strings.Contains(x.Tracking, "to 10.2.0.9:1024") {
		t.Errorf("%+v %v", x, err)
	}
	without := strings.NewReplacer("hook kind=nft name=\"ip n s\" family=ip\n", "",
		"nft-chain family=ip table=n name=s handle=1 flags=0x1 base hook=4 priority=100 policy=1 type=nat\n", "").Replace(tracked)
	if s, err = introspect.ParseSnapshot([]byte(b.text + without)); err != nil { // the entry has outlived the chain
		t.Fatal(err)
	}
	if x, err = Explain(s, o, packet); err != nil || x.Path != "kernel" || strings.Contains(x.Tracking+x.Route, "10.2.0.") {
		t.Errorf("without a chain: %+v %v", x, err)
	}
}

// TestExplainUntracked: a packet of which a rule says notrack is told as one that has no connection, even if the kernel has
// one that would translate it.
func TestExplainUntracked(t *testing.T) {
	b := newBed(t)
	const tracked = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=nft name="ip n s" family=ip
hook kind=nft name="ip n r" family=ip
hook kind=nft name="ip n f" family=ip
sysctl path=netfilter/nf_conntrack_acct value=0
sysctl path=netfilter/nf_conntrack_tcp_timeout_established value=432000
sysctl path=netfilter/nf_conntrack_udp_timeout_stream value=120
nft-table family=ip name=n handle=1
nft-chain family=ip table=n name=s handle=1 flags=0x1 base hook=4 priority=100 policy=1 type=nat
nft-chain family=ip table=n name=r handle=2 flags=0x1 base hook=0 priority=-300 policy=1 type=filter
nft-rule family=ip table=n chain=r handle=3 expr=payload,base:2,offset:2,len:2 expr=cmp,data:0035 expr=notrack
nft-chain family=ip table=n name=f handle=4 flags=0x1 base hook=2 policy=0 type=filter
nft-rule family=ip table=n chain=f handle=5 expr=ct,key:0 expr=cmp,data:40000000 expr=verdict,code:1
`
	s, err := introspect.ParseSnapshot([]byte(b.text + tracked))
	if err != nil {
		t.Fatal(err)
	}
	o := b.options
	o.Config.Conntrack, o.Kernel.Conntrack = config.Established, &emit.Conntrack{}
	o.Connection = func(_ uint8, source, _ netip.AddrPort) (upkeep.Connection, bool, error) {
		return upkeep.Connection{Source: source, Dest: netip.MustParseAddrPort("10.0.0.77:53"), Status: 1 << 5}, true, nil
	}
	for _, established := range []string{"", " established"} {
		x, err := Explain(s, o, "iif r0 ip 10.0.0.1 > 10.2.0.9 udp dport 53"+established)
		if err != nil || x.Path != "fast" || x.Out != "r1" || x.Ruleset != "accepted" || !strings.HasPrefix(x.Tracking, "not tracked: ") ||
			len(x.Rules) != 3 || x.Rules[0].Outcome != "notrack" || x.Rules[2].Outcome != "accept" {
			t.Errorf("%s: %+v %v", established, x, err)
		}
	}
	x, err := Explain(s, o, "iif r0 ip 10.0.0.1 > 10.2.0.9 udp dport 54")
	if err != nil || x.Path != "kernel" || x.Ruleset != "dropped" || strings.Contains(x.Tracking, "not tracked") {
		t.Errorf("%+v %v", x, err)
	}
}

// TestExplainRoute: an explanation says what a route is that leads nowhere.
func TestExplainRoute(t *testing.T) {
	b := newBed(t)
	for kind, want := range map[string]string{"1": "10.9.0.0/16 table main dev r1", "6": "blackhole 10.9.0.0/16", "8": "prohibit 10.9.0.0/16"} {
		s, err := introspect.ParseSnapshot([]byte(b.text + "route dst=10.9.0.0/16 table=254 type=" + kind + " hop=dev:3\n"))
		if err != nil {
			t.Fatal(err)
		}
		if x, err := Explain(s, b.options, "iif r0 ip 10.0.0.1 > 10.9.0.9 udp"); err != nil || !strings.HasPrefix(x.Route, want) {
			t.Errorf("%+v %v", x, err)
		}
	}
}

// TestExplainCounters: where counters are exact, an explanation says that it is for these that the kernel has a packet.
func TestExplainCounters(t *testing.T) {
	b := newBed(t)
	s, err := introspect.ParseSnapshot([]byte(b.text + `hook kind=nft name="inet t f" family=inet
nft-table family=inet name=t handle=1
nft-chain family=inet table=t name=f handle=1 flags=0x1 base hook=2 policy=1 type=filter
nft-rule family=inet table=t chain=f handle=2 expr=counter
`))
	if err != nil {
		t.Fatal(err)
	}
	o := b.options
	for counters, want := range map[string]bool{config.Exact: true, config.Delta: false} {
		o.Config.Counters = counters
		x, err := Explain(s, o, "iif r0 ip 10.0.0.1 > 10.2.0.9 udp")
		if err != nil || x.Path == "kernel" != want || strings.Contains(x.Detail, "counters are exact") != want {
			t.Errorf("%s: %+v %v", counters, x, err)
		}
	}
}

// TestExplainRules: an explanation names rules, and says what the tracking of connections means.
func TestExplainRules(t *testing.T) {
	b := newBed(t)
	const tracked = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=nft name="inet t f" family=inet
nft-table family=inet name=t handle=1
nft-chain family=inet table=t name=f handle=1 flags=0x1 base hook=2 policy=0 type=filter
nft-rule family=inet table=t chain=f handle=2 comment=known expr=ct,key:0 expr=bitwise,len:4,mask:02000000,xor:00000000 expr=cmp,op:1,data:00000000 expr=verdict,code:1
`
	s, err := introspect.ParseSnapshot([]byte(b.text + tracked))
	if err != nil {
		t.Fatal(err)
	}
	o := b.options
	o.Config.Conntrack = config.Established
	for packet, want := range map[string][2]string{
		"iif r0 ip 10.0.0.1 > 10.2.0.9 tcp":             {"dropped", "taken for the first"},
		"iif r0 ip 10.0.0.1 > 10.2.0.9 tcp established": {"accepted", "neither its checksum"},
	} {
		x, err := Explain(s, o, packet)
		if err != nil || x.Ruleset != want[0] || !strings.Contains(x.Tracking, want[1]) || x.Rules[0].Comment != "known" {
			t.Errorf("%s: %+v %v", packet, x, err)
		}
	}
	o.Config.Conntrack = config.Exact
	if x, _ := Explain(s, o, "iif r0 ip 10.0.0.1 > 10.2.0.9 udp established"); x.Path != "kernel" || !strings.Contains(x.Tracking, "exact") {
		t.Errorf("%+v", x)
	}
}

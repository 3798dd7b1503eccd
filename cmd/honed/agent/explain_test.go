package agent

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
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

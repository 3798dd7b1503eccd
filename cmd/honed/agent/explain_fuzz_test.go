package agent

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/upkeep"
	"github.com/hone-net/hone/synth/emit"
)

// explainedRules ask for headers, ports, the connection and the way back of either family, and connections are translated.
const explainedRules = `hook kind=conntrack name="conntrack ip" family=ip
hook kind=conntrack name="conntrack ip6" family=ip6
hook kind=nft name="ip n s" family=ip
hook kind=nft name="inet n f"
sysctl path=netfilter/nf_conntrack_acct value=0
sysctl path=netfilter/nf_conntrack_tcp_timeout_established value=432000
sysctl path=netfilter/nf_conntrack_udp_timeout_stream value=120
nft-table family=ip name=n handle=1
nft-table family=inet name=n handle=1
nft-chain family=ip table=n name=s handle=1 flags=0x1 base hook=4 priority=100 policy=1 type=nat
nft-rule family=ip table=n chain=s handle=2 expr=payload,base:2,offset:2,len:2 expr=cmp,data:0035 expr=immediate,data:0400 expr=masq,proto-min:0,flags:2
nft-chain family=inet table=n name=d handle=1 flags=0x1 base priority=-100 policy=1 type=nat
nft-rule family=inet table=n chain=d handle=8 expr=payload,base:2,offset:2,len:2 expr=lookup,set:m,dreg:0 expr=nat,type:1,family:2,addr-min:0,proto-min:1
nft-rule family=inet table=n chain=d handle=9 expr=payload,base:2,offset:2,len:2 expr=cmp,data:0054 expr=payload,base:1,offset:12,len:16 expr=nat,type:1,family:10,addr-min:0,addr-max:0,flags:64
nft-rule family=inet table=n chain=d handle=10 expr=payload,base:2,offset:2,len:2 expr=cmp,data:0055 expr=payload,base:2,dreg:1,len:2 expr=redir,proto-min:1
nft-rule family=inet table=n chain=d handle=11 expr=fib,result:3,flags:2 expr=cmp,data:02000000 expr=nat,type:1,family:2,addr-min:9
nft-set family=inet table=n name=m handle=12 flags=0x8 key-type=0xd key-len=2 data-type=0x1cd data-len=8
nft-element family=inet table=n set=m key=0050 data=0a02000200510000
nft-element family=inet table=n set=m key=0051 data=0a020002
nft-chain family=inet table=n name=f handle=2 flags=0x1 base hook=2 policy=1 type=filter
nft-rule family=inet table=n chain=f handle=6 expr=ct,key:0 expr=bitwise,len:4,mask:02000000,xor:00000000 expr=cmp,op:1,data:00000000 expr=verdict,code:1
nft-rule family=inet table=n chain=f handle=3 expr=payload,base:1,offset:9,len:1 expr=cmp,data:01 expr=verdict
nft-rule family=inet table=n chain=f handle=4 expr=payload,base:2,offset:2,len:2 expr=cmp,data:0035 expr=verdict
nft-rule family=inet table=n chain=f handle=5 expr=payload,base:2,offset:40,len:4 expr=cmp,op:1,data:00000000 expr=verdict
nft-rule family=inet table=n chain=f handle=7 expr=payload,base:0,offset:6,len:6 expr=cmp,data:020000000001 expr=verdict
`

// explained are configurations, each with an interface that packets arrive on.
func explained(f *testing.F) (all []*introspect.Snapshot, names []string) {
	for _, c := range []struct{ files, rules, name string }{
		{"router", "", "r0"}, {"router router6", explainedRules, "r0"}, {"switch", "", "p0"}, {"switchrouter", "", "p0"},
		{"switchrouter", explainedRules, "p0"},
	} {
		var whole []byte
		for file := range strings.FieldsSeq(c.files) {
			text, err := os.ReadFile("../../../synth/testdata/" + file + ".txt")
			if err != nil {
				f.Fatal(err)
			}
			whole = append(whole, text...)
		}
		s, err := introspect.ParseSnapshot(append(whole, c.rules...))
		if err != nil {
			f.Fatalf("%s: %v", c.files, err)
		}
		if _, err := linkNamed(s, c.name); err != nil {
			f.Fatalf("%s: %v", c.files, err)
		}
		all, names = append(all, s), append(names, c.name)
	}
	return all, names
}

// explainedPackets are descriptions of packets, some of which are forwarded.
var explainedPackets = []string{"ip 10.1.0.2 > 192.0.2.9 tcp established", "ip 10.2.0.2 > 10.1.0.3 udp sport 7 established",
	"ip 10.1.0.2 > 192.0.2.9 udp dport 53 options 40", "ip 10.1.0.2 > 10.2.0.2 udp offset 8", "tag 7 ip 10.1.0.2 > 10.2.0.2",
	"ip 10.1.0.2 > 192.0.2.9 tcp dport 80", "ip 10.1.0.2 > 10.2.0.2 udp dport 81", "ip6 2001:db8:1::2 > 2001:db8:2::2 tcp dport 84", "ip 10.1.0.2 > 192.0.2.9 udp dport 85",
	"ip6 2001:db8:1::2 > 2001:db8:f::9 tcp established", "ip6 2001:db8:1::2 > 2001:db8:2::2 udp dport 53",
	"eth 02:00:00:00:01:02 > 02:00:00:00:02:02 ip 10.1.0.2 > 10.1.0.7 udp"}

// explainOptions take connections to be known to the kernel where their packet comes from an even port.
func explainOptions(f *testing.F) Options {
	c, err := config.Parse([]byte(`hook = "xdp"`))
	if err != nil {
		f.Fatal(err)
	}
	c.Conntrack = config.Established
	o := Options{Config: c, Kernel: testKernel, Connection: func(_ uint8, source, _ netip.AddrPort) (upkeep.Connection, bool, error) {
		to := netip.MustParseAddrPort("10.2.0.2:1024")
		if source.Addr().Is6() {
			to = netip.MustParseAddrPort("[2001:db8:2::2]:1024")
		}
		return upkeep.Connection{Source: source, Dest: to, Reply: true, Status: 1 << 4}, source.Port()&1 == 0, nil
	}}
	o.Kernel.Conntrack = &emit.Conntrack{}
	return o
}

// FuzzExplain explains whatever frame: there is always an explanation, and only what is forwarded leaves.
func FuzzExplain(f *testing.F) {
	all, names := explained(f)
	o := explainOptions(f)
	paths := map[string]int{}
	for i, s := range all {
		for _, text := range explainedPackets {
			x, err := Explain(s, o, "iif "+names[i]+" "+text)
			if err != nil {
				f.Fatal(err)
			}
			frame, _ := hex.DecodeString(x.Before)
			f.Add(uint8(i), strings.Contains(text, "established"), frame)
			paths[x.Path]++
		}
	}
	if paths["fast"] < len(all)-1 || paths["kernel"] < len(all) {
		f.Errorf("too few of a path: %v", paths)
	}
	f.Fuzz(func(t *testing.T, at uint8, established bool, frame []byte) {
		if len(frame) == 0 {
			return // no description of a frame
		}
		n, word := int(at)%len(all), ""
		if established {
			word = "established "
		}
		x, err := Explain(all[n], o, "iif "+names[n]+" "+word+"hex "+hex.EncodeToString(frame))
		if err != nil {
			t.Fatal(err)
		}
		leaves := x.Path == "fast"
		if x.Path != "kernel" && x.Path != "live" && !leaves || (x.Path == "kernel") != (x.Reason != "") || x.Before != hex.EncodeToString(frame) ||
			leaves && (x.Out == "" || x.After == "" || x.Ruleset == "dropped") {
			t.Errorf("%+v", x)
		}
	})
}

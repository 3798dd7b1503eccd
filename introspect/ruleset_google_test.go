package introspect

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

// Expressions of which github.com/google/nftables gives less than the kernel says, so that they are not compared: it
// passes over those that it does not know, shifts as masks, and leaves out keys and flags of the others.
var (
	unknownToGoogle = []string{"rt", "byteorder", "fwd", "dup", "last", "tproxy", "socket", "osf", "xfrm"}
	lessInGoogle    = []string{"shift", "nat", "redir", "masq", "limit", "quota", "dynset", "log", "exthdr", "exthdr-set", "connlimit", "reject", "hash",
		"numgen", "objref", "objref-map", "ct-set", "payload-set", "target", "queue", "opaque", "flow_offload", "synproxy"}
)

// theirs is an expression of the library as ours is.
func theirs(e expr.Any) (Expr, error) {
	var failed error
	reg := func(n uint32) Register {
		r, err := readRegister([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		if err != nil {
			failed = err
		}
		return r
	}
	switch e := e.(type) {
	case *expr.Payload:
		return Payload{reg(e.DestRegister), uint32(e.Base), e.Offset, e.Len}, failed
	case *expr.Meta:
		if e.SourceRegister {
			return MetaSet{reg(e.Register), uint32(e.Key)}, failed
		}
		return Meta{reg(e.Register), uint32(e.Key)}, failed
	case *expr.Cmp:
		return Cmp{reg(e.Register), uint32(e.Op), Data(e.Data)}, failed
	case *expr.Range:
		return Range{reg(e.Register), uint32(e.Op), Data(e.FromData), Data(e.ToData)}, failed
	case *expr.Bitwise:
		return Bitwise{reg(e.SourceRegister), reg(e.DestRegister), e.Len, Data(e.Mask), Data(e.Xor)}, failed
	case *expr.Immediate:
		return Immediate{reg(e.Register), Data(e.Data)}, failed
	case *expr.Verdict:
		return Verdict{int32(e.Kind), e.Chain}, failed
	case *expr.Lookup:
		l := Lookup{e.SetName, reg(e.SourceRegister), NoRegister, e.Invert}
		if e.IsDestRegSet {
			l.DReg = reg(e.DestRegister)
		}
		return l, failed
	case *expr.Ct:
		return Ct{reg(e.Register), uint32(e.Key), NoDirection}, failed
	case *expr.Counter:
		return Counter{}, nil
	case *expr.Notrack:
		return Notrack{}, nil
	case *expr.Fib:
		f := Fib{DReg: reg(e.Register)}
		for bit, set := range []bool{e.FlagSADDR, e.FlagDADDR, e.FlagMARK, e.FlagIIF, e.FlagOIF, e.FlagPRESENT} {
			if set {
				f.Flags |= 1 << bit
			}
		}
		for result, is := range map[uint32]bool{1: e.ResultOIF, 2: e.ResultOIFNAME, 3: e.ResultADDRTYPE} {
			if is {
				f.Result = result
			}
		}
		return f, failed
	case *expr.Match:
		info, err := xt.Marshal(xt.TableFamily(nftables.TableFamilyIPv4), e.Rev, e.Info)
		return Match{e.Name, e.Rev, Data(info)}, err
	}
	return nil, fmt.Errorf("%T is not compared", e)
}

// sameExprs compares a rule's expressions with those of the library.
func sameExprs(t *testing.T, rule string, ours []Expr, other []expr.Any) (compared int) {
	t.Helper()
	for _, e := range ours {
		word, _, _ := strings.Cut(ExprText(e), ",")
		if oneOfNames(unknownToGoogle, ExprName(e)) {
			continue
		}
		if len(other) == 0 {
			t.Errorf("%s: %s is not there", rule, ExprText(e))
			return compared
		}
		their := other[0]
		other = other[1:]
		if oneOfNames(lessInGoogle, word) {
			continue
		}
		got, err := theirs(their)
		if m, ok := got.(Match); ok && err == nil { // filled up by the kernel
			m.Info += Data(make([]byte, max(0, len(e.(Match).Info)-len(m.Info))))
			got = m
		}
		if err != nil || got != e {
			t.Errorf("%s: %s is %+v, %v", rule, ExprText(e), their, err)
		}
		compared++
	}
	if len(other) > 0 {
		t.Errorf("%s: %d expressions more: %T", rule, len(other), other[0])
	}
	return compared
}

func oneOfNames(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

const iptablesRules = `*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN -m comment --comment "x" -j DROP
-A FORWARD -p udp -m multiport --ports 53,1000:2000 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED --ctorigsrc 10.0.0.0/8 ! --ctreplsrcport 80:90 -j ACCEPT
-A FORWARD -m addrtype --dst-type LOCAL -p icmp -m icmp --icmp-type 8/0 -j ACCEPT
COMMIT
`

// TestGoogleAgrees has another decoder read the ruleset of the kernel.
func TestGoogleAgrees(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1")
		text := strings.Replace(everyExpression, "ct original ip saddr 10.0.0.1 ", "", 1) // it cannot read the direction
		if problem := loadRuleset(text); problem != "" {
			t.Log(problem)
		}
		c := exec.Command("iptables-nft-restore")
		c.Stdin = strings.NewReader(iptablesRules)
		if out, err := c.CombinedOutput(); err != nil {
			t.Logf("iptables-nft-restore: %v: %s", err, out)
		}
		k, err := openSensors()
		if err != nil {
			t.Error(err)
			return
		}
		defer k.close()
		s, err := k.readRuleset(new(Snapshot))
		conn, failed := nftables.New()
		if err != nil || failed != nil {
			t.Error(err, failed)
			return
		}
		rules, compared := 0, 0
		for key, c := range s.Chains.All() {
			table := &nftables.Table{Name: key.Table, Family: nftables.TableFamily(key.Family)}
			other, err := conn.GetRules(table, &nftables.Chain{Name: key.Name, Table: table})
			if err != nil || len(other) != len(c.Rules) {
				t.Errorf("%v: %d rules, not %d: %v", key, len(other), len(c.Rules), err)
				continue
			}
			for i, r := range c.Rules {
				if other[i].Handle != r.Handle {
					t.Errorf("%v: rule %d has handle %d", key, r.Handle, other[i].Handle)
				}
				rules++
				compared += sameExprs(t, fmt.Sprintf("%v rule %d", key, r.Handle), r.Exprs, other[i].Exprs)
			}
		}
		t.Logf("told: %d expressions of %d rules", compared, rules)
		if compared < 60 {
			t.Errorf("only %d expressions were compared", compared)
		}
	})
}

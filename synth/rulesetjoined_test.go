package synth

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// TestRulesSeeJoined: where the kernel joins packets before rules see them, these are not asked about one what is another
// thing of several; about anything else they are.
func TestRulesSeeJoined(t *testing.T) {
	accept, drop := introspect.Verdict{Code: introspect.VerdictAccept}, introspect.Verdict{Code: introspect.VerdictDrop}
	never := func(load introspect.Expr, size int) []introspect.Expr {
		return []introspect.Expr{load, introspect.Cmp{Data: introspect.Data(make([]byte, size))}, drop}
	}
	length := introspect.Meta{Key: unix.NFT_META_LEN}
	behindUDP := append([]introspect.Expr{introspect.Meta{Key: unix.NFT_META_L4PROTO}, introspect.Cmp{Data: "\x11"}}, never(length, 4)...)
	ports := [][]introspect.Expr{}
	for n := range byte(12) {
		port := introspect.Data([]byte{0x12, 0x60 + n})
		ports = append(ports, []introspect.Expr{portAt(2), introspect.Cmp{Data: port}, accept})
	}
	r0 := "link index=2 name=r0"
	on := swapped(t, router(t), r0, r0+" gro=1")
	texts := map[string]string{"off": router(t), "on": on, "of UDP, too": swapped(t, on, "gro=1", "gro=2"), "of a veth": veth(on)}
	for _, c := range []struct {
		name   string
		rules  [][]introspect.Expr
		joined bool
		udp    bool // for UDP alone
	}{
		{"length", [][]introspect.Expr{never(length, 4)}, true, false},
		{"total length", [][]introspect.Expr{never(header(2, 2), 2)}, true, false},
		{"identification", [][]introspect.Expr{never(header(4, 2), 2)}, true, false},
		{"sequence", [][]introspect.Expr{never(introspect.Payload{Base: 2, Offset: 4, Len: 4}, 4)}, true, false},
		{"destination", [][]introspect.Expr{never(header(16, 4), 4)}, false, false},
		{"length of UDP", [][]introspect.Expr{behindUDP}, false, true},
		{"ports before the length", append(ports, never(length, 4)), false, false},
		{"other ports before the length", append(ports[:3:3], never(length, 4)), true, false},
		{"no ports before the length", append(append([][]introspect.Expr{never(length, 4)}, ports...), []introspect.Expr{drop}), true, false},
	} {
		for gro, text := range texts {
			s := *parse(t, text)
			key := introspect.ChainKey{Family: unix.NFPROTO_IPV4, Table: "t", Name: "c"}
			s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
			chain := introspect.Chain{Key: key, Base: true, Type: "filter", Hook: 2, Policy: 1}
			for i, exprs := range c.rules {
				chain.Rules = append(chain.Rules, &introspect.ChainRule{Handle: uint64(i + 1), Exprs: exprs})
			}
			s.Chains = s.Chains.With(key, chain)
			b := rulesetBed(t, &ruler{s: s})
			for protocol, frame := range map[string][]byte{"TCP": datagram(put(23, 6), put(46, 0x50), repair), "UDP": datagram()} {
				want := slowpath.None
				if gro == "on" && c.joined && protocol == "TCP" || gro == "of UDP, too" && (c.joined || protocol == "UDP" && c.udp) {
					want = slowpath.RulesetMatch
				}
				if v := b.run(t, frame); v.Reason != want || (v.Kind == ir.RedirectExit) != (want == slowpath.None) {
					t.Errorf("%s, GRO %s: %s: %v, want %v", c.name, gro, protocol, v, want)
				}
				if w, _ := Walk(&s, 2, frame, nil); (w.End == filter.Passes) != (want == slowpath.None) {
					t.Errorf("%s, GRO %s: the walk of %s ends %v", c.name, gro, protocol, w.End)
				}
			}
		}
	}
}

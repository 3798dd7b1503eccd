package synth

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// effects are the expressions that do more than match, count and decide, or that hone does not know.
var effects = []introspect.Expr{
	introspect.PayloadSet{}, introspect.MetaSet{}, introspect.CtSet{}, introspect.ExtHdrSet{}, introspect.ExtHdrReset{},
	introspect.Limit{}, introspect.Quota{}, introspect.ConnLimit{}, introspect.Log{}, introspect.Reject{}, introspect.NAT{},
	introspect.Masquerade{}, introspect.Redirect{}, introspect.Numgen{}, introspect.Dynset{},
	introspect.ObjRefMap{}, introspect.ObjRef{Type: 2}, introspect.Queue{}, introspect.TProxy{}, introspect.Socket{},
	introspect.Synproxy{}, introspect.Last{}, introspect.Dup{}, introspect.Fwd{}, introspect.FlowOffload{}, introspect.OSF{},
	introspect.Xfrm{}, introspect.Target{Name: "ANY"}, introspect.Match{Name: "any"}, introspect.Opaque{Name: "inner"},
}

// TestEffectsAreTheKernels: a packet that reaches such an expression is the kernel's, with nothing counted, whatever stands
// behind; one that does not reach it is not.
func TestEffectsAreTheKernels(t *testing.T) {
	for _, e := range effects {
		for _, end := range []int32{introspect.VerdictDrop, introspect.VerdictAccept} {
			t.Run(fmt.Sprintf("%T %d", e, end), func(t *testing.T) {
				b := rulesetBed(t, &ruler{Rand: rand.New(rand.NewPCG(1, 1)), s: withEffect(t, e, end)})
				b.env.Tallied = nil
				if v := b.run(t, datagram(put(36, 0, 53))); v.Kind != ir.Punt || v.Reason == slowpath.RulesetDrop || len(b.counted()) > 0 {
					t.Errorf("%v, counted %v", v, b.counted())
				}
				if v := b.run(t, datagram(put(36, 0, 54))); v.Kind != ir.RedirectExit || len(b.counted()) != 2 {
					t.Errorf("beside it: %v, counted %v", v, b.counted())
				}
			})
		}
	}
}

// TestValuesOfMapsAreTheKernels: a packet for which a map has a value is the kernel's as soon as something asks for it; one
// for which it has none gets past the rule.
func TestValuesOfMapsAreTheKernels(t *testing.T) {
	key := introspect.SetKey{Family: 2, Table: "t", Name: "m"}
	set := introspect.Set{Key: key, KeyLen: 2, DataLen: 4, Flags: introspect.SetMap}
	look := introspect.Lookup{Set: "m", SReg: 8, DReg: 1}
	object := set
	object.Flags = introspect.SetObject
	for name, m := range map[string]struct {
		set   introspect.Set
		value introspect.Element
		exprs []introspect.Expr
	}{
		"set":     {set, introspect.Element{Data: "\x01\x00\x00\x00"}, []introspect.Expr{look, introspect.MetaSet{Key: 3, SReg: 1}}},
		"compare": {set, introspect.Element{Data: "\x01\x00\x00\x00"}, []introspect.Expr{look, introspect.Cmp{SReg: 1, Data: "\x02\x00\x00\x00"}}},
		"over":    {set, introspect.Element{Data: "\x01\x00\x00\x00"}, []introspect.Expr{introspect.Immediate{DReg: 1, Data: "\x02\x00\x00\x00"}, look, introspect.Cmp{SReg: 1, Data: "\x02\x00\x00\x00"}}},
		"object":  {object, introspect.Element{Object: "first"}, []introspect.Expr{introspect.ObjRefMap{SReg: 8, Set: "m"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := withEffect(t, introspect.Counter{}, introspect.VerdictContinue)
			m.value.Key = introspect.ElementKey{Key: "\x00\x35"}
			m.set.Elements = m.set.Elements.With(m.value.Key, m.value)
			s.Sets = s.Sets.With(key, m.set)
			chain := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
			c, _ := s.Chains.Get(chain)
			exprs := append([]introspect.Expr{introspect.Payload{Base: 2, Offset: 2, Len: 2, DReg: 8}}, m.exprs...)
			c.Rules = []*introspect.ChainRule{c.Rules[0], {Handle: 3, Exprs: append(exprs, introspect.Counter{})}, c.Rules[2]}
			s.Chains = s.Chains.With(chain, c)
			b := rulesetBed(t, &ruler{Rand: rand.New(rand.NewPCG(1, 1)), s: s})
			b.env.Tallied = nil
			if v := b.run(t, datagram(put(36, 0, 53))); v.Kind != ir.Punt || len(b.counted()) > 0 {
				t.Errorf("with a value: %v, counted %v", v, b.counted())
			}
			if v := b.run(t, datagram(put(36, 0, 54))); v.Kind != ir.RedirectExit || len(b.counted()) != 2 {
				t.Errorf("without a value: %v, counted %v", v, b.counted())
			}
		})
	}
}

// withEffect is a router that counts each packet, then has the expression for packets to port 53, and counts what is left.
func withEffect(t *testing.T, e introspect.Expr, end int32) introspect.Snapshot {
	s := *parse(t, router(t))
	blocklist(&s, 0, false)
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	c, _ := s.Chains.Get(key)
	c.Rules = []*introspect.ChainRule{
		{Handle: 2, Exprs: []introspect.Expr{introspect.Counter{}}},
		{Handle: 3, Exprs: []introspect.Expr{introspect.Payload{Base: 2, Offset: 2, Len: 2}, introspect.Cmp{Data: "\x00\x35"},
			introspect.Counter{}, e, introspect.Counter{}, code(end)}},
		{Handle: 4, Exprs: []introspect.Expr{introspect.Counter{}}},
	}
	s.Chains = s.Chains.With(key, c)
	return s
}

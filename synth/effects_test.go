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
	introspect.Masquerade{}, introspect.Redirect{}, introspect.Notrack{}, introspect.Numgen{}, introspect.Dynset{},
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

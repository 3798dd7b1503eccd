package oracle

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// plantedRules are mistakes about rulesets: what hone believes of one that is a little different, or what its program does.
var plantedRules = []plant{
	{fault{name: "ruleset: ignores a rule", snapshot: eachChain(func(c *introspect.Chain) { c.Rules = c.Rules[min(1, len(c.Rules)):] })}, "nft ports of tcp"},
	{fault{name: "ruleset: takes rules in another order", snapshot: eachChain(func(c *introspect.Chain) {
		c.Rules = slices.Clone(c.Rules)
		slices.Reverse(c.Rules)
	})}, "nft first match"},
	{fault{name: "ruleset: forgets a policy", snapshot: eachChain(func(c *introspect.Chain) { c.Policy = 1 })}, "nft policy drop"},
	{fault{name: "ruleset: forgets a chain before routing", snapshot: eachChain(func(c *introspect.Chain) {
		c.Base = c.Base && c.Hook != unix.NF_INET_PRE_ROUTING
	})}, "nft several chains"},
	{fault{name: "ruleset: ignores masks", snapshot: eachExpr(func(e introspect.Expr) introspect.Expr {
		if b, ok := e.(introspect.Bitwise); ok {
			b.Mask = introspect.Data(strings.Repeat("\xff", len(b.Mask)))
			return b
		}
		return e
	})}, "nft masks"},
	{fault{name: "ruleset: compares with another value", snapshot: eachExpr(func(e introspect.Expr) introspect.Expr {
		if c, ok := e.(introspect.Cmp); ok && len(c.Data) == 4 {
			c.Data = c.Data[:3] + introspect.Data(c.Data[3]^1)
			return c
		}
		return e
	})}, "nft addresses of ip"},
	{fault{name: "ruleset: takes different for equal", snapshot: eachExpr(func(e introspect.Expr) introspect.Expr {
		if c, ok := e.(introspect.Cmp); ok && c.Op == unix.NFT_CMP_NEQ {
			c.Op = unix.NFT_CMP_EQ
			return c
		}
		return e
	})}, "nft ports of udp"},
	{fault{name: "ruleset: comes back from a goto", snapshot: eachExpr(func(e introspect.Expr) introspect.Expr {
		if v, ok := e.(introspect.Verdict); ok && v.Code == unix.NFT_GOTO {
			v.Code = unix.NFT_JUMP
			return v
		}
		return e
	})}, "nft jumps"},
	{fault{name: "ruleset: forgets an element", snapshot: forgetful}, "nft named sets"},
	{fault{name: "ruleset: counts twice", program: eachHit(2)}, "nft ports of tcp"},
	{fault{name: "ruleset: does not count", program: eachHit(0)}, "nft ports of tcp"},
	{fault{name: "ruleset: does not notice a new rule", program: unmoved(slowpath.Any)}, "nft change: rule added"},
	{fault{name: "ruleset: does not notice a new element", program: unmoved(slowpath.Any)}, "nft change: element added"},
}

// eachChain changes the chains in a Snapshot.
func eachChain(change func(*introspect.Chain)) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for k, c := range s.Chains.All() {
			change(&c)
			s.Chains = s.Chains.With(k, c)
		}
	}
}

// eachExpr changes the expressions of all rules.
func eachExpr(change func(introspect.Expr) introspect.Expr) func(*introspect.Snapshot) {
	return eachChain(func(c *introspect.Chain) {
		c.Rules = slices.Clone(c.Rules)
		for i, r := range c.Rules {
			other := *r
			other.Exprs = nil
			for _, e := range r.Exprs {
				other.Exprs = append(other.Exprs, change(e))
			}
			c.Rules[i] = &other
		}
	})
}

// forgetful leaves out the first element of every set.
func forgetful(s *introspect.Snapshot) {
	for k, set := range s.Sets.All() {
		for first := range set.Elements.All() {
			set.Elements = set.Elements.Without(first)
			break
		}
		s.Sets = s.Sets.With(k, set)
	}
}

// eachHit notes what is to be counted so many times.
func eachHit(times int) func(*ir.Program) {
	return func(p *ir.Program) {
		last := 0
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				last = max(last, v.ID)
			}
		}
		for _, b := range p.Blocks {
			var all []*ir.Value
			for _, v := range b.Values {
				if v.Op != ir.OpHit {
					all = append(all, v)
					continue
				}
				for range times {
					last++
					again := *v
					again.ID = last
					all = append(all, &again)
				}
			}
			b.Values = all
		}
	}
}

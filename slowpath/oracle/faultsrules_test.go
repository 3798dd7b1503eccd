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
	{fault{name: "ruleset: ignores masks", snapshot: each(func(b introspect.Bitwise) introspect.Bitwise {
		b.Mask = introspect.Data(strings.Repeat("\xff", len(b.Mask)))
		return b
	})}, "nft masks"},
	{fault{name: "ruleset: compares with another value", snapshot: each(func(c introspect.Cmp) introspect.Cmp {
		if len(c.Data) == 4 {
			c.Data = c.Data[:3] + introspect.Data(c.Data[3]^1)
		}
		return c
	})}, "nft addresses of ip"},
	{fault{name: "ruleset: takes different for equal", snapshot: each(func(c introspect.Cmp) introspect.Cmp {
		if c.Op == unix.NFT_CMP_NEQ {
			c.Op = unix.NFT_CMP_EQ
		}
		return c
	})}, "nft ports of udp"},
	{fault{name: "ruleset: comes back from a goto", snapshot: each(func(v introspect.Verdict) introspect.Verdict {
		if v.Code == unix.NFT_GOTO {
			v.Code = unix.NFT_JUMP
		}
		return v
	})}, "nft jumps"},
	{fault{name: "ruleset: forgets an element", snapshot: forgetful}, "nft named sets"},
	{fault{name: "ruleset: counts twice", program: eachHit(2)}, "nft ports of tcp"},
	{fault{name: "ruleset: does not count", program: eachHit(0)}, "nft ports of tcp"},
	{fault{name: "ruleset: does not ask for the way back", program: without(slowpath.RulesetSource)}, "nft way back by this interface"},
	{fault{name: "ruleset: takes any way back", snapshot: each(func(f introspect.Fib) introspect.Fib {
		f.Flags &^= unix.NFTA_FIB_F_IIF
		return f
	})}, "nft way back by this interface"},
	{fault{name: "ruleset: does not notice that the way back moves", program: unmoved(slowpath.Any)}, "nft change: way back moves"},
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

// each changes the expressions of one type in all rules.
func each[E introspect.Expr](change func(E) E) func(*introspect.Snapshot) {
	return eachChain(func(c *introspect.Chain) {
		c.Rules = slices.Clone(c.Rules)
		for i, r := range c.Rules {
			other := *r
			other.Exprs = nil
			for _, e := range r.Exprs {
				if one, ok := e.(E); ok {
					e = change(one)
				}
				other.Exprs = append(other.Exprs, e)
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

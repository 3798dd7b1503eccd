package filter

import (
	"cmp"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Path is what the ruleset means to the packets of an ingress: the base chains that they pass, in order.
type Path struct {
	snapshot  *introspect.Snapshot
	in        Ingress
	early     []*body // those before the tracking, where these say which packets are not tracked
	bases     []*body // all others
	untracked *Path   // of the packets that are not tracked then; nil where there are none
	bodies    map[bodyKey]*body
	plans     map[*region]*plan
	sets      map[introspect.SetKey]*contents
	reader    reader
}

// body is the rules of a chain, as packets meet them at one place.
type body struct {
	chain introspect.Chain
	at    place
	rules []rule
	runs  map[int]*run // by their first rule; those of which it is known
}

type bodyKey struct {
	chain introspect.ChainKey
	at    place
}

// Hooks are the hooks of forwarded packets, in their order.
var Hooks = []uint32{hookPreRouting, hookForward, hookPostRouting}

// families are the families of chains that see packets of IPv4 or IPv6, as nft names them.
var families = map[uint8]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}

// New finds the chains that the packets of an ingress pass. Chains that translate addresses see the first packet of a
// connection only, which is the kernel's in any case.
func New(s *introspect.Snapshot, in Ingress) *Path {
	if in.Tracked && precedes(s) {
		parted := in
		parted.tracking = divided
		if p := build(s, parted); p.divide() {
			return p
		}
	}
	return build(s, in)
}

// build is New for packets of one kind.
func build(s *introspect.Snapshot, in Ingress) *Path {
	p := &Path{snapshot: s, in: in, bodies: map[bodyKey]*body{}, plans: map[*region]*plan{}, sets: map[introspect.SetKey]*contents{}}
	for _, c := range s.Chains.All() {
		if c.Type != "nat" && p.sees(c) && slices.Contains(Hooks, c.Hook) {
			p.bases = append(p.bases, p.body(c, place{hook: c.Hook, priority: c.Priority}))
		}
	}
	slices.SortStableFunc(p.bases, func(a, b *body) int {
		return cmp.Or(cmp.Compare(a.at.hook, b.at.hook), cmp.Compare(a.at.priority, b.at.priority))
	})
	return p
}

// sees tells whether a chain is on a hook of the packets' family.
func (p *Path) sees(c introspect.Chain) bool {
	return c.Base && (c.Key.Family == p.in.family() || c.Key.Family == unix.NFPROTO_INET)
}

// Empty tells whether no chain sees the packets, but for those that WriteEarly writes.
func (p *Path) Empty() bool { return len(p.bases) == 0 }

// body reads a chain for a place, once.
func (p *Path) body(c introspect.Chain, at place) *body {
	key := bodyKey{c.Key, at}
	if b, ok := p.bodies[key]; ok {
		return b
	}
	b := &body{chain: c, at: at, runs: map[int]*run{}}
	p.bodies[key] = b
	for _, r := range c.Rules {
		steps := p.read(&b.chain, r, at)
		if len(steps) == 0 {
			continue
		}
		b.rules = append(b.rules, rule{&b.chain, r, steps})
		if steps[0].ends() && steps[0].kind != stepChoose && !passes(steps[0]) && p.in.tracking != untracked {
			break // no packet gets past it; but those that are not tracked may have begun behind it
		}
	}
	return b
}

// passes tells whether packets may come back from the verdict of a step.
func passes(s step) bool {
	return s.kind == stepDecide && s.verdicts[0].Code == introspect.VerdictJump
}

// target is the chain that a verdict leads to, if it is understood.
func (p *Path) target(from *body, v introspect.Verdict) (*body, bool) {
	c, ok := p.snapshot.Chains.Get(introspect.ChainKey{Family: from.chain.Key.Family, Table: from.chain.Key.Table, Name: v.Chain})
	if !ok || len(c.Unknown) > 0 {
		return nil, false
	}
	return p.body(c, from.at), true
}

package filter

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// priorityTracks is where in prerouting the kernel finds a packet's connection (NF_IP_PRI_CONNTRACK). A rule before it that
// says notrack sees to it that the packet has none, however far it goes: nothing translates its addresses, and what rules
// ask of a connection ends them (nft_ct_get_eval, xt_conntrack). Which of two hooks of one priority comes first nobody tells.
const priorityTracks = -200

// tracking says which packets a Path is for.
type tracking uint8

const (
	followed  tracking = iota // nothing is known of their connections but what programs find out
	divided                   // rules before the tracking may say notrack; behind it, those that are tracked
	untracked                 // those of which such a rule has said so
)

// connectionless is what a packet without a connection has instead, at some place.
type connectionless uint8

const (
	someConnection connectionless = iota // it may have one
	noneYet
	neverAny
)

// state is the packet's NFT_CT_STATE: untracked, or, before the tracking, what is said of invalid packets, too.
func (c connectionless) state() uint32 {
	const invalid = 1
	if c == neverAny {
		return ctStateUntracked
	}
	return invalid
}

// before tells whether a place is before the tracking, in the path of all packets.
func (at place) before() bool { return at.hook == hookPreRouting && at.priority < priorityTracks }

// without tells what packets have at a place.
func (in Ingress) without(at place) connectionless {
	switch {
	case in.tracking == untracked:
		return neverAny
	case in.tracking == divided && at.before():
		return noneYet
	}
	return someConnection
}

// untrack does what notrack does. To packets that are not tracked, whatever rules say, it does nothing, nor to those whose
// connection is known by then.
func (d *reader) untrack(e introspect.Expr) {
	switch {
	case !d.in.Tracked, d.has == neverAny, d.at.hook != hookPreRouting, d.at.priority > priorityTracks:
	case d.has == noneYet:
		d.steps = append(d.steps, step{kind: stepUntrack})
		d.has = neverAny
	default:
		d.leave(e, reasonOf(e))
	}
}

// connFact is a fact of the packet's connection; constant where it has none, and nil where programs cannot tell.
func (d *reader) connFact(key uint32) []cell {
	switch {
	case d.has == someConnection:
		return connCells(key, introspect.NoDirection, d.in.Six)
	case key == unix.NFT_CT_STATE:
		return native(d.has.state())
	}
	return native(0)
}

// precedes tells whether base chains before the tracking may say notrack: whether it is worth to read them.
func precedes(s *introspect.Snapshot) bool {
	early, says := false, false
	for _, c := range s.Chains.All() {
		early = early || c.Base && place{hook: c.Hook, priority: c.Priority}.before()
	}
	if !early {
		return false
	}
	for _, c := range s.Chains.All() {
		says = says || slices.ContainsFunc(c.Rules, func(r *introspect.ChainRule) bool {
			return slices.ContainsFunc(r.Exprs, introspect.Untracks)
		})
	}
	return says
}

// divide parts the base chains if some of those before the tracking may say notrack to packets of the ingress.
func (p *Path) divide() bool {
	n := 0
	for n < len(p.bases) && p.bases[n].at.before() {
		n++
	}
	seen := map[*body]bool{}
	if !slices.ContainsFunc(p.bases[:n], func(b *body) bool { return p.untracks(b, seen) }) || p.unordered(p.bases[:n]) {
		return false
	}
	in := p.in
	in.tracking = untracked
	p.early, p.bases = p.bases[:n], p.bases[n:]
	p.untracked = build(p.snapshot, in)
	p.untracked.early, p.untracked.bases = p.untracked.bases[:n], p.untracked.bases[n:]
	return true
}

// unordered tells whether one of some base chains may say notrack and another one of the same priority ask for connections. The
// kernel asks the chain first that came to its hook last (nf_hook_entries_grow), and nothing shows which one that was.
func (p *Path) unordered(all []*body) bool {
	for i, b := range all {
		for n, o := range all {
			if i != n && b.at == o.at && p.untracks(b, map[*body]bool{}) && p.asksTracking(o.chain.Key.Of()) {
				return true
			}
		}
	}
	return false
}

// asksTracking tells whether any rule of a table asks for connections. What else may do so is left to the kernel.
func (p *Path) asksTracking(t introspect.TableKey) bool {
	asks := func(e introspect.Expr) bool {
		if m, ok := e.(introspect.Match); ok {
			return m.Name == "conntrack" || m.Name == "state"
		}
		_, ok := e.(introspect.Ct)
		return ok
	}
	for key, c := range p.snapshot.Chains.All() {
		if key.Of() == t && slices.ContainsFunc(c.Rules, func(r *introspect.ChainRule) bool { return slices.ContainsFunc(r.Exprs, asks) }) {
			return true
		}
	}
	return false
}

// untracks tells whether a chain may say notrack, or one that it leads to.
func (p *Path) untracks(b *body, seen map[*body]bool) bool {
	if seen[b] {
		return false
	}
	seen[b] = true
	for _, r := range b.rules {
		for _, s := range r.steps {
			if s.kind == stepUntrack {
				return true
			}
			for _, v := range s.all() {
				if to, ok := p.target(b, v); ok && v.Chain != "" && p.untracks(to, seen) {
					return true
				}
			}
		}
	}
	return false
}

// all are the verdicts of a step.
func (s step) all() []introspect.Verdict {
	if s.rest != nil {
		return append(slices.Clone(s.verdicts), *s.rest)
	}
	return s.verdicts
}

// Untracked is the Path of the packets of which a rule before the tracking says that they are not tracked; nil if none does.
func (p *Path) Untracked() *Path { return p.untracked }

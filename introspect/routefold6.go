package introspect

import (
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// merge6 follows fib6_add_rt2node and fib6_del_route. To the kernel the ways of a multipath route are routes of their own,
// siblings, which it announces together or one by one:
//
//   - several at once are announced as the whole route, from the first;
//   - a single one is announced with its older siblings behind it, and stands behind them;
//   - a replacement is announced alone, be it of a route with siblings; if there are others beside, it depends on whether
//     they may have siblings which of them it has replaced;
//   - a deletion is announced with all ways, or with the one that is gone.
//
// Each way has metrics and an end of its own, but only those of the first are shown. And a dump passes over the routes
// that stand between siblings without being one. Where that may be so, a multipath route that becomes another is in doubt.
func merge6(equals []Route, r Route, m message) ([]Route, bool) {
	merged, ok := place(equals, r, m)
	several := func(e Route) bool { return len(e.Hops) > 1 }
	ways := slices.ContainsFunc(equals, several)
	return merged, ok && !(m.hidden && ways) && !(len(merged) > 1 && (ways || slices.ContainsFunc(merged, several)))
}

// place adds a route to its equals, or takes it away.
func place(equals []Route, r Route, m message) ([]Route, bool) {
	same := slices.IndexFunc(equals, r.same)
	switch {
	case m.gone && same >= 0:
		return slices.Delete(equals, same, same+1), true
	case m.gone:
		return without(equals, r)
	case same >= 0:
		equals[same] = r
		return equals, true
	case m.flags&netlink.Multi != 0 || len(equals) == 0:
		return append(equals, r), true
	case m.flags&netlink.Replace != 0:
		return []Route{r}, len(equals) == 1
	case len(r.Hops) <= 1:
		return append(equals, r), true
	}
	return joined(equals, r)
}

// without takes one way off the route that has it, if the one that is shown stays.
func without(equals []Route, r Route) ([]Route, bool) {
	if len(equals) != 1 || len(r.Hops) != 1 || len(equals[0].Hops) < 2 {
		return equals, len(equals) == 0
	}
	e := equals[0]
	at := slices.IndexFunc(e.Hops, r.Hops[0].same)
	if at <= 0 {
		return equals, false
	}
	e.Hops = slices.Delete(slices.Clone(e.Hops), at, at+1)
	return []Route{e.alone()}, true
}

// alone gives a route whose last sibling has gone the flags that a dump shows.
func (r Route) alone() Route {
	if len(r.Hops) == 1 {
		r.Flags = r.Flags&^rtnhFlags | uint32(r.Hops[0].Flags)
		r.Hops[0].Weight = 0 // a single way shows none
	}
	return r
}

// joined adds the ways of a route to that among its equals which has the others.
func joined(equals []Route, r Route) ([]Route, bool) {
	for i, e := range equals {
		if whole, ok := grown(e.Hops, r.Hops); ok {
			e.Hops, e.Flags = whole, e.Flags&^rtnhFlags
			equals[i] = e
			return equals, true
		}
	}
	return equals, false
}

// grown puts the ways of an announcement into the order of a dump: the older come first.
func grown(old, announced []Hop) ([]Hop, bool) {
	if len(announced) <= len(old) {
		return nil, false
	}
	if slices.EqualFunc(old, announced[:len(old)], Hop.same) {
		return announced, true
	}
	if len(announced) == len(old)+1 && slices.EqualFunc(old, announced[1:], Hop.same) {
		return append(slices.Clone(announced[1:]), announced[0]), true
	}
	return nil, false
}

// same tells whether two ways are the same one to the kernel: it does not look at the weight, nor at the state.
func (h Hop) same(o Hop) bool {
	return h.Index == o.Index && h.Via == o.Via && h.Encap == o.Encap && h.Object == o.Object &&
		(h.Flags^o.Flags)&unix.RTNH_F_ONLINK == 0
}

package introspect

import (
	"cmp"
	"net/netip"

	"golang.org/x/sys/unix"
)

// use names what routes depend on: a nexthop object, a device that their hops take for dead, without carrier or well, or
// their preferred source, with a device.
type use struct {
	source netip.Addr
	object bool
	id     Index // 0 beside a source where there is no device
	state  uint8 // RTNH_F_DEAD, RTNH_F_LINKDOWN; of an object, whether the routes are shown as blackholes
}

const hopState = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN

// stateless is the state of hops of IPv6 routes to the host itself: the kernel never marks those.
const stateless = 0xff

// holed is the state of routes to a nexthop object that are shown as blackholes, or are not.
func holed(yes bool) uint8 {
	if yes {
		return 1
	}
	return 0
}

// Compare orders uses, those of one thing next to one another.
func (u use) Compare(o use) int {
	object := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(u.source.Compare(o.source), cmp.Compare(object(u.object), object(o.object)), u.id.Compare(o.id), cmp.Compare(u.state, o.state))
}

type count int

// Equal tells whether two counts are the same.
func (c count) Equal(o count) bool { return c == o }

// uses counts the routes by what they depend on. Many a message asks for it, and a full table is long to search.
type uses struct {
	of     Map[RouteKey, Route] // the routes that were counted, all of one family
	counts Map[use, count]
	holes  count // those to nexthop objects that are shown as blackholes
}

// each calls f for everything that a route depends on, which is kept without its key, and so without its family.
func (r *Route) each(six bool, f func(use)) {
	if r.Object != 0 {
		f(use{object: true, id: Index(r.Object), state: holed(r.Type == unix.RTN_BLACKHOLE)})
	}
	for _, h := range r.Hops {
		state := h.Flags & hopState
		if six && (r.Type == unix.RTN_LOCAL || r.Type == unix.RTN_ANYCAST) {
			state = stateless
		}
		f(use{id: h.Index, state: state})
		if r.PrefSrc.Is4() {
			f(use{source: r.PrefSrc, id: h.Index})
		}
	}
	if r.PrefSrc.Is4() && len(r.Hops) == 0 {
		f(use{source: r.PrefSrc})
	}
}

// after returns the uses of other routes, which costs what they differ in from those that were counted.
func (u uses) after(now Map[RouteKey, Route], six bool) uses {
	if u.of.root == now.root {
		return u
	}
	routes := map[*Route]count{} // many are the same one
	diff(u.of.root, now.root, func(a, b *node[RouteKey, Route]) bool {
		if a != nil {
			routes[a.value]--
		}
		if b != nil {
			routes[b.value]++
		}
		return true
	})
	delta := map[use]count{}
	for r, n := range routes {
		r.each(six, func(u use) { delta[u] += n })
	}
	counts, holes := u.counts, u.holes
	for k, d := range delta {
		if k.object && k.state == holed(true) {
			holes += d
		}
		old, _ := counts.Get(k)
		if old+d > 0 {
			counts = counts.With(k, old+d)
		} else {
			counts = counts.Without(k)
		}
	}
	return uses{now, counts, holes}
}

// countUses brings the uses up to the routes.
func (s *Snapshot) countUses() {
	s.uses4, s.uses6 = s.uses4.after(s.Routes4, false), s.uses6.after(s.Routes6, true)
}

// usedBy tells which routes depend on a nexthop object or, in any state, on a device.
func (s *Snapshot) usedBy(u use) Kind { return s.usedIn(u, anyState) }

func anyState(uint8) bool { return true }

// usedIn tells which routes depend on a thing and take it for a state of which f is true.
func (s *Snapshot) usedIn(u use, f func(state uint8) bool) (kinds Kind) {
	if s.uses4.after(s.Routes4, false).any(u, f) {
		kinds |= Routes4
	}
	if s.uses6.after(s.Routes6, true).any(u, f) {
		kinds |= Routes6
	}
	return kinds
}

func (a uses) any(u use, f func(state uint8) bool) bool {
	for k := range a.counts.From(u) {
		if k.source != u.source || k.object != u.object || k.id != u.id {
			break
		}
		if f(k.state) {
			return true
		}
	}
	return false
}

// sourcesOver finds the links that IPv4 routes with a preferred source lead over. It does not know all where a route
// shows none.
func (s *Snapshot) sourcesOver(source netip.Addr) (links []Index, all bool) {
	for k := range s.uses4.after(s.Routes4, false).counts.From(use{source: source}) {
		if k.source != source {
			break
		}
		if k.id == 0 {
			return nil, false
		}
		links = append(links, k.id)
	}
	return links, true
}

// routesOver counts the IPv4 routes over a link; one that leads over it more than once counts as often.
func (s *Snapshot) routesOver(i Index) (n int) {
	for k, c := range s.uses4.after(s.Routes4, false).counts.From(use{id: i}) {
		if k.source.IsValid() || k.object || k.id != i {
			break
		}
		n += int(c)
	}
	return n
}

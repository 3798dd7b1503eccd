package introspect

import (
	"cmp"

	"golang.org/x/sys/unix"
)

// use names what routes depend on: a nexthop object, or a device that their hops take for dead, without carrier or well.
type use struct {
	object bool
	id     Index
	state  uint8 // RTNH_F_DEAD, RTNH_F_LINKDOWN
}

const hopState = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN

// Compare orders uses, those of one thing next to one another.
func (u use) Compare(o use) int {
	object := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(object(u.object), object(o.object)), u.id.Compare(o.id), cmp.Compare(u.state, o.state))
}

type count int

// Equal tells whether two counts are the same.
func (c count) Equal(o count) bool { return c == o }

// uses counts the routes by what they depend on. Many a message asks for it, and a full table is long to search.
type uses struct {
	of     Map[RouteKey, Route] // the routes that were counted
	counts Map[use, count]
}

// each calls f for everything that a route depends on.
func (r *Route) each(f func(use)) {
	if r.Object != 0 {
		f(use{object: true, id: Index(r.Object)})
	}
	for _, h := range r.Hops {
		f(use{id: h.Index, state: h.Flags & hopState})
	}
}

// after returns the uses of other routes, which costs what they differ in from those that were counted.
func (u uses) after(now Map[RouteKey, Route]) uses {
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
		r.each(func(u use) { delta[u] += n })
	}
	counts := u.counts
	for k, d := range delta {
		old, _ := counts.Get(k)
		if old+d > 0 {
			counts = counts.With(k, old+d)
		} else {
			counts = counts.Without(k)
		}
	}
	return uses{now, counts}
}

// isUsed tells whether any route depends on a nexthop object or, in any state, on a device.
func (s *Snapshot) isUsed(u use) bool { return s.anyUse(u, func(uint8) bool { return true }) }

// anyUse tells whether any route that depends on a thing takes it for a state of which f is true.
func (s *Snapshot) anyUse(u use, f func(state uint8) bool) bool {
	for k := range s.uses.after(s.Routes4).counts.From(u) {
		if k.object != u.object || k.id != u.id {
			break
		}
		if f(k.state) {
			return true
		}
	}
	return false
}

package introspect

import "cmp"

// use names what routes depend on: a device, or a nexthop object.
type use struct {
	object bool
	id     Index
}

// Compare orders uses.
func (u use) Compare(o use) int {
	object := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(object(u.object), object(o.object)), u.id.Compare(o.id))
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
		f(use{true, Index(r.Object)})
	}
	for _, h := range r.Hops {
		f(use{false, h.Index})
	}
}

// after returns the uses of other routes, which costs what they differ in from those that were counted.
func (u uses) after(now Map[RouteKey, Route]) uses {
	if u.of.root == now.root {
		return u
	}
	delta := map[use]count{}
	for c := range DiffMaps(u.of, now) {
		if c.Old != nil {
			c.Old.each(func(u use) { delta[u]-- })
		}
		if c.New != nil {
			c.New.each(func(u use) { delta[u]++ })
		}
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

// isUsed tells whether any route depends on u.
func (s *Snapshot) isUsed(u use) bool {
	_, used := s.uses.after(s.Routes4).counts.Get(u)
	return used
}

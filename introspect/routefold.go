package introspect

import (
	"slices"

	"github.com/mdlayher/netlink"
)

// foldRoute changes the routes that are equal to that of a message, in the order in which a dump shows them.
func foldRoute(s *Snapshot, m message, e *Effect) (bool, error) {
	r, ok, err := decodeRoute(m.data)
	if err != nil || !ok {
		return false, err
	}
	changed, ok := s.merge(r, s.equals(r.Key), m)
	if !ok {
		e.Resync |= r.Key.kind() // another than the one that we know: only the kernel can say what is left
	}
	s.countUses()
	return changed, nil
}

// merge folds a route into its equals. It leaves the uses to be counted, which is better done of many changes at once.
func (s *Snapshot) merge(r Route, equals []Route, m message) (changed, ok bool) {
	merge := merge4
	if r.Key.six() {
		merge = merge6
	}
	after, ok := merge(slices.Clone(equals), r, m)
	if !ok {
		return false, false
	}
	return s.replaceEquals(r.Key, equals, after), true
}

// merge4 keeps the order of equal routes as the kernel's fib_table_insert does: a replacement takes the place of the first
// of them, an appended one comes last, any other first.
func merge4(equals []Route, r Route, m message) ([]Route, bool) {
	same := slices.IndexFunc(equals, r.same)
	switch {
	case m.gone && same < 0:
		return equals, len(equals) == 0
	case m.gone:
		return slices.Delete(equals, same, same+1), true
	case same >= 0:
		equals[same] = r // nexthop flags
		return equals, true
	case m.flags&netlink.Replace != 0 && len(equals) > 0:
		equals[0] = r
		return equals, true
	case m.flags&(netlink.Append|netlink.Multi) != 0:
		return append(equals, r), true
	}
	return slices.Insert(equals, 0, r), true
}

// six tells whether the route is one of IPv6, kind which kind it is of.
func (k RouteKey) six() bool { return k.Dst.Addr().Is6() }

func (k RouteKey) kind() Kind {
	if k.six() {
		return Routes6
	}
	return Routes4
}

// routes are those of one kind.
func (s *Snapshot) routes(k Kind) *Map[RouteKey, Route] {
	if k == Routes6 {
		return &s.Routes6
	}
	return &s.Routes4
}

// setEquals replaces the routes that are equal to a key but for Seq, and tells whether that changed anything.
func (s *Snapshot) setEquals(k RouteKey, before, after []Route) bool {
	changed := s.replaceEquals(k, before, after)
	s.countUses()
	return changed
}

// replaceEquals does the same and leaves the uses to be counted. Of link-local and multicast prefixes there are as many
// routes as devices.
func (s *Snapshot) replaceEquals(k RouteKey, before, after []Route) bool {
	routes := s.routes(k.kind())
	root := routes.root
	for i, r := range after {
		if r.Key = keyAt(k, i); i >= len(before) || !before[i].Equal(r) {
			*routes = routes.With(r.Key, r)
		}
	}
	for i := len(after); i < len(before); i++ {
		*routes = routes.Without(keyAt(k, i))
	}
	return routes.root != root
}

func keyAt(k RouteKey, i int) RouteKey {
	k.Seq = uint32(i)
	return k
}

// equals returns the routes that differ from k in Seq only, in order.
func (s *Snapshot) equals(k RouteKey) []Route { return equalsIn(*s.routes(k.kind()), k) }

func equalsIn(routes Map[RouteKey, Route], k RouteKey) (all []Route) {
	k.Seq = 0
	for key, r := range routes.From(k) {
		if keyAt(key, 0) != k {
			break
		}
		all = append(all, r)
	}
	return all
}

// same tells whether two routes of equal keys are the same one to the kernel: alike in all but flags, which follow the
// state of the devices.
func (r Route) same(o Route) bool {
	o.Key, o.Flags = r.Key, r.Flags
	if r.Protocol != o.Protocol || len(r.Hops) != len(o.Hops) {
		return false
	}
	hops := slices.Clone(o.Hops)
	for i := range hops {
		hops[i].Flags = r.Hops[i].Flags
	}
	o.Hops = hops
	return r.Equal(o)
}

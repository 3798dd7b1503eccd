package introspect

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// When a link goes down or loses an address, the kernel takes away and marks IPv4 routes in silence, but only those that
// lead over this link. A full table takes a second to read; those over one link are told by a dump that the kernel filters,
// which is soon over. What it does not show any more is gone, and what leads elsewhere is as it was announced.

// overLinks are doubts about the routes over some links: about those of the keys, or about all where there are none.
type overLinks map[Index]map[RouteKey]bool

// all doubts all routes over a link.
func (o *overLinks) all(i Index) {
	if *o == nil {
		*o = overLinks{}
	}
	(*o)[i] = nil
}

// key doubts the routes of a key over a link.
func (o *overLinks) key(i Index, k RouteKey) {
	keys, there := (*o)[i]
	switch {
	case there && keys == nil:
		return
	case *o == nil:
		*o = overLinks{}
	}
	if keys == nil {
		keys = map[RouteKey]bool{}
	}
	keys[k] = true
	(*o)[i] = keys
}

// whole tells whether all routes over some link are in doubt.
func (o overLinks) whole() bool {
	for _, keys := range o {
		if keys == nil {
			return true
		}
	}
	return false
}

// singles are the keys in doubt, each by itself.
func (t *staleRoutes) singles() iter.Seq[RouteKey] {
	return func(yield func(RouteKey) bool) {
		for _, keys := range append(slices.Collect(maps.Values(t.over)), t.keys) {
			for k := range keys {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// over tells whether a route leads over a link.
func (r *Route) over(i Index) bool {
	return slices.ContainsFunc(r.Hops, func(h Hop) bool { return h.Index == i })
}

// link finds one of the links that a route leads over.
func (o overLinks) link(r *Route) (Index, bool) {
	for _, h := range r.Hops {
		if _, ok := o[h.Index]; ok {
			return h.Index, true
		}
	}
	return 0, false
}

// doubtedLink finds a link that is in doubt, or being read, and that one of some routes leads over, and tells whether it
// is the one way of each.
func (t *staleRoutes) doubtedLink(routes []Route) (link Index, only, ok bool) {
	only = true
	for i := range routes {
		r := &routes[i]
		l, found := t.over.link(r)
		if !found {
			l, found = t.reading.link(r)
		}
		if found && link == 0 {
			link, ok = l, true
		}
		only = only && found && l == link
	}
	return link, only && ok, ok
}

// selective tells whether the routes over some links are all that is in doubt, and few enough to be asked for.
func (w *Watcher) selective(t *staleRoutes) bool {
	if t.whole || len(t.keys) > 0 || t.seams.any() || len(t.over) == 0 || len(t.over) > maxOver || t.restless > maxRestless {
		return false
	}
	n := 0
	for i := range t.over {
		n += w.s.routesOver(i)
	}
	return n <= w.s.Routes4.Len()/overShare || n <= fewRoutes
}

const (
	maxOver   = 8    // links that are asked for one by one
	overShare = 8    // part of the table from which on all of it is read
	fewRoutes = 1000 // that are asked for anyway
)

// refreshOver asks for the routes over some links.
func (w *Watcher) refreshOver() error {
	doubts := w.openWindow(Routes4)
	shown := map[Index]dumpedOver{}
	for i := range doubts.over {
		var err error
		if shown[i], err = dumpOver(w.route, i); err != nil {
			return err
		}
	}
	return w.closeOver(doubts, shown)
}

// dumpedOver is what a dump has shown of the routes over a link.
type dumpedOver struct {
	routes Map[RouteKey, Route]
	seams  seams
}

// dumpOver dumps the IPv4 routes over a link; there are none over one that is gone.
func dumpOver(c *netlink.Conn, i Index) (dumpedOver, error) {
	body := native.AppendUint16(header(unix.SizeofRtMsg, unix.AF_INET), 8)
	body = native.AppendUint32(native.AppendUint16(body, unix.RTA_OIF), uint32(i))
	var b routeBuilder
	err := askParts(c, request{unix.RTM_GETROUTE, body}, b.again, b.add, b.part)
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return dumpedOver{}, fmt.Errorf("introspect: dump routes over link %d: %w", i, err)
	}
	// Of a VRF it shows those over its ports, too, and all that use a nexthop object over the link.
	d := dumpedOver{seams: b.seams()}
	b.routes = slices.DeleteFunc(b.routes, func(n *node[RouteKey, Route]) bool { return !n.value.over(i) })
	d.routes = b.build()
	return d, nil
}

// closeOver folds what was announced since, and settles the doubts that the dumps can.
func (w *Watcher) closeOver(doubts staleRoutes, shown map[Index]dumpedOver) error {
	if err := w.drainAll(); err != nil {
		return err
	}
	t, n := &w.stale.routes4, *w.s
	t.reading = nil
	for i, keys := range doubts.over {
		if w.behind || t.torn(shown[i].seams).any() {
			t.over.all(i)
			continue
		}
		t.settleOver(&n, i, keys, shown[i].routes)
	}
	n.countUses()
	w.s, t.window, t.shaken = changed(w.s, &n), nil, false
	w.giveUp(t)
	return nil
}

// settleOver makes the routes over a link what a dump has shown, but for those that were announced meanwhile.
func (t *staleRoutes) settleOver(n *Snapshot, i Index, keys map[RouteKey]bool, shown Map[RouteKey, Route]) {
	for k := range n.keysOver(i, keys, shown) {
		before := equalsIn(n.Routes4, k)
		if t.window[k] {
			if slices.ContainsFunc(before, func(r Route) bool { return r.over(i) }) {
				t.over.key(i, k)
			}
			continue
		}
		after, ok := reconcile(before, equalsIn(shown, k), i)
		n.replaceEquals(k, before, after)
		if !ok {
			t.over.key(i, k) // shown before it was announced
		}
	}
}

// keysOver are the keys of the routes over a link, be they known or shown; of some only if those are all that matter.
func (s *Snapshot) keysOver(i Index, some map[RouteKey]bool, shown Map[RouteKey, Route]) map[RouteKey]bool {
	if some != nil {
		return some
	}
	keys, over := map[RouteKey]bool{}, map[*Route]bool{}
	find := func(n *node[RouteKey, Route]) bool {
		is, known := over[n.value] // many are the same one
		if !known {
			is = n.value.over(i)
			over[n.value] = is
		}
		if is {
			keys[keyAt(n.key, 0)] = true
		}
		return true
	}
	s.Routes4.root.each(find)
	shown.root.each(find)
	return keys
}

// reconcile takes away those of equal routes that lead over a link and are not shown any more. It fails where others are
// shown than are known, so that it cannot tell their order.
func reconcile(equals, shown []Route, i Index) (after []Route, ok bool) {
	others, rest := false, shown
	for _, r := range equals {
		if !r.over(i) {
			others, after = true, append(after, r)
		} else if at := slices.IndexFunc(rest, r.same); at >= 0 {
			after, rest = append(after, rest[at]), rest[at+1:]
		}
	}
	if len(equals) > 0 && !others {
		return shown, true
	}
	return after, len(after) == len(equals)-overCount(equals, i)+len(shown)
}

func overCount(routes []Route, i Index) (n int) {
	for j := range routes {
		if routes[j].over(i) {
			n++
		}
	}
	return n
}

// disturbed doubts what a message may take from the IPv4 routes while a dump of them is under way: what it does to them
// cannot be told from a Snapshot that is older than the dump in one part, newer in another.
func (t *staleRoutes) disturbed(s *Snapshot, m netlink.Message) {
	if t.window == nil || len(m.Data) < 8 {
		return
	}
	t.shaken = t.shaken || s.takesRoutes4(m)
	i := Index(int32(native.Uint32(m.Data[4:]))) // of a link and of an address
	switch uint16(m.Header.Type) {
	case unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP:
		t.whole = true
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		t.over.all(i)
		t.whole = t.whole || s.affectedObjects(i, anyState)&Routes4 != 0
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if m.Data[0] != unix.AF_INET {
			return
		}
		t.over.all(i)
		for reading := range t.reading {
			t.over.all(reading)
		}
		t.whole = t.whole || t.reading == nil // its preferred sources are not known
	}
}

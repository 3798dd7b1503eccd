package synth

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/introspect"
)

// dirt is what a view has to look at again.
type dirt[P point[P]] struct {
	routes map[P]bool
	hosts  map[P]bool // of single neighbours
}

// follow takes in what has changed since the old Snapshot.
func (v *view[P]) follow(old *introspect.Snapshot) {
	v.dirty = dirt[P]{routes: map[P]bool{}, hosts: map[P]bool{}}
	for c := range introspect.DiffMaps(old.Addrs, v.Addrs) {
		v.addrChange(c)
	}
	for c := range introspect.DiffMaps(v.routes(old), v.routes(v.Snapshot)) {
		v.routeChange(c)
		if v.asks(c.Key) {
			v.dirty.routes[v.of(c.Key.Dst)] = true
		}
	}
	if v.parted {
		for c := range introspect.DiffMaps(v.routes(old), v.routes(v.Snapshot)) {
			v.shade(old, c.Key) // once all are counted
		}
	}
	for c := range introspect.DiffMaps(old.Neighs, v.Neighs) {
		v.neighChange(c)
	}
	for c := range introspect.DiffMaps(v.learned(old), v.learned(v.Snapshot)) {
		v.dirty.routes[v.host(netip.Addr(c.Key))] = true
	}
	for c := range introspect.DiffMaps(old.Bound, v.Bound) {
		if v.has(netip.Addr(c.Key)) {
			v.dirty.routes[v.host(netip.Addr(c.Key))] = true
		}
	}
	v.objectChanges(old)
	v.globals(old)
	v.passing()
}

func (v *view[P]) addrChange(c introspect.Change[introspect.AddrKey, introspect.Addr]) {
	v.addrMoved(c.Old, -1)
	v.addrMoved(c.New, 1)
}

func (v *view[P]) addrMoved(a *introspect.Addr, n int) {
	if a == nil || !v.has(a.Key.Local.Addr()) {
		return
	}
	v.addAddr(*a, n)
	v.dirty.routes[v.host(a.Key.Local.Addr())] = true
	for _, b := range broadcasts(*a) {
		v.dirty.routes[v.host(b)] = true
	}
}

func (v *view[P]) routeChange(c introspect.Change[introspect.RouteKey, introspect.Route]) {
	if c.Old != nil {
		v.addRoute(*c.Old, -1)
	}
	if c.New != nil {
		v.addRoute(*c.New, 1)
	}
}

func (v *view[P]) neighChange(c introspect.Change[introspect.NeighKey, introspect.Neigh]) {
	if c.Old == nil {
		v.addNeigh(c.Key, 1)
	}
	if c.New == nil {
		v.addNeigh(c.Key, -1)
	}
	if !c.Key.Proxy && v.has(c.Key.Addr) {
		v.dirty.hosts[v.host(c.Key.Addr)] = true
	}
}

// objectChanges finds the routes whose nexthop objects have changed, or what is to be believed of them. Objects change rarely, so that looking at every
// route is cheaper than to know which use them.
func (v *view[P]) objectChanges(old *introspect.Snapshot) {
	changed := map[uint32]bool{}
	for c := range introspect.DiffMaps(old.Nexthops, v.Nexthops) {
		changed[uint32(c.Key)] = true
	}
	if len(changed) > 0 || v.uses.moved {
		mixed := v.uses.mixtures(v.Snapshot)
		differing(v.mixed, mixed, changed)
		v.mixed = mixed
	}
	if len(changed) == 0 {
		return
	}
	for id, n := range v.Nexthops.All() {
		if slices.ContainsFunc(n.Group, func(m introspect.Member) bool { return changed[m.ID] }) {
			changed[uint32(id)] = true
		}
	}
	for key, r := range v.routes(v.Snapshot).All() {
		if r.Object != 0 && changed[r.Object] && v.asks(key) {
			v.dirty.routes[v.of(key.Dst)] = true
		}
	}
}

// differing adds what only one of two sets has to a third one.
func differing(a, b, to map[uint32]bool) {
	for id := range a {
		if !b[id] {
			to[id] = true
		}
	}
	for id := range b {
		if !a[id] {
			to[id] = true
		}
	}
}

// globals looks at what every answer depends on; where that has changed, all routes are looked at again.
func (v *view[P]) globals(old *introspect.Snapshot) {
	choose, wide, near := v.chooses(), inOrder(v.local), v.near
	if v.moved || !old.Addrs.Equal(v.Addrs) || !old.Nexthops.Equal(v.Nexthops) {
		near = v.nearby()
	}
	if choose == v.choose && slices.Equal(wide, v.wide) && slices.Equal(near, v.near) {
		return
	}
	v.choose, v.wide, v.near = choose, wide, near
	for key := range v.routes(v.Snapshot).All() {
		if v.asks(key) {
			v.dirty.routes[v.of(key.Dst)] = true
		}
	}
}

// renewal is what a prefix comes to.
type renewal[P point[P]] struct {
	p      P
	answer answer
	ok     bool
	turn   int
}

// recompute enters what prefixes come to. At every moment each address has its old or its new answer: so new entries come
// first, the longest before shorter ones; then those that change; then those that go, the shortest before longer ones.
// The answers for neighbours come last, because they depend on the routes that cover them.
func (v *view[P]) recompute() {
	order := make([]renewal[P], 0, len(v.dirty.routes))
	for p := range v.dirty.routes {
		a, ok := v.answer(p, v.routesTo(p))
		if p.len() < p.width() {
			v.neighboursIn(p)
		} else if !ok {
			v.dirty.hosts[p] = true
			continue
		}
		order = append(order, renewal[P]{p, a, ok, v.turn(p, ok)})
	}
	slices.SortFunc(order, func(a, b renewal[P]) int { return cmp.Or(a.turn-b.turn, a.p.compare(b.p)) })
	for _, r := range order {
		v.put(r.p, r.answer, r.ok)
	}
	for p := range v.dirty.hosts {
		v.renew(p)
	}
	v.lpm.flush()
	v.dirty = dirt[P]{}
}

// turn tells when an entry is made, changed or taken out.
func (v *view[P]) turn(p P, ok bool) int {
	switch _, there := v.lpm.entry(p); {
	case !ok:
		return p.len()
	case there:
		return -1
	}
	return -2 - p.len()
}

// neighboursIn adds the neighbours whose addresses a prefix covers.
func (v *view[P]) neighboursIn(p P) {
	net := p.netip()
	for port := range v.ports {
		for key := range v.Neighs.From(introspect.NeighKey{Index: port, Addr: net.Addr()}) {
			if key.Index != port || !net.Contains(key.Addr) {
				break
			}
			v.dirty.hosts[v.host(key.Addr)] = true
		}
	}
}

package synth

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// view is what packets of one family find that ask an ordered list of routing tables. It has a table of its own, whose
// rows it shares with the other views.
type view[P point[P]] struct {
	resolver[P]
	lpm     lpm[P]
	ports   map[introspect.Index]int // neighbours of the family by interface
	own     map[P]int                // prefixes of the host's own and broadcast addresses
	inline  inlined                  // own in words
	local   map[P]int                // prefixes of table local of more than one address
	nears   map[P]int                // prefixes of routes that reach no farther than the host
	gates   map[P]int                // IPv4 gateways of routes
	moved   bool                     // nears or gates have come or gone since near was made
	full    int                      // entries of the table when it did not fit
	lengths [][129]int               // of the prefixes of each table
	sizes   []int                    // prefixes of each table
	owner   bool                     // only the host's own prefixes are entered
	passed  map[P]bool               // prefixes for which one table leaves packets to the next
	uses    uses                     // of nexthop objects
	odd     int                      // routes for which the live lookup does not answer as the kernel
	dirty   dirt[P]
}

// viewer is a view of either family.
type viewer interface {
	survey()
	fill()
	seal(least ViewShape)
	follow(old *introspect.Snapshot)
	recompute()
	move(moved map[uint16]uint16)
	outgrown() bool
	larger() ViewShape
	shape() ViewShape
	image() ir.Write
}

func newView[P point[P]](s *shared, f *family[P], p *plan, ask lookups, table lpm[P]) *view[P] {
	r := resolver[P]{shared: s, family: f, ask: ask, parted: p.parted, sources: p.sources, addrs: map[P]int{}}
	return &view[P]{resolver: r, lpm: table, ports: map[introspect.Index]int{}, own: map[P]int{}, local: map[P]int{}, nears: map[P]int{}, gates: map[P]int{},
		lengths: make([][129]int, len(ask.tables)), sizes: make([]int, len(ask.tables)), passed: map[P]bool{}, uses: newUses()}
}

// survey takes in what the answers for all prefixes depend on.
func (v *view[P]) survey() {
	v.choose = v.chooses()
	for _, a := range v.Addrs.All() {
		v.addAddr(a, 1)
	}
	for _, r := range v.routes(v.Snapshot).All() {
		v.addRoute(r, 1)
	}
	for key := range v.Neighs.All() {
		v.addNeigh(key, 1)
	}
	v.wide, v.near = inOrder(v.local), v.nearby()
	v.mixed = v.uses.mixtures(v.Snapshot)
}

// chooses tells whether the live lookup takes the nexthop of several that the kernel takes: it hashes the addresses, as
// the kernel does by default, and knows neither ports nor inner headers.
func (v *view[P]) chooses() bool {
	policy, ok := v.Sysctls.Get(v.policy)
	return ok && policy.Value == "0"
}

// nearby is what near is to be: what routes say, and the host's own addresses where they are gateways, since the routes to them
// have the scope of the host.
func (v *view[P]) nearby() []P {
	if v.moved = false; v.six {
		return nil
	}
	near := maps.Clone(v.nears)
	for p := range v.addrs {
		if v.gates[p] > 0 {
			near[p] = 1
		}
	}
	for _, n := range v.Nexthops.All() {
		if via := n.Hop.Via; via.Is4() && v.addrs[v.host(via)] > 0 {
			near[v.host(via)] = 1
		}
	}
	return inOrder(near)
}

func inOrder[P point[P]](set map[P]int) []P { return slices.SortedFunc(maps.Keys(set), P.compare) }

func (v *view[P]) addAddr(a introspect.Addr, n int) {
	local := a.Key.Local.Addr()
	if !v.has(local) {
		return
	}
	p := v.host(local)
	count(v.addrs, p, n)
	v.addOwn(p, n)
	for _, b := range broadcasts(a) {
		v.addOwn(v.host(b), n)
	}
}

// broadcasts are those for which the kernel has routes as long as the link of an address is up. They count as the host's
// own all the while, so that a link that flaps changes no program.
func broadcasts(a introspect.Addr) (all []netip.Addr) {
	if a.Broadcast.Is4() {
		all = append(all, a.Broadcast)
	}
	if net := a.Key.Local; net.Addr().Is4() && net.Bits() < 31 {
		ip := net.Addr().As4()
		last := binary.BigEndian.Uint32(ip[:]) | ^uint32(0)>>net.Bits()
		binary.BigEndian.PutUint32(ip[:], last)
		all = append(all, netip.AddrFrom4(ip))
	}
	return all
}

func (v *view[P]) addOwn(p P, n int) {
	count(v.own, p, n)
	v.inline.known = false
}

func (v *view[P]) addRoute(r introspect.Route, n int) {
	if !v.has(r.Key.Dst.Addr()) {
		return
	}
	p := v.of(r.Key.Dst)
	if _, ok := typeReasons[r.Type]; ok && slices.Contains(v.sources, r.Key.Table) {
		v.addOwn(p, n)
	}
	v.uses.add(r, n)
	before := len(v.nears) + len(v.gates)
	if isNear(r) {
		count(v.nears, p, n)
	}
	for _, h := range r.Hops {
		if !v.six && h.Via.Is4() {
			count(v.gates, v.host(h.Via), n)
		}
	}
	v.moved = v.moved || len(v.nears)+len(v.gates) != before
	if !v.asks(r.Key) {
		return
	}
	v.measure(r.Key, n)
	if !v.parted && r.Key.Table == tableLocal && p.len() < p.width() && !v.martian(p) {
		count(v.local, p, n)
	}
	if !v.plain(r) {
		v.odd += n
	}
}

func (v *view[P]) addNeigh(k introspect.NeighKey, n int) {
	if v.has(k.Addr) {
		count(v.ports, k.Index, n)
	}
}

func count[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// fill enters every route and every known neighbour.
func (v *view[P]) fill() {
	for _, m := range v.martians {
		v.renew(m)
	}
	for p := range v.addrs {
		v.renew(p)
	}
	if v.owner {
		for p := range v.own {
			v.renew(p)
		}
		return
	}
	if v.ask.reject {
		v.renew(v.of(netip.PrefixFrom(v.unspecified, 0)))
	}
	var run []introspect.Route
	for key, r := range v.routes(v.Snapshot).All() {
		if !v.asks(key) {
			continue
		}
		if len(run) > 0 && run[0].Key.Dst != key.Dst {
			v.enter(v.of(run[0].Key.Dst), run)
			run = run[:0]
		}
		run = append(run, r)
	}
	if len(run) > 0 {
		v.enter(v.of(run[0].Key.Dst), run)
	}
	for key := range v.Neighs.All() {
		if v.has(key.Addr) {
			v.renew(v.host(key.Addr))
		}
	}
	for key := range v.learned(v.Snapshot).All() {
		v.renew(v.host(netip.Addr(key)))
	}
	for key := range v.Bound.All() {
		if v.has(netip.Addr(key)) {
			v.renew(v.host(netip.Addr(key)))
		}
	}
}

// bound tells whether a socket of the host has an address, whoever's that is.
func (v *view[P]) bound(p P) bool {
	if v.Bound.Len() == 0 || p.len() < p.width() {
		return false
	}
	_, ok := v.Bound.Get(introspect.Address(p.netip().Addr()))
	return ok
}

// excepted tells whether the kernel has learned something of an address that no route says.
func (v *view[P]) excepted(p P) bool {
	learned := v.learned(v.Snapshot)
	if learned.Len() == 0 || p.len() < p.width() {
		return false
	}
	_, ok := learned.Get(introspect.Address(p.netip().Addr()))
	return ok
}

// renew enters what a prefix comes to now.
func (v *view[P]) renew(p P) { v.enter(p, v.routesTo(p)) }

func (v *view[P]) enter(p P, routes []introspect.Route) {
	a, ok := v.answer(p, routes)
	v.put(p, a, ok)
}

// put makes an answer the entry of a prefix; a single address without one may be that of a neighbour.
func (v *view[P]) put(p P, a answer, ok bool) {
	if !ok && p.len() == p.width() {
		a, ok = v.attached(p)
	}
	old, there := v.lpm.entry(p)
	if !ok {
		v.lpm.remove(p)
	} else {
		i := v.rows.acquire(a.key, a.hops, v.content)
		v.rows.list[i].refs++
		v.lpm.set(p, i)
	}
	if there {
		v.rows.release(old)
	}
}

// answer says what becomes of packets for which p is the longest prefix; false if nothing is known of p.
func (v *view[P]) answer(p P, routes []introspect.Route) (answer, bool) {
	switch {
	case v.martian(p):
		return because(slowpath.DestMartian), true
	case v.addrs[p] > 0 || v.bound(p) && !v.owner:
		return because(slowpath.Local), true
	case v.owner:
		return because(slowpath.Local), v.own[p] > 0
	case v.excepted(p):
		return because(slowpath.RouteLearned), true
	case v.parted:
		return v.layered(p, routes)
	case len(routes) == 0:
		return answer{}, false
	}
	return v.resolve(p, routes), true
}

// attached is the answer for a neighbour of a connected network: an entry of its own, once its address is known, so that
// one lookup finds both the route and the neighbour.
func (v *view[P]) attached(p P) (answer, bool) {
	net, ok := v.lpm.cover(p, p.width()-1)
	if !ok {
		return answer{}, false
	}
	row, _ := v.lpm.entry(net)
	key := v.rows.list[row].key
	if !key.glean() {
		return answer{}, false
	}
	key.via = p.netip().Addr()
	n, ok := v.Neighs.Get(introspect.NeighKey{Index: key.oif, Addr: key.via})
	if _, there := v.rows.byKey[key]; !ok || !there && !usable(n) {
		return answer{}, false
	}
	return answer{key: key}, true
}

// move lets entries name other rows.
func (v *view[P]) move(moved map[uint16]uint16) {
	v.lpm.each(func(p P, i uint16) {
		if j, ok := moved[i]; ok {
			v.lpm.set(p, j)
			v.rows.list[j].refs++
		}
	})
}

func (v *view[P]) seal(least ViewShape) {
	if v.lpm.seal(least); v.lpm.shape().Full {
		v.full = v.lpm.size()
	}
}

// outgrown tells whether a larger table would help, or one of the same size has come to: the routes fitted when it was made,
// or have become fewer.
func (v *view[P]) outgrown() bool {
	return v.lpm.misplaced() || v.lpm.shape().Full && (!v.lpm.maximal() || v.full == 0 || v.lpm.size() < v.full-v.full/8)
}

func (v *view[P]) larger() ViewShape { return v.lpm.larger() }

// shape tells programs about the view.
func (v *view[P]) shape() ViewShape {
	s := v.lpm.shape()
	s.Plain = v.odd == 0 && len(v.mixed) == 0 && len(v.near) == 0 && v.choose && v.Bound.Len() == 0
	if v.six {
		return s // own sources are no matter
	}
	if !v.inline.known {
		v.inline = v.inlineOwn()
	}
	s.Inline, s.Own = v.inline.fits, v.inline.text
	return s
}

func (v *view[P]) image() ir.Write { return ir.Write{Table: v.lpm.shape().Table, Data: v.lpm.image()} }

package synth

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// memory is what a program sees of the tables: Image, and then the writes of updates.
type memory struct {
	tables map[string]*ir.Table
	bytes  map[string][]byte
	hash   map[int]string
}

func remember(f *FIB) *memory {
	m := &memory{tables: map[string]*ir.Table{}, bytes: map[string][]byte{}, hash: map[int]string{}}
	for _, t := range f.Tables() {
		m.tables[t.Name] = t
		if t.Kind != ir.Hash {
			m.bytes[t.Name] = make([]byte, t.Bytes())
		}
	}
	for _, t := range m.tables {
		t.Steps = ir.MaxSteps // a program that makes fewer leaves more to the kernel
	}
	for _, w := range f.Image() {
		m.write(w)
	}
	return m
}

func (m *memory) write(w ir.Write) {
	switch {
	case w.Table != tableDevice:
		copy(m.bytes[w.Table][w.Offset:w.Offset+len(w.Data)], w.Data)
	case len(w.Data) == 0:
		delete(m.hash, w.Offset)
	default:
		m.hash[w.Offset] = string(w.Data)
	}
}

// found is what the row of an address says.
type found struct {
	mac         uint64
	smac        uint32
	mtu, flags  uint16
	oif, reason uint32
	limit       uint32
}

func (m *memory) find(addr netip.Addr) found {
	if addr.Is4() {
		return m.findIn(tableRoute, addr)
	}
	return m.findIn(tableRoute6, addr)
}

func (m *memory) findIn(view string, addr netip.Addr) found {
	t, row := m.tables[view], uint16(0)
	if addr.Is4() {
		match := t.Match
		if t.Kind == ir.Packed {
			match = t.MatchPacked
		}
		row = match(m.bytes[view], addr4(addr))
	} else {
		hi, lo := addr6(addr)
		row = t.Match6(m.bytes[view], hi, lo)
	}
	i := int(row) % m.tables[tableNexthop].Size
	b := m.bytes[tableNexthop][i*nexthopBytes:]
	n := binary.NativeEndian
	f := found{n.Uint64(b), n.Uint32(b[8:]), n.Uint16(b[12:]), n.Uint16(b[14:]), n.Uint32(b[16:]), n.Uint32(b[20:]),
		n.Uint32(b[atLimit:])}
	return f.seen()
}

// seen leaves out what nobody looks at.
func (f found) seen() found {
	if f.limit != 0 {
		f.flags |= flagUsable // they are not read
	}
	if f.flags&flagUsable != 0 {
		f.reason = 0
	} else if f.mac, f.mtu, f.smac = 0, 0, 0; f.reason == uint32(slowpath.NeighbourState) {
		f.reason = uint32(slowpath.NeighbourMissing) // which of the two depends on what was there before
	}
	return f
}

func foundOf(d rowData) found {
	f := found{d.macWord(), binary.LittleEndian.Uint32(d.smac[2:]), d.mtu, d.flags, d.oif, uint32(d.reason), d.limit()}
	return f.seen()
}

// slowResolver knows what answers depend on, without any table.
func slowResolver[P point[P]](s *introspect.Snapshot, f *family[P], p *plan, ask lookups) *view[P] {
	r := newView(&shared{Snapshot: s, egress: map[introspect.Index]egresses{}}, f, p, ask, nil)
	r.choose = r.chooses()
	for _, a := range s.Addrs.All() {
		if local := a.Key.Local.Addr(); r.has(local) {
			r.addrs[r.host(local)]++
		}
	}
	for key, route := range r.routes(s).All() {
		p := r.of(key.Dst)
		if key.Table == tableLocal && p.len() < p.width() && !r.martian(p) {
			r.wide = append(r.wide, p)
		}
		if isNear(route) {
			r.near = append(r.near, p)
		}
		for _, h := range route.Hops {
			if !f.six && h.Via.Is4() && r.addrs[r.host(h.Via)] > 0 {
				r.near = append(r.near, r.host(h.Via))
			}
		}
	}
	for _, n := range s.Nexthops.All() {
		if !f.six && n.Hop.Via.Is4() && r.addrs[r.host(n.Hop.Via)] > 0 {
			r.near = append(r.near, r.host(n.Hop.Via))
		}
	}
	r.mixed = slowlyMixed(s, f.routes(s))
	return r
}

// slowlyMixed looks at every pair of kinds of route that share a nexthop of an object.
func slowlyMixed(s *introspect.Snapshot, routes introspect.Map[introspect.RouteKey, introspect.Route]) map[uint32]bool {
	type kind struct {
		object uint32
		use
	}
	kinds, mixed := map[kind]bool{}, map[uint32]bool{}
	for _, r := range routes.All() {
		if r.Object != 0 {
			kinds[kind{r.Object, useOf(r)}] = true
		}
	}
	for a := range kinds {
		for b := range kinds {
			shares := slices.ContainsFunc(members(s, a.object), func(id uint32) bool { return slices.Contains(members(s, b.object), id) })
			if shares && a.use != b.use {
				mixed[a.object], mixed[b.object] = true, true
			}
		}
	}
	return mixed
}

// slowly is the answer for an address by looking at every route.
func slowly(s *introspect.Snapshot, addr netip.Addr) found {
	if addr.Is4() {
		return slowResolver(s, ipv4, &plan{}, kernelLookups).slowly(addr)
	}
	return slowResolver(s, ipv6, &plan{}, lookups{tables: kernelLookups.tables[:2]}).slowly(addr)
}

func (v *view[P]) slowly(addr netip.Addr) found {
	host := v.host(addr)
	if a, ok := v.answer(host, nil); ok {
		return foundOf(v.content(&row{key: a.key}))
	}
	best, any := v.longest(host, v.asks)
	if !any {
		return found{reason: uint32(slowpath.NoRoute)}
	}
	a, _ := v.answer(best, v.routesTo(best))
	return v.found(a, addr)
}

// found is what the row of an answer says.
func (v *view[P]) found(a answer, addr netip.Addr) found {
	if a.key.glean() {
		a.key.via = addr
	}
	return foundOf(v.content(&row{key: a.key, hops: a.hops}))
}

// longest is the longest prefix of the routes that are asked that covers a host.
func (v *view[P]) longest(host P, asks func(introspect.RouteKey) bool) (best P, any bool) {
	for key := range v.routes(v.Snapshot).All() {
		p := v.of(key.Dst)
		if asks(key) && p.covers(host) && (!any || p.len() > best.len()) {
			best, any = p, true
		}
	}
	return best, any
}

// slowlyIn is the answer for an address of a list of tables, each of which is asked by itself.
func slowlyIn(s *introspect.Snapshot, ask lookups, addr netip.Addr) found {
	if addr.Is4() {
		return slowResolver(s, ipv4, &plan{parted: true}, ask).slowlyIn(addr)
	}
	return slowResolver(s, ipv6, &plan{parted: true}, ask).slowlyIn(addr)
}

func (v *view[P]) slowlyIn(addr netip.Addr) found {
	host := v.host(addr)
	if v.martian(host) || v.addrs[host] > 0 || v.excepted(host) || v.bound(host) {
		a, _ := v.answer(host, nil)
		return foundOf(v.content(&row{key: a.key}))
	}
	for _, t := range v.ask.tables {
		best, any := v.longest(host, func(k introspect.RouteKey) bool { return k.Table == t.table })
		if !any {
			continue
		}
		if at := v.in(t.table, v.routesTo(best)); v.mark(at, t) == stop {
			return v.found(v.first(best, at, t), addr)
		}
	}
	if v.ask.reject {
		return found{reason: uint32(slowpath.Rule)}
	}
	return found{reason: uint32(slowpath.NoRoute)}
}

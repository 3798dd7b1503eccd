package synth

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

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
	if v.martian(host) || v.addrs[host] > 0 || v.learned(host) || v.bound(host) {
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

// TestFIBFollows compares the tables, kept up to date by writes, with the slow answer, and looks at them between writes:
// at any moment an address has its old or its new answer.
func TestFIBFollows(t *testing.T) {
	for name, six := range map[string]bool{"ipv4": false, "ipv6": true} {
		t.Run(name, func(t *testing.T) { followAll(t, six) })
	}
}

func followAll(t *testing.T, six bool) {
	kinds := map[slowpath.Reason]int{}
	rounds := 100
	if testing.Short() {
		rounds = 30
	}
	for seed := range uint64(rounds) {
		follow(t, newWorld(seed, six), kinds)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	expected := []slowpath.Reason{slowpath.None, slowpath.NoRoute, slowpath.Local, slowpath.RouteTable, slowpath.Multipath,
		slowpath.NexthopUnknown, slowpath.NexthopMixed, slowpath.NeighbourMissing, slowpath.EgressDown, slowpath.DestMartian}
	if six {
		expected = append(expected, slowpath.RouteExpires, slowpath.RouteUnknown, slowpath.EgressLearns)
	} else {
		expected = append(expected, slowpath.RouteTOS)
	}
	for _, r := range expected {
		if kinds[r] == 0 {
			t.Errorf("no answer was %s: %v", r, kinds)
		}
	}
}

// probe is an address that is looked up in a view.
type probe struct {
	view string
	ask  lookups
	addr netip.Addr
}

func (f *FIB) probe(w *world) probe {
	p := f.plans[w.layout()]
	i := w.IntN(len(p.views))
	return probe{p.name(i), p.views[i], w.addr()}
}

func (w *world) layout() *layout {
	if w.six {
		return layout6
	}
	return layout4
}

func (p probe) slowly(parted bool, s *introspect.Snapshot) found {
	if parted {
		return slowlyIn(s, p.ask, p.addr)
	}
	return slowly(s, p.addr)
}

func follow(t *testing.T, w *world, kinds map[slowpath.Reason]int) {
	clock := time.Unix(0, 0)
	f := &FIB{now: func() time.Time { return clock }, tallies: newTallies()}
	f.build(w.now(), Shape{})
	m := remember(f)
	for step := range 40 {
		clock = clock.Add(time.Duration(w.IntN(500)) * time.Millisecond)
		steps := w.oneOf(1, 1, 1, 5)
		for range steps {
			w.step()
		}
		s := w.now()
		probes := make([]probe, 40)
		before := make([]found, len(probes))
		for i := range probes {
			probes[i] = f.probe(w)
			before[i] = m.findIn(probes[i].view, probes[i].addr)
		}
		writes, reshaped := f.Update(s)
		if reshaped {
			m = remember(f)
			for i := range probes {
				probes[i] = f.probe(w)
			}
		}
		after := make([]found, len(probes))
		for i, p := range probes {
			after[i] = p.slowly(f.plans[w.layout()].parted, s)
			kinds[slowpath.Reason(after[i].reason)]++
		}
		for n, write := range writes {
			m.write(write)
			for i, p := range probes {
				got := m.findIn(p.view, p.addr)
				if steps == 1 && got != before[i] && got != after[i] && !between(got, before[i], after[i]) {
					t.Errorf("step %d write %d: %s in %s is %v, was %v, becomes %v", step, n, p.addr, p.ask, got, before[i], after[i])
				}
			}
		}
		for i, p := range probes {
			if got := m.findIn(p.view, p.addr); got != after[i] {
				t.Errorf("step %d: %s in %s is %v, want %v", step, p.addr, p.ask, got, after[i])
			}
		}
		if t.Failed() {
			return
		}
	}
	if rebuilt := NewFIB(w.now()); !sameFacts(rebuilt.Shape(), f.Shape()) {
		t.Errorf("shape %v, want %v", f.Shape(), rebuilt.Shape())
	}
}

// sameFacts tells whether two Shapes say the same of the routes.
func sameFacts(a, b Shape) bool {
	return slices.EqualFunc(a.Views, b.Views, func(v, w ViewShape) bool { return v.Own == w.Own && v.Plain == w.Plain })
}

// between allows rows whose words change one by one where each is a whole difference: the Reason while it is not usable,
// the MTU, the flags.
func between(got, before, after found) bool {
	if got.mac != before.mac && got.mac != after.mac || got.oif != before.oif && got.oif != after.oif {
		return false
	}
	return got.smac == before.smac || got.smac == after.smac
}

package synth

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

func (m *memory) find(addr uint32) found { return m.findIn(tableRoute, addr) }

func (m *memory) findIn(view string, addr uint32) found {
	i := int(m.tables[view].Match(m.bytes[view], addr)) % m.tables[tableNexthop].Size
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
func slowResolver(s *introspect.Snapshot, p plan, ask lookups) *view[prefix] {
	r := newView[prefix](&shared{Snapshot: s, egress: map[introspect.Index]egresses{}}, ipv4, p, ask, nil)
	r.choose = r.chooses()
	for _, a := range s.Addrs.All() {
		r.addrs[hostPrefix(a.Key.Local.Addr())]++
	}
	for key := range s.Routes4.All() {
		if p := prefixOf(key.Dst); key.Table == tableLocal && p.len() < 32 && !r.martian(p) {
			r.wide = append(r.wide, p)
		}
	}
	return r
}

// slowly is the answer for an address by looking at every route.
func slowly(s *introspect.Snapshot, addr uint32) found {
	r := slowResolver(s, plan{}, kernelLookups)
	host := newPrefix(addr, 32)
	if a, ok := r.answer(host, nil); ok {
		return foundOf(r.content(&row{key: a.key}))
	}
	best, any := longest(s, host, r.asks)
	if !any {
		return found{reason: uint32(slowpath.NoRoute)}
	}
	a, _ := r.answer(best, r.routesTo(best))
	return r.found(a, addr)
}

// found is what the row of an answer says.
func (v *view[P]) found(a answer, addr uint32) found {
	if a.key.glean() {
		a.key.via = netipAddr(addr)
	}
	return foundOf(v.content(&row{key: a.key, hops: a.hops}))
}

// longest is the longest prefix of the routes that are asked that covers a host.
func longest(s *introspect.Snapshot, host prefix, asks func(introspect.RouteKey) bool) (best prefix, any bool) {
	for key := range s.Routes4.All() {
		p := prefixOf(key.Dst)
		if asks(key) && p.covers(host) && (!any || p.len() > best.len()) {
			best, any = p, true
		}
	}
	return best, any
}

// slowlyIn is the answer for an address of a list of tables, each of which is asked by itself.
func slowlyIn(s *introspect.Snapshot, ask lookups, addr uint32) found {
	r, host := slowResolver(s, plan{parted: true}, ask), newPrefix(addr, 32)
	if r.martian(host) || r.addrs[host] > 0 {
		a, _ := r.answer(host, nil)
		return foundOf(r.content(&row{key: a.key}))
	}
	for _, t := range ask.tables {
		best, any := longest(s, host, func(k introspect.RouteKey) bool { return k.Table == t.table })
		if !any {
			continue
		}
		if at := r.in(t.table, r.routesTo(best)); r.mark(at, t) == stop {
			return r.found(r.first(best, at, t), addr)
		}
	}
	if ask.reject {
		return found{reason: uint32(slowpath.Rule)}
	}
	return found{reason: uint32(slowpath.NoRoute)}
}

// world is a random configuration that changes.
type world struct {
	*rand.Rand
	introspect.Snapshot
	throws bool // there are throw routes
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1))}
	for range 4 {
		w.link()
	}
	for priority, table := range defaultRules {
		w.rule(introspect.Rule{Key: introspect.RuleKey{Priority: priority}, Table: table})
	}
	for range w.IntN(60) {
		w.step()
	}
	return w
}

// rule adds a rule that leads to a table.
func (w *world) rule(r introspect.Rule) {
	r.Action, r.SuppressGroup = unix.FR_ACT_TO_TBL, introspect.Nothing
	if r.SuppressPrefix == 0 {
		r.SuppressPrefix = introspect.Nothing
	}
	w.Rules4 = w.Rules4.With(r.Key, r)
}

func (w *world) addr() netip.Addr {
	// A small world: everything is near everything else.
	a := uint32(10+w.IntN(2))<<24 | uint32(w.IntN(3))<<16 | uint32(w.IntN(3))<<8 | uint32(w.IntN(6))
	if w.IntN(40) == 0 {
		a = w.Uint32()
	}
	return netipAddr(a)
}

func (w *world) oneOf(n ...int) int { return n[w.IntN(len(n))] }

func (w *world) dev() introspect.Index { return introspect.Index(2 + w.IntN(4)) }

func (w *world) link() {
	i := w.dev()
	l := introspect.Link{Index: i, Name: fmt.Sprint("r", i), Type: 1, Flags: 0x11043, MTU: uint32(w.oneOf(1500, 1500, 1400)),
		MAC: introspect.MAC{2, 0, 0, 0, byte(w.oneOf(1, 1, 9)), byte(i)}, Carrier: w.IntN(9) > 0, XDPFeatures: 7, PeerNS: -1}
	w.Links = w.Links.With(i, l)
	if w.IntN(20) == 0 {
		w.Links = w.Links.Without(i)
	}
}

func (w *world) route() {
	p := netip.PrefixFrom(w.addr(), w.oneOf(0, 7, 8, 14, 15, 16, 17, 22, 23, 24, 25, 30, 31, 32, 32)).Masked()
	key := introspect.RouteKey{Dst: p, Table: uint32(w.oneOf(254, 254, 254, 254, 255, 253, 77)), Priority: uint32(w.oneOf(0, 0, 5))}
	if w.IntN(30) == 0 {
		key.TOS = 16
	}
	r := introspect.Route{Key: key, Type: uint8(w.oneOf(1, 1, 1, 1, 1, 1, 2, 3, 6))}
	if w.throws && w.IntN(5) == 0 {
		r.Type = unix.RTN_THROW
	}
	switch w.IntN(4) {
	case 0:
		r.Object = uint32(1 + w.IntN(3))
	case 1:
		r.Hops = []introspect.Hop{{Index: w.dev()}}
	default:
		r.Hops = []introspect.Hop{{Index: w.dev(), Via: w.addr()}}
	}
	if w.IntN(12) == 0 {
		r.Hops = append(r.Hops, introspect.Hop{Index: w.dev(), Via: w.addr()})
	}
	if w.IntN(12) == 0 {
		r.MTU = 1300
	}
	w.Routes4 = w.Routes4.With(key, r)
}

func (w *world) neigh() {
	k := introspect.NeighKey{Index: w.dev(), Addr: w.addr()}
	n := introspect.Neigh{Key: k, MAC: introspect.MAC{2, 1, byte(w.IntN(3)), 0, 0, byte(k.Index)}, HasMAC: w.IntN(5) > 0,
		State: uint16(w.oneOf(2, 2, 4, 8, 0x20, 1))}
	w.Neighs = w.Neighs.With(k, n)
}

func (w *world) step() {
	switch w.IntN(14) {
	case 0:
		w.link()
	case 1:
		k := introspect.AddrKey{Index: w.dev(), Local: netip.PrefixFrom(w.addr(), 24)}
		w.Addrs = w.Addrs.With(k, introspect.Addr{Key: k})
	case 2, 3, 4, 5:
		w.route()
	case 6, 7, 8:
		w.neigh()
	case 9:
		id := introspect.Index(1 + w.IntN(3))
		n := introspect.Nexthop{ID: uint32(id), Hop: introspect.Hop{Index: w.dev(), Via: w.addr()}, Blackhole: w.IntN(6) == 0}
		w.Nexthops = w.Nexthops.With(id, n)
	case 10:
		w.Sysctls = w.Sysctls.With("ipv4/fib_multipath_hash_policy", introspect.Sysctl{Value: fmt.Sprint(w.IntN(2))})
	default:
		w.remove()
	}
}

func (w *world) remove() {
	w.Routes4 = drop(w, w.Routes4)
	if w.IntN(3) == 0 {
		w.Neighs = drop(w, w.Neighs)
		w.Addrs = drop(w, w.Addrs)
		w.Nexthops = drop(w, w.Nexthops)
	}
}

func drop[K introspect.Key[K], V introspect.Object[V]](w *world, m introspect.Map[K, V]) introspect.Map[K, V] {
	if m.Len() == 0 {
		return m
	}
	n := w.IntN(m.Len())
	for k := range m.All() {
		if n--; n < 0 {
			return m.Without(k)
		}
	}
	return m
}

func (w *world) now() *introspect.Snapshot {
	s := w.Snapshot
	return &s
}

// TestFIBFollows compares the tables, kept up to date by writes, with the slow answer, and looks at them between writes:
// at any moment an address has its old or its new answer.
func TestFIBFollows(t *testing.T) {
	kinds := map[slowpath.Reason]int{}
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	for seed := range uint64(rounds) {
		follow(t, newWorld(seed), kinds)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, r := range []slowpath.Reason{slowpath.None, slowpath.NoRoute, slowpath.Local, slowpath.RouteTable, slowpath.RouteTOS,
		slowpath.Multipath, slowpath.NexthopUnknown, slowpath.NeighbourMissing, slowpath.EgressDown, slowpath.DestMartian} {
		if kinds[r] == 0 {
			t.Errorf("no answer was %s: %v", r, kinds)
		}
	}
}

// probe is an address that is looked up in a view.
type probe struct {
	view string
	ask  lookups
	addr uint32
}

func (f *FIB) probe(w *world) probe {
	i := w.IntN(len(f.plan.views))
	return probe{f.plan.name(i), f.plan.views[i], addr4(w.addr())}
}

func (p probe) slowly(f *FIB, s *introspect.Snapshot) found {
	if f.plan.parted {
		return slowlyIn(s, p.ask, p.addr)
	}
	return slowly(s, p.addr)
}

func follow(t *testing.T, w *world, kinds map[slowpath.Reason]int) {
	clock := time.Unix(0, 0)
	f := &FIB{now: func() time.Time { return clock }}
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
			after[i] = p.slowly(f, s)
			kinds[slowpath.Reason(after[i].reason)]++
		}
		for n, write := range writes {
			m.write(write)
			for i, p := range probes {
				got := m.findIn(p.view, p.addr)
				if steps == 1 && got != before[i] && got != after[i] && !between(got, before[i], after[i]) {
					t.Errorf("step %d write %d: %s in %s is %v, was %v, becomes %v", step, n, netipAddr(p.addr), p.ask, got, before[i], after[i])
				}
			}
		}
		for i, p := range probes {
			if got := m.findIn(p.view, p.addr); got != after[i] {
				t.Errorf("step %d: %s in %s is %v, want %v", step, netipAddr(p.addr), p.ask, got, after[i])
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

package synth

import (
	"maps"
	"slices"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// FIB keeps the contents of the tables that programs look into: routes, nexthops and outgoing interfaces. It is made of
// a Snapshot and follows it by writes that cost what has changed.
type FIB struct {
	resolver
	journal *journal
	trie    *trie
	rows    *rows
	egress  map[introspect.Index]egress
	ports   map[introspect.Index]int // IPv4 neighbours by interface
	own     map[prefix]int           // prefixes of the host's own and broadcast addresses
	inline  inlined                  // own in words
	local   map[prefix]int           // prefixes of table local of more than one address
	full    int                      // entries of the route table when it did not fit
	odd     int                      // routes for which the live lookup does not answer as the kernel
	device  map[introspect.Index][]byte
	devices int // entries that the device table has room for
	now     func() time.Time
}

// NewFIB makes the tables of a configuration.
func NewFIB(s *introspect.Snapshot) *FIB {
	f := &FIB{}
	f.build(s, Shape{})
	return f
}

// build makes everything anew, with tables of at least the given shape.
func (f *FIB) build(s *introspect.Snapshot, least Shape) {
	first := max(least.First, firstSmall)
	if s.Routes4.Len() > manyRoutes {
		first = firstLarge
	}
	for {
		*f = FIB{now: f.now, journal: &journal{}, egress: map[introspect.Index]egress{}, ports: map[introspect.Index]int{},
			own: map[prefix]int{}, local: map[prefix]int{}, device: map[introspect.Index][]byte{}}
		f.trie, f.rows = newTrie(f.journal, first, s.Routes4.Len()), newRows(f.journal)
		f.trie.free.now, f.rows.free.now = f.now, f.now
		f.resolver = resolver{Snapshot: s, addrs: map[prefix]int{}}
		f.survey()
		f.fill()
		if first == firstLarge || f.trie.next < smallBlocks {
			break
		}
		first, least.Blocks = firstLarge, 0
	}
	if f.trie.overflow {
		f.full = len(f.trie.entries)
	}
	f.trie.seal(least.Blocks)
	f.rows.seal(least.Rows)
	f.devices = powerOfTwo(max(2*s.Links.Len(), least.Devices), minDevices)
	f.journal.on = true
}

// manyRoutes are so many that the large first level is worth its memory, whatever their lengths.
const manyRoutes = 50000

const minDevices = 64

// survey takes in what the answers for all prefixes depend on.
func (f *FIB) survey() {
	f.choose = chooses(f.Snapshot)
	for _, a := range f.Addrs.All() {
		f.addAddr(a, 1)
	}
	for _, r := range f.Routes4.All() {
		f.addRoute(r, 1)
	}
	for key := range f.Neighs.All() {
		f.addNeigh(key, 1)
	}
	f.wide = slices.Sorted(maps.Keys(f.local))
}

// chooses tells whether the live lookup takes the nexthop of several that the kernel takes: it hashes the addresses, as
// the kernel does by default, and knows neither ports nor inner headers.
func chooses(s *introspect.Snapshot) bool {
	policy, ok := s.Sysctls.Get("ipv4/fib_multipath_hash_policy")
	return ok && policy.Value == "0"
}

func (f *FIB) addAddr(a introspect.Addr, n int) {
	if !a.Key.Local.Addr().Is4() {
		return
	}
	p := hostPrefix(a.Key.Local.Addr())
	count(f.addrs, p, n)
	f.addOwn(p, n)
}

func (f *FIB) addOwn(p prefix, n int) {
	count(f.own, p, n)
	f.inline.known = false
}

func (f *FIB) addRoute(r introspect.Route, n int) {
	if !inRules(r.Key) {
		return
	}
	p := prefixOf(r.Key.Dst)
	if _, ok := typeReasons[r.Type]; ok {
		f.addOwn(p, n)
	}
	if r.Key.Table == tableLocal && p.len() < 32 && !martian(p) {
		count(f.local, p, n)
	}
	if !plain(r) {
		f.odd += n
	}
}

func (f *FIB) addNeigh(k introspect.NeighKey, n int) {
	if k.Addr.Is4() {
		count(f.ports, k.Index, n)
	}
}

func count[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// fill enters every route and every known neighbour.
func (f *FIB) fill() {
	for _, m := range martians {
		f.renew(m)
	}
	for p := range f.addrs {
		f.renew(p)
	}
	var run []introspect.Route
	for key, r := range f.Routes4.All() {
		if !inRules(key) {
			continue
		}
		if len(run) > 0 && run[0].Key.Dst != key.Dst {
			f.enter(prefixOf(run[0].Key.Dst), run)
			run = run[:0]
			if f.trie.first == firstSmall && f.trie.next == smallBlocks {
				return
			}
		}
		run = append(run, r)
	}
	if len(run) > 0 {
		f.enter(prefixOf(run[0].Key.Dst), run)
	}
	for key := range f.Neighs.All() {
		if key.Addr.Is4() {
			f.renew(hostPrefix(key.Addr))
		}
	}
	for i := range f.Links.All() {
		if row := f.vet(i).deviceRow(); row != nil {
			f.device[i] = row
		}
	}
}

// renew enters what a prefix comes to now.
func (f *FIB) renew(p prefix) { f.enter(p, routesTo(f.Snapshot, p)) }

func (f *FIB) enter(p prefix, routes []introspect.Route) {
	a, ok := f.resolve(p, routes)
	if !ok && p.len() == 32 {
		a, ok = f.attached(p)
	}
	old, there := f.trie.entries[p]
	if !ok {
		f.trie.remove(p)
	} else {
		i := f.rows.acquire(a.key, a.hops, f.content)
		f.rows.list[i].refs++
		f.trie.set(p, i)
	}
	if there {
		f.rows.release(old)
	}
}

// attached is the answer for a neighbour of a connected network: an entry of its own, once its address is known, so that
// one lookup finds both the route and the neighbour.
func (f *FIB) attached(p prefix) (answer, bool) {
	net, ok := f.trie.cover(p, 31)
	if !ok {
		return answer{}, false
	}
	key := f.rows.list[f.trie.entries[net]].key
	if !key.glean() {
		return answer{}, false
	}
	key.via = netipAddr(p.addr())
	n, ok := f.Neighs.Get(introspect.NeighKey{Index: key.oif, Addr: key.via})
	if _, there := f.rows.byKey[key]; !ok || !there && !usable(n) {
		return answer{}, false
	}
	return answer{key: key}, true
}

// vet is egressOf, remembered.
func (f *FIB) vet(i introspect.Index) egress {
	e, ok := f.egress[i]
	if !ok {
		e = egressOf(f.Snapshot, i)
		f.egress[i] = e
	}
	return e
}

// Shape tells programs about the tables.
func (f *FIB) Shape() Shape {
	if !f.inline.known {
		f.inline = inlineOwn(f.own)
	}
	return Shape{First: f.trie.first, Blocks: f.trie.blocks, Rows: f.rows.size, Devices: f.devices,
		Full: f.trie.overflow, Plain: f.odd == 0 && f.choose, Inline: f.inline.fits, Own: f.inline.text}
}

// Tables lists the tables whose contents the FIB keeps.
func (f *FIB) Tables() []*ir.Table {
	s := f.Shape()
	return []*ir.Table{s.route(), s.nexthop(), s.device()}
}

// Image is the whole contents of the tables, as writes into empty ones.
func (f *FIB) Image() []ir.Write {
	all := []ir.Write{{Table: tableNexthop, Data: f.rows.image()}, {Table: tableRoute, Data: f.trie.image()}}
	for i, row := range f.device {
		all = append(all, ir.Write{Table: tableDevice, Offset: int(i), Data: row})
	}
	return all
}

// Env is the tables as ir.Eval wants them; the live lookup is the caller's to add.
func (f *FIB) Env() *ir.Env {
	s := f.Shape()
	env := &ir.Env{Tables: map[string][]byte{}, Hash: map[string]map[uint32][]byte{tableDevice: {}}}
	for _, t := range []*ir.Table{s.route(), s.nexthop()} {
		env.Tables[t.Name] = make([]byte, t.Bytes())
	}
	copy(env.Tables[tableRoute], f.trie.image())
	copy(env.Tables[tableNexthop], f.rows.image())
	for i, row := range f.device {
		env.Hash[tableDevice][uint32(i)] = row
	}
	return env
}

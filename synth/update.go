package synth

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// Update follows the configuration to a new Snapshot and returns the writes that bring the tables up to date, to be done
// in order. If the tables no longer fit, reshaped says that all are to be made anew, and filled with Image.
func (f *FIB) Update(s *introspect.Snapshot) (writes []ir.Write, reshaped bool) {
	old := f.Snapshot
	f.Snapshot = s
	d := f.differences(old)
	f.egressChanged(old)
	f.refresh(d, old) // first, so that no entry comes to name a row that says what was
	f.recompute(d)
	f.updateDevices(old)
	if f.outgrown() {
		f.build(s, f.larger())
		return nil, true
	}
	f.rows.overflow = false // the rows that did not fit leave their packets to the kernel
	writes, f.journal.writes = f.journal.writes, nil
	return writes, false
}

// outgrown tells whether larger tables would help.
func (f *FIB) outgrown() bool {
	routes := f.trie.overflow && (f.trie.blocks < maxBlocks || len(f.trie.entries) < f.full-f.full/8)
	return routes || f.rows.overflow && f.rows.size < maxRows || f.Links.Len() > f.devices
}

// larger is the least Shape of tables that replace ones that have become too small: another one in any case, so that
// nobody who still looks at the old ones finds new contents.
func (f *FIB) larger() Shape {
	s := Shape{First: f.trie.first, Blocks: f.trie.blocks, Rows: f.rows.size, Devices: f.devices}
	if f.trie.overflow {
		s.Blocks = min(2*s.Blocks, maxBlocks)
	}
	if f.rows.overflow {
		s.Rows = min(2*s.Rows, maxRows)
	}
	if f.Links.Len() > s.Devices {
		s.Devices *= 2
	}
	return s
}

// delta is what has to be looked at again.
type delta struct {
	routes map[prefix]bool
	hosts  map[prefix]bool // of single neighbours
	neighs []neighKey
}

// differences takes in what has changed since the old Snapshot.
func (f *FIB) differences(old *introspect.Snapshot) *delta {
	d := &delta{routes: map[prefix]bool{}, hosts: map[prefix]bool{}}
	for c := range introspect.DiffMaps(old.Addrs, f.Addrs) {
		f.addrChange(c)
		if local := c.Key.Local.Addr(); local.Is4() {
			d.routes[hostPrefix(local)] = true
		}
	}
	for c := range introspect.DiffMaps(old.Routes4, f.Routes4) {
		if inRules(c.Key) {
			f.routeChange(c)
			d.routes[prefixOf(c.Key.Dst)] = true
		}
	}
	for c := range introspect.DiffMaps(old.Neighs, f.Neighs) {
		f.neighChange(c, d)
	}
	f.objectChanges(old, d)
	f.globals(d)
	return d
}

func (f *FIB) addrChange(c introspect.Change[introspect.AddrKey, introspect.Addr]) {
	if c.Old != nil {
		f.addAddr(*c.Old, -1)
	}
	if c.New != nil {
		f.addAddr(*c.New, 1)
	}
}

func (f *FIB) routeChange(c introspect.Change[introspect.RouteKey, introspect.Route]) {
	if c.Old != nil {
		f.addRoute(*c.Old, -1)
	}
	if c.New != nil {
		f.addRoute(*c.New, 1)
	}
}

func (f *FIB) neighChange(c introspect.Change[introspect.NeighKey, introspect.Neigh], d *delta) {
	if c.Old == nil {
		f.addNeigh(c.Key, 1)
	}
	if c.New == nil {
		f.addNeigh(c.Key, -1)
	}
	if c.Key.Proxy {
		return
	}
	d.neighs = append(d.neighs, neighKey{c.Key.Index, c.Key.Addr})
	if c.Key.Addr.Is4() {
		d.hosts[hostPrefix(c.Key.Addr)] = true
	}
}

// objectChanges finds the routes whose nexthop objects have changed. Objects change rarely, so that looking at every
// route is cheaper than to know which use them.
func (f *FIB) objectChanges(old *introspect.Snapshot, d *delta) {
	changed := map[uint32]bool{}
	for c := range introspect.DiffMaps(old.Nexthops, f.Nexthops) {
		changed[uint32(c.Key)] = true
	}
	if len(changed) == 0 {
		return
	}
	for id, n := range f.Nexthops.All() {
		if slices.ContainsFunc(n.Group, func(m introspect.Member) bool { return changed[m.ID] }) {
			changed[uint32(id)] = true
		}
	}
	for key, r := range f.Routes4.All() {
		if r.Object != 0 && changed[r.Object] && inRules(key) {
			d.routes[prefixOf(key.Dst)] = true
		}
	}
}

// globals looks at what every answer depends on; where that has changed, all routes are looked at again.
func (f *FIB) globals(d *delta) {
	choose, wide := chooses(f.Snapshot), slices.Sorted(maps.Keys(f.local))
	if choose == f.choose && slices.Equal(wide, f.wide) {
		return
	}
	f.choose, f.wide = choose, wide
	for key := range f.Routes4.All() {
		if inRules(key) {
			d.routes[prefixOf(key.Dst)] = true
		}
	}
}

// recompute enters what prefixes come to, the shortest first, because the answers for neighbours depend on the routes
// that cover them.
func (f *FIB) recompute(d *delta) {
	order := make([]prefix, 0, len(d.routes))
	for p := range d.routes {
		order = append(order, p)
	}
	slices.SortFunc(order, func(a, b prefix) int { return cmp.Or(a.len()-b.len(), cmp.Compare(a, b)) })
	for _, p := range order {
		f.renew(p)
		if p.len() < 32 {
			f.neighboursIn(p, d.hosts)
		}
	}
	for p := range d.hosts {
		f.renew(p)
	}
}

// neighboursIn adds the neighbours whose addresses a prefix covers.
func (f *FIB) neighboursIn(p prefix, hosts map[prefix]bool) {
	for port := range f.ports {
		for key := range f.Neighs.From(introspect.NeighKey{Index: port, Addr: netipAddr(p.addr())}) {
			if key.Index != port || !key.Addr.Is4() || addr4(key.Addr) > p.last() {
				break
			}
			hosts[hostPrefix(key.Addr)] = true
		}
	}
}

// egressChanged forgets what is known of the outgoing interfaces if that may have changed.
func (f *FIB) egressChanged(old *introspect.Snapshot) {
	if !sameEgress(old, f.Snapshot) {
		clear(f.egress)
	}
}

func sameEgress(a, b *introspect.Snapshot) bool {
	return a.Links.Equal(b.Links) && a.Qdiscs.Equal(b.Qdiscs) && a.Filters.Equal(b.Filters) && a.Taps.Equal(b.Taps) &&
		a.Netconf.Equal(b.Netconf) && a.Sysctls.Equal(b.Sysctls)
}

// refresh brings rows up to date: all of them if an outgoing interface may have changed, else those of the neighbours
// that did.
func (f *FIB) refresh(d *delta, old *introspect.Snapshot) {
	moved := map[uint16]uint16{}
	if sameEgress(old, f.Snapshot) {
		for _, n := range d.neighs {
			for _, i := range slices.Clone(f.rows.byNeigh[n]) {
				f.refreshRow(i, moved)
			}
		}
	} else {
		for i := range f.rows.list {
			if i >= fixedRows && f.rows.list[i].refs > 0 {
				f.refreshRow(uint16(i), moved)
			}
		}
	}
	f.move(moved)
}

// refreshRow brings one row up to date, by a new one where it cannot be done in place.
func (f *FIB) refreshRow(i uint16, moved map[uint16]uint16) {
	r := f.rows.list[i]
	if f.rows.change(i, f.content(&r)) {
		return
	}
	j, ok := f.rows.take()
	if !ok {
		f.rows.overflow = true
		return
	}
	f.rows.put(j, row{key: r.key, hops: r.hops}, f.content)
	moved[i] = j
}

// move lets entries name other rows.
func (f *FIB) move(moved map[uint16]uint16) {
	if len(moved) == 0 {
		return
	}
	for p, i := range f.trie.entries {
		if j, ok := moved[i]; ok {
			f.trie.set(p, j)
			f.rows.list[j].refs++
		}
	}
	for i := range moved {
		f.rows.forget(i)
	}
}

// updateDevices brings the table of outgoing interfaces up to date.
func (f *FIB) updateDevices(old *introspect.Snapshot) {
	if sameEgress(old, f.Snapshot) {
		return
	}
	for i := range f.device {
		if _, ok := f.Links.Get(i); !ok {
			f.setDevice(i, nil)
		}
	}
	for i := range f.Links.All() {
		f.setDevice(i, f.vet(i).deviceRow())
	}
}

func (f *FIB) setDevice(i introspect.Index, row []byte) {
	if string(f.device[i]) == string(row) {
		return
	}
	f.device[i] = row
	if row == nil {
		delete(f.device, i)
	}
	f.journal.note(tableDevice, int(i), row)
}

package synth

import (
	"slices"

	"github.com/hone-net/hone/introspect"
)

// shared is what all views of a FIB use.
type shared struct {
	*introspect.Snapshot
	journal *journal
	rows    *rows
	egress  map[introspect.Index]egresses
	ported  bool // rows say by which port of a bridge frames leave, or by which interface below a VLAN device
	tagged  bool // rows say whether frames have a tag
}

// vet is egressesOf, remembered.
func (f *shared) vet(i introspect.Index) egresses {
	e, ok := f.egress[i]
	if !ok {
		e = egressesOf(f.Snapshot, i)
		f.egress[i] = e
	}
	return e
}

// egressChanged forgets what is known of the outgoing interfaces if that may have changed.
func (f *shared) egressChanged(old *introspect.Snapshot) {
	if !sameEgress(old, f.Snapshot) {
		clear(f.egress)
	}
}

func sameEgress(a, b *introspect.Snapshot) bool {
	return a.Links.Equal(b.Links) && a.Qdiscs.Equal(b.Qdiscs) && a.Filters.Equal(b.Filters) && a.Taps.Equal(b.Taps) &&
		a.Netconf.Equal(b.Netconf) && a.Netconf6.Equal(b.Netconf6) && a.Sysctls.Equal(b.Sysctls) && a.VLANs.Equal(b.VLANs) &&
		sameWatchers(a, b)
}

// refresh brings rows up to date: all of them if an outgoing interface may have changed, else those of the neighbours
// that did. It returns the rows that others take the place of.
func (f *shared) refresh(neighs []neighKey, old *introspect.Snapshot) (moved map[uint16]uint16) {
	moved = map[uint16]uint16{}
	if !sameEgress(old, f.Snapshot) {
		for i := range f.rows.list {
			if i >= fixedRows && f.rows.list[i].refs > 0 {
				f.refreshRow(uint16(i), moved)
			}
		}
		return moved
	}
	for _, n := range neighs {
		for _, i := range slices.Clone(f.rows.byNeigh[n]) {
			f.refreshRow(i, moved)
		}
	}
	f.refreshBehind(old, moved)
	return moved
}

// refreshBehind brings the rows up to date whose nexthops a bridge has seen come, go or move.
func (f *shared) refreshBehind(old *introspect.Snapshot, moved map[uint16]uint16) {
	if !f.ported || old.FDB.Equal(f.FDB) {
		return
	}
	changed := map[introspect.FDBKey]bool{}
	for c := range introspect.DiffMaps(old.FDB, f.FDB) {
		changed[c.Key] = true
	}
	for i := range f.rows.list {
		r := &f.rows.list[i]
		if _, gone := moved[uint16(i)]; gone || i < fixedRows || r.refs == 0 {
			continue // the row that takes its place says what is
		}
		out := f.vet(r.key.oif)
		n, _ := f.Neighs.Get(introspect.NeighKey{Index: r.key.oif, Addr: r.key.via})
		if out.bridge != 0 && changed[introspect.FDBKey{Bridge: out.bridge, MAC: n.MAC, VLAN: out.inside}] {
			f.refreshRow(uint16(i), moved)
		}
	}
}

// refreshRow brings one row up to date, by a new one where it cannot be done in place.
func (f *shared) refreshRow(i uint16, moved map[uint16]uint16) {
	r := f.rows.list[i]
	if f.rows.change(i, f.content(&r)) {
		return
	}
	j, ok := f.rows.take()
	if !ok { // what it says holds no more
		f.rows.overflow, moved[i] = true, rowFull
		delete(f.rows.byKey, r.key)
		return
	}
	f.rows.put(j, row{key: r.key, hops: r.hops}, f.content)
	moved[i] = j
}

package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// Update follows the configuration to a new Snapshot and returns the writes that bring the tables up to date, to be done
// in order. If the tables no longer fit, reshaped says that all are to be made anew, and filled with Image.
func (f *FIB) Update(s *introspect.Snapshot) (writes []ir.Write, reshaped bool) {
	old := f.Snapshot
	f.Snapshot, f.fresh, f.asks = s, nil, asks{}
	f.followSets(old)
	f.followBridges(old)
	f.ported = f.ported || len(f.fdbs.tables) > 0                                      // the links have changed, so that all rows are looked at again
	if f.replanned(old) || !f.tagged && !old.Links.Equal(s.Links) && standsTagged(s) { // programs that know of no tags are to find no rows with one
		f.build(s, Shape{Rows: f.rows.size, Devices: f.devices})
		return nil, true
	}
	for _, v := range f.views {
		v.follow(old)
	}
	f.egressChanged(old)
	f.move(f.refresh(f.neighChanges(old), old)) // first, so that no entry comes to name a row that says what was
	for _, v := range f.views {
		v.recompute()
	}
	f.updateDevices(old)
	f.count(old)
	if f.outgrown() {
		f.build(s, f.larger())
		return nil, true
	}
	f.rows.overflow = false // the rows that did not fit leave their packets to the kernel
	writes, f.journal.writes = f.journal.writes, nil
	return writes, false
}

// replanned tells whether other lists of routing tables are to be asked than before.
func (f *FIB) replanned(old *introspect.Snapshot) bool {
	if old.Rules4.Equal(f.Rules4) && old.Rules6.Equal(f.Rules6) && old.Links.Equal(f.Links) {
		return false
	}
	for ip, before := range f.plans {
		if p := routing(f.Snapshot, ip); !p.same(before) {
			return true
		}
	}
	return false
}

// neighChanges lists the neighbours that have changed.
func (f *FIB) neighChanges(old *introspect.Snapshot) []neighKey {
	var all []neighKey
	for c := range introspect.DiffMaps(old.Neighs, f.Neighs) {
		if !c.Key.Proxy {
			all = append(all, neighKey{c.Key.Index, c.Key.Addr})
		}
	}
	return all
}

// move lets the entries of all views name other rows, and takes those that they named out of use.
func (f *FIB) move(moved map[uint16]uint16) {
	if len(moved) == 0 {
		return
	}
	for _, v := range f.views {
		v.move(moved)
	}
	for i := range moved {
		f.rows.forget(i)
	}
}

// outgrown tells whether other tables would help.
func (f *FIB) outgrown() bool {
	for _, v := range f.views {
		if v.outgrown() {
			return true
		}
	}
	return f.rows.overflow && f.rows.size < maxRows || f.Links.Len() > f.devices
}

// larger is the least Shape of tables that replace ones that have become too small: another one in any case, so that
// nobody who still looks at the old ones finds new contents.
func (f *FIB) larger() Shape {
	s := Shape{Rows: f.rows.size, Devices: f.devices}
	for _, v := range f.views {
		s.Views = append(s.Views, v.larger())
	}
	if f.rows.overflow {
		s.Rows = min(2*s.Rows, maxRows)
	}
	if f.Links.Len() > s.Devices {
		s.Devices *= 2
	}
	return s
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
		f.setDevice(i, f.vet(i).deviceRow(i))
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

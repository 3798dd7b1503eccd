package synth

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// fdbs are the forwarding databases of bridges. The map is never changed: a Shape may hold it.
type fdbs struct {
	tables map[introspect.Index]*fdb
	made   int // tables that there have been
}

// followBridges brings the forwarding databases up to date. One that has become too small is made anew under another name,
// and programs with it.
func (f *FIB) followBridges(old *introspect.Snapshot) {
	if old == nil {
		old = &introspect.Snapshot{}
	}
	same := sameEgress(old, f.Snapshot) && old.VLANs.Equal(f.VLANs)
	if same && old.FDB.Equal(f.FDB) {
		return
	}
	changes := map[introspect.Index][]entryChange{}
	for c := range introspect.DiffMaps(old.FDB, f.FDB) {
		changes[c.Key.Bridge] = append(changes[c.Key.Bridge], c)
	}
	tables := map[introspect.Index]*fdb{}
	for i, l := range f.Links.All() {
		if l.Kind == kindBridge {
			tables[i] = f.followBridge(i, changes[i], same)
		}
	}
	f.dropBridges(tables)
	if !maps.Equal(tables, f.fdbs.tables) {
		f.asks.tables, f.fdbs.tables = true, tables
	}
}

// dropBridges lets go of the tables that others have taken the place of.
func (f *FIB) dropBridges(tables map[introspect.Index]*fdb) {
	for i, t := range f.fdbs.tables {
		if tables[i] != t {
			f.asks.gone = append(f.asks.gone, t.name)
		}
	}
}

// followBridge is the table of one bridge, which is another one where the old one has become too small.
func (f *FIB) followBridge(i introspect.Index, changes []entryChange, samePorts bool) *fdb {
	if t := f.fdbs.tables[i]; t != nil {
		noted := len(f.journal.writes)
		looked := !samePorts && t.look(f.Snapshot, f.journal)
		settle, ok := t.follow(f.Snapshot, changes, f.journal)
		if ok {
			f.asks.settle = f.asks.settle || looked || settle
			return t
		}
		f.journal.writes = f.journal.writes[:noted] // of a table that goes
	}
	f.fdbs.made++
	t := newFDB(f.Snapshot, i, fmt.Sprintf("fdb-%d-%d", i, f.fdbs.made))
	if f.journal.on {
		f.journal.writes = append(f.journal.writes, t.image())
	}
	return t
}

// owned lists the entries of bridges for their own addresses, by which frames to them are for the host. The kernel makes
// it, and an administrator may take it away.
func (f *FIB) owned() (all []introspect.FDBKey) {
	for i := range f.fdbs.tables {
		link, _ := f.Links.Get(i)
		own := func(vid uint16) {
			key := introspect.FDBKey{Bridge: i, MAC: link.MAC, VLAN: vid}
			if e, ok := f.FDB.Get(key); ok && e.Local && len(e.Unknown) == 0 {
				all = append(all, key)
			}
		}
		own(0)
		for key := range f.VLANs.From(introspect.VLANKey{Index: i}) {
			if key.Index != i {
				break
			}
			own(key.VID)
		}
	}
	slices.SortFunc(all, introspect.FDBKey.Compare)
	return all
}

// Age lists the writes that let the learned entries of a bridge age again, of those that a program has kept from it: one
// frame from each goes to the kernel before the next is forwarded. read gives n bytes at an offset of a table.
func (f *FIB) Age(bridge introspect.Index, read func(table string, offset, n int) ([]byte, error)) (clear []ir.Write) {
	t := f.fdbs.tables[bridge]
	if t == nil {
		return nil
	}
	zero := bytes4(0)
	for at, row := range t.rows {
		if row.port == 0 || row.static {
			continue
		}
		place := at*stationBytes + atFresh
		if mark, err := read(t.name, place, 4); err == nil && len(mark) == 4 && binary.NativeEndian.Uint32(mark) != 0 {
			clear = append(clear, ir.Write{Table: t.name, Offset: place, Data: zero})
		}
	}
	return clear
}

// AgeEvery tells, for each bridge whose entries age, how often Age is to be called for it: four times while an entry ages.
// While the kernel's own spanning tree changes, entries age faster.
func (f *FIB) AgeEvery() map[introspect.Index]time.Duration {
	const tick = 10 * time.Millisecond // of the kernel's times
	all := map[introspect.Index]time.Duration{}
	for i := range f.fdbs.tables {
		link, _ := f.Links.Get(i)
		if after := remembers(link.Bridge); after > 0 {
			all[i] = time.Duration(after) * tick / 4
		}
	}
	return all
}

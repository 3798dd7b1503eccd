package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// FIB keeps the contents of the tables that programs look into: routes, nexthops and outgoing interfaces. It is made of
// a Snapshot and follows it by writes that cost what has changed.
type FIB struct {
	shared
	plans   map[*layout]*plan
	views   []viewer
	device  map[introspect.Index][]byte
	devices int // entries that the device table has room for
	tallies *tallies
	fresh   []int // numbers of tallies that have just been given
	sets    sets
	fdbs    fdbs
	asks    asks
}

// NewFIB makes the tables of a configuration.
func NewFIB(s *introspect.Snapshot) *FIB {
	f := &FIB{tallies: newTallies(), shared: shared{Snapshot: s, journal: &journal{}}}
	f.followSets(nil)
	f.followBridges(nil)
	f.build(s, Shape{})
	return f
}

// build makes everything anew, with tables of at least the given shape.
func (f *FIB) build(s *introspect.Snapshot, least Shape) {
	f.retire()
	j := &journal{}
	*f = FIB{tallies: f.tallies, fresh: f.fresh, sets: f.sets, fdbs: f.fdbs, asks: f.asks, device: map[introspect.Index][]byte{},
		shared: shared{Snapshot: s, journal: j, rows: newRows(j), egress: map[introspect.Index]egresses{}}}
	f.tagged = standsTagged(s)
	f.ported = len(f.fdbs.tables) > 0 || f.tagged
	f.views = f.makeViews(least)
	for _, v := range f.views {
		v.survey()
		v.fill()
		table, _ := least.view(v.shape().Table)
		v.seal(table)
	}
	for i := range f.Links.All() {
		if row := f.vet(i).deviceRow(i); row != nil {
			f.device[i] = row
		}
	}
	f.rows.seal(least.Rows)
	f.devices = powerOfTwo(max(2*s.Links.Len(), least.Devices), minDevices)
	f.count(nil)
	j.on = true
}

// retire lets go of the tables of routes, nexthops and interfaces, be the next ones of the same shape: rows get other numbers,
// and who still looks at the old ones must find nothing new. Of a hash, the image takes nothing away.
func (f *FIB) retire() {
	if len(f.views) == 0 {
		return // there are none yet
	}
	f.asks.settle = f.asks.settle || len(f.fdbs.tables) > 0 // their images write the keys of entries first
	f.asks.gone = append(f.asks.gone, tableNexthop, tableDevice)
	for _, v := range f.views {
		f.asks.gone = append(f.asks.gone, v.shape().Table)
	}
}

const minDevices = 64

// makeViews makes the views that programs ask, empty. Where there are rules, IPv4 sources have one of their own.
func (f *FIB) makeViews(least Shape) []viewer {
	f.plans = map[*layout]*plan{layout4: routing(f.Snapshot, layout4), layout6: routing(f.Snapshot, layout6)}
	four, make4 := f.plans[layout4], func(table string) lpm[prefix] { return f.makeTable4(table, least) }
	all := viewsOf(f, ipv4, four, make4)
	if four.parted {
		sources := newView(&f.shared, ipv4, four, four.sourced(), make4(tableSource))
		sources.owner = true
		all = append(all, sources)
	}
	make6 := func(table string) lpm[prefix6] { return newTrie6(f.journal, table) }
	return append(all, viewsOf(f, ipv6, f.plans[layout6], make6)...)
}

// viewsOf makes the views of one family.
func viewsOf[P point[P]](f *FIB, family *family[P], p *plan, table func(string) lpm[P]) []viewer {
	var all []viewer
	for i, ask := range p.views {
		all = append(all, newView(&f.shared, family, p, ask, table(p.name(i))))
	}
	return all
}

func (f *FIB) makeTable4(table string, least Shape) lpm[prefix] {
	size := f.Routes4.Len()
	if f.plans[layout4].parted {
		size = 0 // there are as many tables as there are lists, and each grows as it has to
	}
	shape, _ := least.view(table)
	return newTable4(f.journal, table, size, shape)
}

// Shape tells programs about the tables.
func (f *FIB) Shape() Shape {
	s := Shape{Rows: f.rows.size, Devices: f.devices, tallies: f.tallies, sets: f.sets.tables, fdbs: f.fdbs.tables, Ported: f.ported, Tagged: f.tagged, Owned: f.owned()}
	for _, v := range f.views {
		s.Views = append(s.Views, v.shape())
	}
	return s
}

// Tables lists the tables whose contents the FIB keeps.
func (f *FIB) Tables() []*ir.Table {
	s := f.Shape()
	all := []*ir.Table{s.nexthop(), s.device(), s.tally()}
	for _, v := range s.Views {
		all = append(all, v.route())
	}
	for _, h := range s.sets {
		all = append(all, h.Table())
	}
	for _, t := range s.fdbs {
		all = append(all, t.table())
	}
	return all
}

// Image is the whole contents of the tables, as writes into empty ones.
func (f *FIB) Image() []ir.Write {
	all := []ir.Write{{Table: tableNexthop, Data: f.rows.image()}}
	for _, v := range f.views {
		all = append(all, v.image())
	}
	all = append(all, f.zeros()...)
	for _, h := range f.sets.tables {
		all = append(all, h.Image())
	}
	for _, t := range f.fdbs.tables {
		all = append(all, t.image())
	}
	for i, row := range f.device {
		all = append(all, ir.Write{Table: tableDevice, Offset: int(i), Data: row})
	}
	return all
}

// Env is the tables as ir.Eval wants them; the live lookup is the caller's to add.
func (f *FIB) Env() *ir.Env {
	env := &ir.Env{Tables: map[string][]byte{}, Hash: map[string]map[uint32][]byte{tableDevice: {}}}
	for _, t := range f.Tables() {
		if t.Kind != ir.Hash {
			env.Tables[t.Name] = make([]byte, t.Bytes())
		}
	}
	for _, w := range f.Image() {
		if w.Table == tableTally {
			continue
		}
		if w.Table == tableDevice {
			env.Hash[tableDevice][uint32(w.Offset)] = w.Data
		} else {
			copy(env.Tables[w.Table], w.Data)
		}
	}
	return env
}

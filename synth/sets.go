package synth

import (
	"fmt"
	"maps"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/filter"
)

// sets are the named sets whose elements change in place. The map is never changed: a Shape may hold it.
type sets struct {
	tables map[introspect.SetKey]filter.SetTable
	made   int // tables that there have been
}

// followSets brings the tables of sets up to date. One that has to be made anew gets another name, and programs with it.
func (f *FIB) followSets(old *introspect.Snapshot) {
	if old == nil {
		old = &introspect.Snapshot{}
	}
	if old.Sets.Equal(f.Sets) {
		return
	}
	tables := maps.Clone(f.sets.tables)
	if tables == nil {
		tables = map[introspect.SetKey]filter.SetTable{}
	}
	for c := range introspect.DiffMaps(old.Sets, f.Sets) {
		f.followSet(c, tables)
	}
	if !maps.Equal(tables, f.sets.tables) {
		f.asks.tables, f.sets.tables = true, tables
	}
}

// followSet brings the table of one set up to date.
func (f *FIB) followSet(c introspect.Change[introspect.SetKey, introspect.Set], tables map[introspect.SetKey]filter.SetTable) {
	h := tables[c.Key]
	if h != nil && c.Old != nil && c.New != nil && c.Old.SameHead(*c.New) {
		if writes, ok := h.Follow(*c.Old, *c.New); ok {
			f.journal.writes, f.asks.settle = append(f.journal.writes, writes...), true
			return
		}
	}
	if h != nil {
		f.asks.gone = append(f.asks.gone, h.Table().Name)
		delete(tables, c.Key)
	}
	if c.New == nil {
		return
	}
	if h, ok := newSetTable(*c.New, fmt.Sprintf("set-%d", f.sets.made+1)); ok {
		f.sets.made++
		tables[c.Key] = h
		if f.journal.on {
			f.journal.writes = append(f.journal.writes, h.Image())
		}
	}
}

// asks is what an Update asks for beside its writes.
type asks struct {
	tables bool
	settle bool
	gone   []string
}

// Grew tells whether the last Update asks for tables that are not there yet, or of another size.
func (f *FIB) Grew() bool { return f.asks.tables }

// Settles tells whether its writes may be done only once no program runs that began before the change was announced:
// entries of sets move.
func (f *FIB) Settles() bool { return f.asks.settle }

// Gone names tables that nobody needs any more.
func (f *FIB) Gone() []string { return f.asks.gone }

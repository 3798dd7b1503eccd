package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// setPrefixes is the elements of a named set of intervals: the prefixes that the intervals consist of, in a table like
// those of routes of IPv6, which answers one. Shorter keys are the first bits of an address: so they take fewer steps, and
// less memory, than in a table of IPv4, and no more of either than what is compiled for intervals.
type setPrefixes struct {
	filter.SetKeys
	lpm     *trie6
	size    uint32    // bytes of a key
	shape   ViewShape // that programs know
	journal *journal
}

// Limits of sets of intervals.
const (
	longKey        = 16      // bytes of the keys that a table takes
	mostSetEntries = 1 << 20 // prefixes of one set
)

// newSetTable makes the table of a set, under a name that no other table has had; false if the set is none that changes in
// place.
func newSetTable(s introspect.Set, name string) (filter.SetTable, bool) {
	if s.Flags&introspect.SetInterval == 0 {
		h, ok := filter.NewSetHash(s, name)
		return h, ok
	}
	keys, ok := filter.LaySet(s, introspect.SetInterval)
	if !ok || len(s.Fields) > 0 || s.KeyLen > longKey {
		return nil, false
	}
	ranges, ok := rangesOf(s)
	if !ok || filter.Few(len(ranges)) {
		return nil, false
	}
	j := &journal{}
	t := &setPrefixes{SetKeys: keys, lpm: newTrie6(j, name), size: s.KeyLen, journal: j}
	return t, t.build(ranges)
}

// build enters intervals; false if there is no room for them.
func (t *setPrefixes) build(ranges []keyRange) bool {
	for _, r := range ranges {
		r.prefixes(func(p prefix6) { t.lpm.set(p, 1) })
		if t.lpm.size() > mostSetEntries {
			return false
		}
	}
	t.lpm.seal(ViewShape{})
	t.shape, t.journal.on = t.lpm.shape(), true
	t.shape.Steps = min(t.shape.Steps+stepsApart, ir.MaxSteps) // an interval that comes may lie deeper than all others
	return !t.shape.Full
}

// Follow is that of a SetTable. What was let go of by the last call rests no more, since no program looks meanwhile.
func (t *setPrefixes) Follow(old, s introspect.Set) (writes []ir.Write, ok bool) {
	gone, come := map[keyRange]bool{}, map[keyRange]bool{}
	for c := range introspect.DiffMaps(old.Elements, s.Elements) {
		if c.New != nil && !isBound(*c.New, t.size) || len(gone)+len(come) > t.lpm.size()/2+mostAtOnce {
			return nil, false
		}
		around(old.Elements, c.Key.Key, gone)
		around(s.Elements, c.Key.Key, come)
	}
	if rested := t.journal.written(); rested != nil {
		rested()
	}
	t.change(gone, come)
	if !t.fits() {
		return nil, false
	}
	writes, t.journal.writes = t.journal.writes, nil
	return writes, true
}

// mostAtOnce is how many intervals of a small set change in place.
const mostAtOnce = 16

// change enters intervals that have come, and takes out those that have gone.
func (t *setPrefixes) change(gone, come map[keyRange]bool) {
	stay := map[prefix6]bool{}
	for r := range come {
		if !gone[r] {
			r.prefixes(func(p prefix6) { stay[p] = true })
		}
	}
	for r := range gone {
		if !come[r] {
			r.prefixes(func(p prefix6) {
				if !stay[p] {
					t.lpm.remove(p)
				}
			})
		}
	}
	for p := range stay {
		t.lpm.set(p, 1)
	}
}

// fits tells whether programs still know what they have to know of the table. It has no focus: that is for nexthops, and most
// packets are in no set.
func (t *setPrefixes) fits() bool {
	now := t.lpm.shape()
	steps := now.Steps
	now.Steps = t.shape.Steps
	return now == t.shape && steps <= t.shape.Steps && !now.Full && t.lpm.size() <= mostSetEntries
}

// Table is that of a SetTable.
func (t *setPrefixes) Table() *ir.Table {
	table := t.shape.route()
	table.Domain = slowpath.Config
	return table
}

// Image is that of a SetTable.
func (t *setPrefixes) Image() ir.Write { return ir.Write{Table: t.shape.Table, Data: t.lpm.image()} }

// Find is that of a SetTable. A key is the first bits of what is looked up, and the table wants nothing to follow.
func (t *setPrefixes) Find(b *ir.Builder, words []*ir.Value) *ir.Value {
	table := b.Table(t.Table())
	up := func(v *ir.Value, free uint32) *ir.Value {
		if free == 0 {
			return v
		}
		return b.ArithImm(ir.OpShl, v, uint64(8*free))
	}
	if len(words) == 1 {
		return b.Lookup(table, up(words[0], 8-t.size), b.Const(0))
	}
	return b.Lookup(table, words[0], up(words[1], longKey-t.size))
}

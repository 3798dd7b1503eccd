package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// tableTally counts, for the counters of the ruleset, the packets that programs forward.
const tableTally = "tally"

// minTallies is the least size of the table, mostTallies the largest: each CPU that there may be has one of its own. What finds no
// number is counted by the kernel alone, which gets the packets.
const (
	minTallies  = 256
	mostTallies = 1 << 16
)

// tallies gives each counter of the ruleset a number that it keeps: what it has counted outlives programs. Once it is made
// it does not change.
type tallies struct {
	number map[filter.CounterID]int
	free   []int // numbers of counters that are gone
	next   int   // the first number that was never given
	size   int
}

func newTallies() *tallies { return &tallies{next: 1, size: minTallies} }

// follow gives numbers to the counters of another ruleset. The numbers of fresh ones begin at zero.
func (t *tallies) follow(s *introspect.Snapshot) (n *tallies, fresh []int) {
	n = &tallies{number: map[filter.CounterID]int{}, next: t.next, size: t.size}
	var missing []filter.CounterID
	for _, id := range filter.Counters(s) {
		if old, ok := t.number[id]; ok {
			n.number[id] = old
			continue
		}
		missing = append(missing, id)
	}
	n.free = t.free
	for _, id := range missing {
		number := n.next
		switch {
		case len(n.free) > 0:
			number, n.free = n.free[0], n.free[1:]
		case n.next == mostTallies:
			continue
		default:
			n.next++
		}
		n.number[id] = number
		fresh = append(fresh, number)
	}
	n.free = n.free[:len(n.free):len(n.free)]
	for id, old := range t.number {
		if _, ok := n.number[id]; !ok {
			n.free = append(n.free, old)
		}
	}
	for n.size < n.next {
		n.size *= 2
	}
	return n, fresh
}

func (s Shape) tally() *ir.Table {
	return &ir.Table{Name: tableTally, Kind: ir.Tallies, Domain: slowpath.Config, Size: s.tallies.size}
}

// count follows the ruleset with the numbers of its counters.
func (f *FIB) count(old *introspect.Snapshot) {
	if old != nil && filter.SameCounters(old, f.Snapshot) {
		return
	}
	before := f.tallies.size
	var fresh []int
	f.tallies, fresh = f.tallies.follow(f.Snapshot)
	f.fresh = append(f.fresh, fresh...)
	f.asks.tables = f.asks.tables || f.tallies.size > before
	if f.journal.on {
		f.journal.writes = append(f.journal.writes, f.zeros()...)
	}
}

// zeros begins the tallies of fresh counters.
func (f *FIB) zeros() (writes []ir.Write) {
	for _, number := range f.fresh {
		for at := 0; at < ir.TallySize; at += 8 {
			writes = append(writes, ir.Write{Table: tableTally, Offset: number*ir.TallySize + at, Data: bytes8(0)})
		}
	}
	return writes
}

// Tallies lists the counters of the ruleset with their numbers in the table of a name: each has packets and bytes, eight
// bytes each, at its number times ir.TallySize. The map does not change.
func (f *FIB) Tallies() (table string, number map[filter.CounterID]int) {
	return tableTally, f.tallies.number
}

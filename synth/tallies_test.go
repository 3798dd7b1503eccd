package synth

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// counting is a Snapshot with a table of some handle, whose rules of these handles count.
func counting(s introspect.Snapshot, table uint64, rules ...uint64) *introspect.Snapshot {
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "f"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of(), Handle: table})
	chain := introspect.Chain{Key: key}
	for _, handle := range rules {
		chain.Rules = append(chain.Rules, &introspect.ChainRule{Handle: handle, Exprs: []introspect.Expr{introspect.Counter{}}})
	}
	s.Chains = s.Chains.With(key, chain)
	return &s
}

// numberOf is the number of the rule of a handle; 0 if it has none.
func numberOf(f *FIB, handle uint64) int {
	for id, n := range f.tallies.number {
		if id.Handle == handle {
			return n
		}
	}
	return 0
}

// begun lists the numbers that writes set to zero.
func begun(writes []ir.Write) (numbers []int) {
	for _, w := range writes {
		if w.Table == tableTally && w.Offset%ir.TallySize == 0 {
			numbers = append(numbers, w.Offset/ir.TallySize)
		}
	}
	return numbers
}

// TestTalliesKeep: a rule keeps its number while it stands, and another one that gets it begins at zero, also where the
// tables are made anew with the same change.
func TestTalliesKeep(t *testing.T) {
	s := *parse(t, router(t))
	f := NewFIB(counting(s, 1, 10, 11))
	ten, eleven := numberOf(f, 10), numberOf(f, 11)
	f.Update(counting(s, 1, 10))
	if numberOf(f, 10) != ten {
		t.Errorf("number %d became %d", ten, numberOf(f, 10))
	}
	next := counting(s, 1, 10, 12)
	for i := range 40000 {
		addRoute(next, fmt.Sprintf("172.%d.%d.0/25", i/256, i%256), netipAddr(10<<24|2<<16|2))
	}
	writes, reshaped := f.Update(next)
	if reshaped {
		writes = f.Image()
	}
	if !reshaped || numberOf(f, 12) != eleven || !slices.Contains(begun(writes), eleven) || slices.Contains(begun(writes), ten) {
		t.Errorf("reshaped %v, number %d of %d, begun %v", reshaped, numberOf(f, 12), eleven, begun(writes))
	}
}

// TestTalliesOfTable: the rules of a table that is made anew have the handles of the old ones, and begin at zero.
func TestTalliesOfTable(t *testing.T) {
	s := *parse(t, router(t))
	f := NewFIB(counting(s, 1, 10))
	writes, _ := f.Update(counting(s, 2, 10))
	if !slices.Contains(begun(writes), numberOf(f, 10)) {
		t.Errorf("number %d, begun %v", numberOf(f, 10), begun(writes))
	}
}

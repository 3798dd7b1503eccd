package irtest

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// fields has one of each width, and one that is marked and never read.
var fields = []ir.Field{{Name: "wide", Offset: 0, Width: 8}, {Name: "word", Offset: 8, Width: 4}, {Name: "half", Offset: 12, Width: 2},
	{Name: "byte", Offset: 14, Width: 1}, {Name: "used", Offset: 15, Width: 1}}

func (g *generator) addTables() {
	g.rows = &ir.Table{Name: "rows", Kind: ir.Rows, Domain: slowpath.Route4, Size: 8, RowSize: 16, Fields: fields}
	g.keyed = &ir.Table{Name: "keyed", Kind: ir.Keyed, Domain: slowpath.Any, Size: 8, RowSize: 16, Factor: g.Uint64() | 1, Fields: fields}
	g.lpm = &ir.Table{Name: "lpm", Kind: ir.LPM, Domain: slowpath.Route4, Size: 4}
	if oneIn(g.Rand, 3) {
		g.lpm.Focus4.Len = pick(g.Rand, 8, 16)
		g.lpm.Focus4.Addr = address(g.Rand) & g.lpm.Focus4.Mask()
	}
	g.set = &ir.Table{Name: "set", Kind: ir.Set, Domain: slowpath.Config}
	for range g.IntN(5) {
		p := ir.Prefix{Len: pick(g.Rand, 32, 32, 31, 30, 24, g.IntN(33))}
		p.Addr = (address(g.Rand) ^ uint32(g.IntN(4))) & p.Mask()
		g.set.Prefixes = append(g.set.Prefixes, p)
	}
	g.hash = &ir.Table{Name: "hash", Kind: ir.Hash, Domain: slowpath.Config, Size: 16, RowSize: 16, Fields: fields}
	g.fib = &ir.Table{Name: "fib", Kind: ir.FIB, Domain: slowpath.Any}
	g.lpm6 = &ir.Table{Name: "lpm6", Kind: ir.LPM6, Domain: slowpath.Any, Steps: 1 + g.IntN(5), Size: 16, Leaves: oneIn(g.Rand, 3)}
	if g.lpm6.Leaves {
		g.lpm6.Size = ir.LeastFront6
	} else if oneIn(g.Rand, 3) {
		g.lpm6.Size, g.lpm6.Focus = 2*ir.FocusUnits, focus(g.Rand)
	}
	g.set6 = &ir.Table{Name: "set6", Kind: ir.Set6, Domain: slowpath.Config, Prefixes6: prefixes6(g.Rand)}
	g.packed = &ir.Table{Name: "packed", Kind: ir.Packed, Domain: slowpath.Any, Blocks: 4, Size: 16}
	g.fib6 = &ir.Table{Name: "fib6", Kind: ir.FIB6, Domain: slowpath.Any}
	tracking := ir.Tracking{TCP: 432000, UDP: 120, NAT: oneIn(g.Rand, 2), Liberal: oneIn(g.Rand, 2)}
	tracking.Account = tracking.NAT != tracking.Liberal
	g.ct = &ir.Table{Name: "ct", Kind: ir.Conntrack, Domain: slowpath.Config, Size: 64, Tracking: tracking}
	g.ct6 = &ir.Table{Name: "ct6", Kind: ir.Conntrack6, Domain: slowpath.Config, Size: 64, Tracking: tracking}
}

// address is mostly one of few, so that tables and packets meet.
func address(r *rand.Rand) uint32 {
	known := netip.MustParseAddr(pick(r, "10.0.0.1", "10.0.0.2", "10.2.0.9", "192.0.2.255", "127.0.0.1", "224.0.0.1")).As4()
	if oneIn(r, 4) {
		return r.Uint32()
	}
	return binary.BigEndian.Uint32(known[:])
}

// lookup asks one of the tables that never need the kernel, or mayLookup's.
func (g *generator) lookup(s *scope) {
	switch g.IntN(8) {
	case 0:
		key := g.number(s)
		if !oneIn(g.Rand, 4) {
			key = g.small(s)
		}
		s.rows = append(s.rows, g.b.Lookup(g.b.Table(g.keyed), key))
	case 1:
		s.rows = append(s.rows, g.b.Lookup(g.b.Table(g.rows), g.number(s)))
	case 2:
		s.add(g.b.Lookup(g.b.Table(g.lpm), g.number(s)), true)
	case 3:
		s.add(g.b.Lookup(g.b.Table(g.set), g.number(s)), true)
	case 4:
		if row := g.mayLookup(s); row != nil {
			g.b.Guard(ir.Ne, row, g.b.Const(0), g.reason())
			s.rows = append(s.rows, row)
		} else if !s.stored && !g.o.NoFIB {
			g.live(s)
		}
	case 5:
		s.add(g.b.Lookup(g.b.Table(g.lpm6), g.number(s), g.number(s)), true)
	case 6:
		s.add(g.b.Lookup(g.b.Table(g.set6), g.number(s), g.number(s)), true)
	case 7:
		s.add(g.b.Lookup(g.b.Table(g.packed), g.number(s)), true)
	}
}

// mayLookup asks the hash table, now and then; the row may be none.
func (g *generator) mayLookup(s *scope) *ir.Value {
	if s.stored || g.o.NoHash || !oneIn(g.Rand, 3) {
		return nil
	}
	key := g.b.ArithImm(ir.OpAnd, g.number(s), 7)
	return g.b.Lookup(g.b.Table(g.hash), key)
}

func (g *generator) live(s *scope) {
	t, args := g.fib, make([]*ir.Value, 7)
	switch g.IntN(4) {
	case 0:
		t, args = g.fib6, make([]*ir.Value, 9)
	case 1:
		t, args = g.ct, make([]*ir.Value, 5)
	case 2:
		t, args = g.ct6, make([]*ir.Value, 7)
	}
	for i := range args {
		args[i] = g.number(s)
	}
	s.rows = append(s.rows, g.b.Lookup(g.b.Table(t), args...))
}

// field reads or marks a field.
func (g *generator) field(s *scope) {
	if len(s.rows) == 0 {
		return
	}
	row := pick(g.Rand, s.rows...)
	if row.Table.Kind.Tracks() && !s.stored && oneIn(g.Rand, 3) {
		g.b.Keep(row, g.reason())
		if row.Table.Tracking.Account && oneIn(g.Rand, 2) {
			g.b.Account(row, g.number(s), g.number(s))
			s.stored = true
		}
		return
	}
	if row.Table.Kind.Live() {
		f := pick(g.Rand, row.Table.Kind.LiveFields()...)
		s.add(g.b.Field(row, f.Name), f.Width <= 4)
		return
	}
	f := pick(g.Rand, fields...)
	if f.Name == "used" && (s.marked || oneIn(g.Rand, 2)) {
		g.b.Mark(row, f.Name)
		s.marked = true
		return
	}
	s.add(g.b.Field(row, f.Name), f.Width <= 4)
}

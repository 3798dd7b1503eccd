package ir

import (
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

var (
	testRows = &Table{Name: "rows", Kind: Rows, Size: 4, RowSize: 8, Fields: []Field{{"oif", 0, 4}, {"used", 4, 4}}}
	testHash = &Table{Name: "hash", Kind: Hash, Size: 4, RowSize: 8, Fields: []Field{{"mtu", 0, 4}}}
	testFIB  = &Table{Name: "fib", Kind: FIB}
)

// forwarder is a small program that uses most of the language.
func forwarder() *Program {
	b := NewBuilder("test")
	rows, hash := b.Table(testRows), b.Table(testHash)
	b.Guard(Eq, b.Moved(slowpath.Any), b.Const(0), slowpath.Moved)
	b.Bound(34, slowpath.Short)
	b.GuardImm(Eq, b.Load(12, 2), 0x800, slowpath.NotIP)
	row := b.Lookup(rows, b.Load(33, 1))
	oif := b.Field(row, "oif")
	device := b.Lookup(hash, oif)
	found, none := b.NewBlock("found"), b.NewBlock("none")
	b.If(Ne, device, b.Const(0), found, none, false)
	b.Start(found)
	b.Guard(Le, b.Meta(MetaLen), b.Field(device, "mtu"), slowpath.MTU)
	b.Mark(row, "used")
	b.Store(0, 4, b.Arith(OpAdd, oif, b.Const(1)))
	b.Count(CountFast)
	b.Redirect(oif)
	b.Start(none)
	b.PuntBy(b.Const(uint64(slowpath.EgressKind)))
	return b.Program
}

func TestCheckAcceptsAForwarder(t *testing.T) {
	p := forwarder()
	if err := Check(p); err != nil {
		t.Fatal(err)
	}
	if err := Check(p.Clone()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckRefuses(t *testing.T) {
	type breakage struct {
		name, want string
		build      func(b *Builder)
	}
	for _, c := range []breakage{
		{"no exit", "no exit", func(b *Builder) {}},
		{"load without bound", "past the bound", func(b *Builder) { b.Load(0, 1); b.Punt(slowpath.TTL) }},
		{"load past bound", "past the bound 4", func(b *Builder) {
			b.Bound(4, slowpath.Short)
			b.Load(3, 2)
			b.Punt(slowpath.TTL)
		}},
		{"guard after store", "after a store", func(b *Builder) {
			b.Bound(4, slowpath.Short)
			c := b.Const(1)
			b.Store(0, 1, c)
			b.Guard(Eq, c, c, slowpath.TTL)
			b.Redirect(c)
		}},
		{"punt after store", "punts after", func(b *Builder) {
			b.Bound(4, slowpath.Short)
			b.Store(0, 1, b.Const(1))
			b.Punt(slowpath.TTL)
		}},
		{"punt below store", "punts after", func(b *Builder) {
			b.Count(CountFast)
			next := b.NewBlock("next")
			b.Jump(next)
			b.Start(next)
			b.Punt(slowpath.TTL)
		}},
		{"no dominance", "not defined on every path", func(b *Builder) {
			c := b.Const(1)
			l, r, join := b.NewBlock("l"), b.NewBlock("r"), b.NewBlock("join")
			b.If(Eq, c, c, l, r, false)
			b.Start(l)
			v := b.Const(2)
			b.Jump(join)
			b.Start(r)
			b.Jump(join)
			b.Start(join)
			b.Redirect(v)
		}},
		{"back edge", "does not stand below", func(b *Builder) { b.Jump(b.Block) }},
		{"unreachable", "cannot be reached", func(b *Builder) {
			b.Punt(slowpath.TTL)
			b.Start(b.NewBlock("island"))
			b.Punt(slowpath.TTL)
		}},
		{"hash row unseen", "may be no row", func(b *Builder) {
			b.Redirect(b.Field(b.Lookup(b.Table(testHash), b.Const(1)), "mtu"))
		}},
		{"hash row in the wrong arm", "may be no row", func(b *Builder) {
			row := b.Lookup(b.Table(testHash), b.Const(1))
			l, r := b.NewBlock("l"), b.NewBlock("r")
			b.If(Eq, row, b.Const(0), l, r, false)
			b.Start(l)
			b.Redirect(b.Field(row, "mtu"))
			b.Start(r)
			b.Punt(slowpath.TTL)
		}},
		{"row as number", "is a row", func(b *Builder) { b.Redirect(b.Lookup(b.Table(testRows), b.Const(1))) }},
		{"number as row", "is not a row", func(b *Builder) {
			c := b.Const(1)
			b.Redirect(b.add(Value{Op: OpField, Table: testRows, Field: "oif", Args: []*Value{c}}))
		}},
		{"no field", "no field", func(b *Builder) { b.Redirect(b.Field(b.Lookup(b.Table(testRows), b.Const(1)), "nonsense")) }},
		{"marked field read", "is marked", func(b *Builder) {
			row := b.Lookup(b.Table(testRows), b.Const(1))
			b.Mark(row, "used")
			b.Redirect(b.Field(row, "used"))
		}},
		{"foreign table", "not the program's", func(b *Builder) { b.Lookup(testRows, b.Const(1)); b.Punt(slowpath.TTL) }},
		{"live lookup operands", "want 7", func(b *Builder) { b.Lookup(b.Table(testFIB), b.Const(1)); b.Punt(slowpath.TTL) }},
		{"connection of another tuple", "something else", func(b *Builder) {
			one := b.Const(1)
			row := b.Lookup(b.Table(&Table{Name: "ct", Kind: Conntrack, Size: 64}), one, one, one, one, one)
			b.add(Value{Op: OpKeep, Table: row.Table, Args: []*Value{row, one, one, one, one, b.Const(2)}, Reason: slowpath.ConntrackWindow})
			b.Punt(slowpath.TTL)
		}},
		{"connection counted and not kept", "not kept", func(b *Builder) {
			one := b.Const(1)
			row := b.Lookup(b.Table(&Table{Name: "ct", Kind: Conntrack, Size: 64, Tracking: Tracking{Account: true}}), one, one, one, one, one)
			kept, on := b.NewBlock("kept"), b.NewBlock("on")
			b.If(Eq, b.Field(row, "reason"), b.Const(0), kept, on, false)
			b.Start(kept)
			b.Keep(row, slowpath.ConntrackWindow)
			b.Jump(on)
			b.Start(on)
			b.Account(row, b.Field(row, "dir"), one)
			b.Redirect(one)
		}},
		{"connection without an account", "that is counted", func(b *Builder) {
			one := b.Const(1)
			row := b.Lookup(b.Table(&Table{Name: "ct", Kind: Conntrack, Size: 64}), one, one, one, one, one)
			b.Keep(row, slowpath.ConntrackWindow)
			b.Account(row, one, one)
			b.Redirect(one)
		}},
		{"left to the kernel after it was counted", "after a store", func(b *Builder) {
			one := b.Const(1)
			row := b.Lookup(b.Table(&Table{Name: "ct", Kind: Conntrack, Size: 64, Tracking: Tracking{Account: true}}), one, one, one, one, one)
			b.Keep(row, slowpath.ConntrackWindow)
			b.Account(row, one, one)
			b.GuardImm(Eq, one, 1, slowpath.TTL)
			b.Redirect(one)
		}},
		{"guard after the end was trimmed", "after a store", func(b *Builder) {
			one := b.Const(1)
			b.Trim(one, one)
			b.Guard(Eq, one, one, slowpath.TTL)
			b.Redirect(one)
		}},
		{"load after the end was trimmed", "after it was trimmed", func(b *Builder) {
			b.Bound(4, slowpath.Short)
			cut, on := b.NewBlock("cut"), b.NewBlock("on")
			b.If(Eq, b.Load(0, 1), b.Const(1), cut, on, false)
			b.Start(cut)
			b.Trim(b.Const(1), b.Const(0))
			b.Jump(on)
			b.Start(on)
			b.Redirect(b.Load(0, 2))
		}},
		{"connection kept after a store", "after a store", func(b *Builder) {
			one := b.Const(1)
			row := b.Lookup(b.Table(&Table{Name: "ct", Kind: Conntrack, Size: 64}), one, one, one, one, one)
			b.Count(CountFast)
			b.Keep(row, slowpath.ConntrackWindow)
			b.Redirect(one)
		}},
		{"shift", "shift 64", func(b *Builder) { b.ArithImm(OpShl, b.Const(1), 64); b.Punt(slowpath.TTL) }},
		{"no reason", "no reason", func(b *Builder) { b.Punt(slowpath.None) }},
		{"even factor", "factor 0x2", func(b *Builder) {
			b.Table(&Table{Name: "bad", Kind: Keyed, Size: 4, RowSize: 16, Factor: 2})
			b.Punt(slowpath.TTL)
		}},
		{"one keyed row", "1 rows", func(b *Builder) {
			b.Table(&Table{Name: "bad", Kind: Keyed, Size: 1, RowSize: 16, Factor: 1})
			b.Punt(slowpath.TTL)
		}},
		{"bad table", "3 rows", func(b *Builder) {
			b.Table(&Table{Name: "bad", Kind: Rows, Size: 3, RowSize: 8})
			b.Punt(slowpath.TTL)
		}},
	} {
		b := NewBuilder("test")
		c.build(b)
		if err := Check(b.Program); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestEvalOfAForwarder(t *testing.T) {
	p := forwarder()
	rows := make([]byte, testRows.Bytes())
	rows[8], rows[16] = 5, 6
	env := &Env{Tables: map[string][]byte{"rows": rows}, Hash: map[string]map[uint32][]byte{"hash": {5: {60, 0, 0, 0, 0, 0, 0, 0}}}}
	packet := func(n int, last byte) []byte {
		pkt := make([]byte, n)
		pkt[12], pkt[33] = 8, last
		return pkt
	}
	for _, c := range []struct {
		pkt  []byte
		want string
	}{
		{packet(60, 1), "redirect 5"},
		{packet(60, 0xfd), "redirect 5"}, // modulo the number of rows
		{packet(61, 1), "punt mtu"},
		{packet(60, 2), "punt egress-kind"},
		{packet(34, 0)[:33], "punt short"},
		{make([]byte, 60), "punt not-ip"},
	} {
		v, err := Eval(p, env, c.pkt)
		if err != nil || v.String() != c.want {
			t.Errorf("%x: %v, %v, want %s", c.pkt, v, err, c.want)
		}
		if v.Kind == RedirectExit && v.Packet[3] != 6 {
			t.Errorf("stored %x", v.Packet[:4])
		}
	}
	if env.Counts[CountFast] != 2 || len(env.Marks) != 2 || env.Marks[0] != (Mark{"rows", 1, "used"}) {
		t.Errorf("counts %v, marks %v", env.Counts, env.Marks)
	}
	env.Moved[slowpath.Any] = 1
	if v, _ := Eval(p, env, packet(60, 1)); v.String() != "punt moved" {
		t.Errorf("moved: %v", v)
	}
}

func TestMatchWalksBlocks(t *testing.T) {
	table := &Table{Name: "t", Kind: LPM, Size: 4}
	data := make([]byte, table.Bytes())
	set := func(at int, word uint16) { data[2*at], data[2*at+1] = byte(word), byte(word>>8) }
	set(0x0a00, 7)
	set(0x0a01, 0x8000|1)
	set(1<<FirstLPM+256, 0x8000|2)
	set(1<<FirstLPM+512+5, 9)
	for addr, want := range map[uint32]uint16{0x0a000001: 7, 0x0a010005: 9, 0x0a010006: 0, 0x0b000000: 0} {
		if got := table.Match(data, addr); got != want {
			t.Errorf("%08x gives %d, want %d", addr, got, want)
		}
	}
}

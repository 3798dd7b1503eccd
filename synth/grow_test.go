package synth

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// addRoute adds a route by a gateway.
func addRoute(s *introspect.Snapshot, dst string, via netip.Addr) {
	key := introspect.RouteKey{Dst: netip.MustParsePrefix(dst), Table: tableMain}
	s.Routes4 = s.Routes4.With(key, introspect.Route{Key: key, Type: 1, Hops: []introspect.Hop{{Index: 3, Via: via}}})
}

// TestGrows: tables that have become too small are replaced by larger ones, and the answers stay the same.
func TestGrows(t *testing.T) {
	s := parse(t, router(t))
	f := NewFIB(s)
	m, shape := remember(f), f.Shape()
	reshapes := 0
	for i := range uint32(300) {
		next := *s
		addRoute(&next, netip.PrefixFrom(netipAddr(20<<24|i<<8), 28).String(), netipAddr(10<<24|2<<16|1<<8|i%250))
		s = &next
		writes, reshaped := f.Update(s)
		if reshaped {
			if now := f.Shape(); now.Equal(shape) || !now.reshaped(shape) {
				t.Fatalf("still %+v", shape)
			}
			m, shape = remember(f), f.Shape()
			reshapes++
		}
		for _, w := range writes {
			m.write(w)
		}
	}
	for i := range uint32(300) {
		for _, a := range []uint32{20<<24 | i<<8 | 3, 20<<24 | i<<8 | 200} {
			if got, want := m.find(netipAddr(a)), slowly(s, netipAddr(a)); got != want {
				t.Fatalf("%s is %v, want %v", netipAddr(a), got, want)
			}
		}
	}
	if reshapes < 2 || reshapes > 8 {
		t.Errorf("%d reshapes", reshapes)
	}
}

// TestLargeTable: many prefixes get a packed table.
func TestLargeTable(t *testing.T) {
	s := parse(t, router(t))
	w := rand.New(rand.NewPCG(4, 4))
	var probes []uint32
	for i := range 10000 {
		a := (w.Uint32N(200)+1)<<24 | w.Uint32()&0xffffff
		addRoute(s, netip.PrefixFrom(netipAddr(a), 17+w.IntN(16)).Masked().String(), netipAddr(10<<24|2<<16|uint32(2+i%2)))
		probes = append(probes, a)
	}
	f := NewFIB(s)
	if view4(f).Nodes == 0 {
		t.Fatalf("shape %+v", f.Shape())
	}
	m := remember(f)
	for _, a := range probes[:300] {
		if got, want := m.find(netipAddr(a)), slowly(s, netipAddr(a)); got != want {
			t.Fatalf("%s is %v, want %v", netipAddr(a), got, want)
		}
	}
}

// TestFull: a table that cannot hold the routes leaves everything to the kernel.
func TestFull(t *testing.T) {
	b := newBed(t, router(t), 2)
	shape := b.fib.Shape()
	shape.Views[0].Full = true
	var err error
	if b.program, err = Program(b.snapshot, 2, tested, shape); err != nil {
		t.Fatal(err)
	}
	if v := b.run(t, datagram()); v.Reason != slowpath.TableFull {
		t.Error(v)
	}
	if _, err := Program(b.snapshot, 2, tested, Shape{}); err == nil {
		t.Error("a program for tables without a shape")
	}
	if _, err := Program(b.snapshot, 9, tested, b.fib.Shape()); err == nil {
		t.Error("a program for no interface")
	}
}

// TestManyRows: nexthops for which there is no row are left to the kernel, and come back when there is room.
func TestManyRows(t *testing.T) {
	s := parse(t, router(t))
	for i := range uint32(maxRows + 10) {
		addRoute(s, netip.PrefixFrom(netipAddr(50<<24|i<<8), 24).String(), netipAddr(60<<24|i))
	}
	f := NewFIB(s)
	m := remember(f)
	full := 0
	for i := range uint32(maxRows + 10) {
		if m.find(netipAddr(50<<24|i<<8)).reason == uint32(slowpath.TableFull) {
			full++
		}
	}
	if full < 10 || full > 100 {
		t.Errorf("%d rows do not fit", full)
	}
	next := *s
	addRoute(&next, "9.0.0.0/8", netipAddr(10<<24|2<<16|2))
	if _, reshaped := f.Update(&next); reshaped {
		t.Error("reshaped in vain")
	}
}

// view4 is what programs know of IPv4 routes.
func view4(f *FIB) ViewShape {
	v, _ := f.Shape().view(tableRoute)
	return v
}

// find is the row of an address.
func find(f *FIB, addr uint32) uint16 {
	return f.views[0].(*view[prefix]).lpm.(*table4).lpm.(*trie).find(addr)
}

// rest does the writes, and ends all programs.
func (j *journal) rest() {
	if rested := j.written(); rested != nil {
		rested()
	}
}

// TestQuarantine: a row that was let go means the same until no program runs that may look at it.
func TestQuarantine(t *testing.T) {
	s := parse(t, router(t))
	f := NewFIB(s)
	row := find(f, 192<<24|2<<8|7)
	step := func(via uint32) uint16 {
		next := *f.Snapshot
		addRoute(&next, "192.0.2.0/24", netipAddr(via))
		f.Update(&next)
		return find(f, 192<<24|2<<8|7)
	}
	next := *s
	next.Neighs = next.Neighs.Without(introspect.NeighKey{Index: 3, Addr: netipAddr(10<<24 | 2<<16 | 2)})
	f.Update(&next)
	for i := range uint32(20) {
		if step(10<<24|2<<16|20+i) == row {
			t.Fatal("the row is used again before its writes are done")
		}
	}
	rested := f.Written()
	if step(10<<24|2<<16|97) == row || f.Written() != nil {
		t.Fatal("the row is used again before programs have ended")
	}
	rested()
	step(10<<24 | 2<<16 | 99)
	if i := step(10<<24 | 2<<16 | 98); int(i) >= len(f.rows.list) || len(f.rows.list) > fixedRows+30 {
		t.Errorf("row %d of %d", i, len(f.rows.list))
	}
}

// TestDevices: the table that vets the live lookup follows the interfaces.
func TestDevices(t *testing.T) {
	s := parse(t, router(t))
	f := NewFIB(s)
	m := remember(f)
	if len(m.hash) != 2 || m.hash[1] != "" {
		t.Fatalf("devices %v", m.hash)
	}
	for _, c := range []struct{ old, fresh string }{
		{"name=r1 type=1 flags=0x11043", "name=r1 type=1 flags=0x1002"},
		{"name=r1 type=1 flags=0x11043 mtu=1500", "name=r1 type=1 flags=0x11043 mtu=1400"},
		{"xdp-features=0x7\naddr", "xdp-features=0x3\naddr"},
	} {
		s := parse(t, swapped(t, router(t), c.old, c.fresh))
		writes, _ := f.Update(s)
		for _, w := range writes {
			m.write(w)
		}
		want := remember(NewFIB(s))
		if len(m.hash) != len(want.hash) || m.hash[3] != want.hash[3] {
			t.Errorf("%s: %v, want %v", c.fresh, m.hash, want.hash)
		}
	}
}

// TestShapes: what the live lookup may not be asked about shuts it, and only as long as it is there.
func TestShapes(t *testing.T) {
	text := router6(t)
	f := NewFIB(parse(t, text))
	for _, line := range []string{"route dst=9.0.0.0/8 table=254 type=1 hop=dev:3,via:10.2.0.2 mtu=1400",
		"route dst=9.0.0.0/8 table=254 tos=16 type=1 hop=dev:3,via:10.2.0.2", "route dst=9.0.0.0/8 table=254 type=1 hop=dev:3 realm=3"} {
		f.Update(parse(t, with(text, line)))
		if view4(f).Plain {
			t.Errorf("plain with %s", line)
		}
		f.Update(parse(t, text))
		if !view4(f).Plain {
			t.Errorf("not plain without %s", line)
		}
	}
	for line, plain := range map[string]bool{"": true, " mtu=1400": false, " mtu=1400 mtu-lock": false, " expires": true, " unknown=src-len": false} {
		f.Update(parse(t, with(text, "route6 dst=2001:db8:9::/48 table=254 metric=1024 type=1 hop=dev:3,via:fe80::2"+line)))
		if v, _ := f.Shape().view(tableRoute6); v.Plain != plain {
			t.Errorf("plain %v with%s", v.Plain, line)
		}
	}
	f.Update(parse(t, with(text, "route dst=9.0.0.0/8 table=255 type=2 hop=dev:1")))
	if own := view4(f).Own; own != "9.0.0.0/8 10.1.0.1/32 10.1.0.255/32 10.2.0.1/32 10.2.0.255/32" {
		t.Errorf("own %s", own)
	}
}

// FuzzSynth: no configuration makes a panic, or a program that is not one.
func FuzzSynth(f *testing.F) {
	f.Add(router(f))
	f.Add(veth(router(f)))
	f.Add(router6(f))
	f.Add(with(router6(f), "route6 type=1", "neigh dev=2 addr=::", "route6 dst=::/0 table=254 type=1 expires", "addr dev=3 local=fe80::1/10"))
	f.Add(router(f) + "addr dev=2\nroute type=1\nneigh dev=2\nroute dst=::/0 table=254 type=1\naddr dev=3 local=::1/64\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := introspect.ParseSnapshot([]byte(text))
		if err != nil {
			return
		}
		fib := NewFIB(s)
		for i := range s.Links.All() {
			if reason, _ := Refuse(s, int(i), tested); reason != slowpath.None {
				continue
			}
			p, err := Program(s, int(i), tested, fib.Shape())
			if err != nil {
				t.Fatal(err)
			}
			env := fib.Env()
			env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
			env.FIB6 = env.FIB
			for _, frame := range [][]byte{datagram(), datagram6()} {
				if _, err := ir.Eval(p, env, frame); err != nil {
					t.Fatal(err)
				}
			}
		}
		fib.Update(&introspect.Snapshot{})
		fib.Update(s)
	})
}

// TestRetires: tables that are made anew are other ones than before, even of the same shape: those of a host keep their contents
// else, and an interface that may not be used any more would be kept in the table that vets the live lookup.
func TestRetires(t *testing.T) {
	f := NewFIB(parse(t, router(t)))
	before := f.Tables()
	text := swapped(t, router(t), "xdp-features=0x7\naddr", "xdp-features=0x3\naddr")
	s := parse(t, with(text, "rule pref=100 action=1 table=100 from=10.1.0.0/24 to=0.0.0.0/0"))
	if _, reshaped := f.Update(s); !reshaped {
		t.Fatal("not reshaped")
	}
	for _, w := range f.Image() {
		if w.Table == tableDevice && w.Offset == 3 {
			t.Fatal("r1 may be used")
		}
	}
	for _, table := range before {
		if table.Name != tableTally && !slices.Contains(f.Gone(), table.Name) {
			t.Errorf("%s is kept", table.Name)
		}
	}
	if f.Update(s); len(f.Gone()) > 0 {
		t.Errorf("%v are gone without need", f.Gone())
	}
}

// TestRowsWithoutSuccessors: where there is no room for a row that takes the place of another one, that one is not used any more.
func TestRowsWithoutSuccessors(t *testing.T) {
	const n = 20000
	s := parse(t, router(t))
	for i := range uint32(n) {
		via := netipAddr(60<<24 | i)
		addRoute(s, netip.PrefixFrom(netipAddr(50<<24|i<<8), 24).String(), via)
		key := introspect.NeighKey{Index: 3, Addr: via}
		s.Neighs = s.Neighs.With(key, introspect.Neigh{Key: key, MAC: introspect.MAC{2, 1: byte(i >> 8), 5: byte(i)}, HasMAC: true, State: 2, Type: 1})
	}
	f := NewFIB(s)
	m := remember(f)
	next := *s
	link, _ := next.Links.Get(3)
	link.MAC = introspect.MAC{2, 9, 9, 9, 9, 9}
	next.Links = next.Links.With(3, link)
	writes, reshaped := f.Update(&next)
	if reshaped {
		m = remember(f)
	}
	for _, w := range writes {
		m.write(w)
	}
	old, full := 0, 0
	for i := range uint32(n) {
		switch got := m.find(netipAddr(50<<24 | i<<8)); {
		case got.reason == uint32(slowpath.TableFull):
			full++
		case got.smac != 9<<24|9<<16|9<<8|9: // the last four bytes
			old++
		}
	}
	if old > 0 || full == 0 || full > 2*n-maxRows+100 {
		t.Errorf("of %d routes %d are of before, and %d find no room", n, old, full)
	}
}

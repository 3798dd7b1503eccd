package synth

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// lan is a random bridge that changes.
type lan struct {
	*rand.Rand
	introspect.Snapshot
	hosts int
}

func newLAN(t testing.TB, seed uint64, hosts int) *lan {
	return &lan{rand.New(rand.NewPCG(seed, 7)), *parse(t, bridge(t)), hosts}
}

func (l *lan) key() introspect.FDBKey {
	n := l.IntN(l.hosts)
	return introspect.FDBKey{Bridge: 9, MAC: introspect.MAC{2, 0, 1, byte(n >> 16), byte(n >> 8), byte(n)}}
}

// step learns, forgets or moves a host, or changes a port.
func (l *lan) step() {
	k := l.key()
	switch n := l.IntN(20); {
	case n == 0:
		port, _ := l.Links.Get(introspect.Index(2 + l.IntN(3)))
		port.Port.State, port.Port.Isolated, port.MTU = uint8(3+l.IntN(2)), l.IntN(2) == 0, uint32(1400+100*l.IntN(2))
		l.Links = l.Links.With(port.Index, port)
	case n < 8:
		l.FDB = l.FDB.Without(k)
	default:
		l.FDB = l.FDB.With(k, introspect.FDBEntry{Key: k, Port: introspect.Index(2 + l.IntN(3)), Static: n == 8, Local: n == 9, Locked: n == 10})
	}
}

func (l *lan) now() *introspect.Snapshot {
	s := l.Snapshot
	return &s
}

// stationAt finds an entry in the contents of the table of br0, as a program does.
func stationAt(t *fdb, data []byte, k introspect.FDBKey) []byte {
	at, ok := t.hash.Find([]uint64{stationKey(k.MAC, k.VLAN)})
	if row := data[at*stationBytes:][:stationBytes]; ok {
		return row
	}
	return noStation.bytes()
}

// TestFDBFollows lets a bridge learn and forget, and compares the table that was kept up to date with one that is made of
// the same configuration.
func TestFDBFollows(t *testing.T) {
	for _, hosts := range []int{20, 3000} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) { follows(t, rand.Uint64(), hosts) })
	}
}

func follows(t *testing.T, seed uint64, hosts int) {
	l := newLAN(t, seed, hosts)
	fib := NewFIB(l.now())
	tables := fib.Env().Tables
	for round := range 60 {
		for range l.IntN(hosts/4) + 1 {
			l.step()
		}
		s := l.now()
		writes, reshaped := fib.Update(s)
		if reshaped {
			tables = fib.Env().Tables
		}
		f := fib.fdbs.tables[9]
		if fib.Grew() {
			tables[f.name] = make([]byte, f.table().Bytes())
		}
		for _, w := range writes {
			if slices.Contains(fib.Gone(), w.Table) {
				t.Fatalf("seed %d, round %d: a write to %s, which is gone", seed, round, w.Table)
			}
			copy(tables[w.Table][w.Offset:], w.Data)
		}
		fresh := newFDB(s, 9, "want")
		image := fresh.image().Data
		for i := range hosts {
			k := introspect.FDBKey{Bridge: 9, MAC: introspect.MAC{2, 0, 1, byte(i >> 16), byte(i >> 8), byte(i)}}
			if f.spare[k] || fresh.spare[k] {
				continue
			}
			got, want := stationAt(f, tables[f.name], k), stationAt(fresh, image, k)
			if !bytes.Equal(got, want) {
				t.Fatalf("seed %d, round %d: %v is %x, want %x", seed, round, k, got, want)
			}
		}
		if !bytes.Equal(f.image().Data, tables[f.name]) {
			t.Fatalf("seed %d, round %d: the image is another", seed, round)
		}
	}
	if f := fib.fdbs.tables[9]; len(f.spare) > 5 {
		t.Errorf("seed %d: %d of %d have no room", seed, len(f.spare), len(f.list))
	}
}

// TestFDBFlood: of a hundred thousand MACs, programs know as many as there is room for, and what goes makes room.
func TestFDBFlood(t *testing.T) {
	const hosts = 100000
	l := newLAN(t, 1, hosts)
	fib := NewFIB(l.now())
	key := func(i int) introspect.FDBKey {
		return introspect.FDBKey{Bridge: 9, MAC: introspect.MAC{2, 0, 1, byte(i >> 16), byte(i >> 8), byte(i)}}
	}
	for i := range hosts {
		l.FDB = l.FDB.With(key(i), introspect.FDBEntry{Key: key(i), Port: 2})
		if i%1000 == 999 {
			fib.Update(l.now())
		}
	}
	f := fib.fdbs.tables[9]
	if n := len(f.list) - len(f.free); n < mostStations*99/100 || n > mostStations || len(f.spare) != l.FDB.Len()-n {
		t.Fatalf("%d known, %d not, of %d; table of %d rows", n, len(f.spare), l.FDB.Len(), f.hash.Size())
	}
	for i := range hosts / 2 {
		l.FDB = l.FDB.Without(key(i))
	}
	fib.Update(l.now())
	if n := len(f.list) - len(f.free); n != l.FDB.Len() || len(f.spare) > 0 {
		t.Errorf("%d known, %d not, of %d", n, len(f.spare), l.FDB.Len())
	}
}

// TestFDBSettles: entries that come need no patience; whatever changes or goes does.
func TestFDBSettles(t *testing.T) {
	s := parse(t, bridge(t))
	fib := NewFIB(s)
	for _, c := range []struct {
		name   string
		entry  introspect.FDBEntry
		gone   bool
		settle bool
	}{
		{"come", introspect.FDBEntry{Port: 2}, false, false},
		{"same", introspect.FDBEntry{Port: 2}, false, false},
		{"moved", introspect.FDBEntry{Port: 3}, false, true},
		{"gone", introspect.FDBEntry{}, true, true},
		{"again", introspect.FDBEntry{Port: 2}, false, false},
	} {
		next := *s
		c.entry.Key = introspect.FDBKey{Bridge: 9, MAC: host(5, 5)}
		if next.FDB = s.FDB.With(c.entry.Key, c.entry); c.gone {
			next.FDB = s.FDB.Without(c.entry.Key)
		}
		s = &next
		if fib.Update(s); fib.Settles() != c.settle || fib.Grew() {
			t.Errorf("%s: settles %v, grew %v", c.name, fib.Settles(), fib.Grew())
		}
	}
	rules := parse(t, with(bridge(t), "rule pref=100 action=1 table=7 from=10.1.0.0/24 tos=16"))
	if _, reshaped := fib.Update(rules); !reshaped || !fib.Settles() {
		t.Errorf("rules come: reshaped %v, settles %v: an image writes keys first", reshaped, fib.Settles())
	}
}

// TestFDBNobody: no frame finds a row in which nobody stands, be it one to nobody: it could read on while an entry comes.
func TestFDBNobody(t *testing.T) {
	f := NewFIB(parse(t, bridge(t)))
	fdb := f.fdbs.tables[9]
	if at, table := fdb.table().Find(fdb.image().Data, stationKey(introspect.MAC{}, 0)), fdb.table(); at != table.Size {
		t.Errorf("row %d of %d", at, table.Size)
	}
}

// TestFDBAgeing: the first frame of a source goes to the kernel, those that follow do not, until it ages again. One that is
// static, or that the bridge does not learn, is not asked.
func TestFDBAgeing(t *testing.T) {
	b := newBridgeBed(t, bridge(t))
	b.env = b.fib.Env()
	frame := datagram(dest(host(2, 2)), source(host(1, 2)))
	name := b.fib.fdbs.tables[9].name
	read := func(table string, offset, n int) ([]byte, error) { return b.env.Tables[table][offset : offset+n], nil }
	for range 3 {
		if v := b.run(t, frame); v.Kind != ir.Punt || v.Reason != slowpath.FDBAgeing || len(b.env.Marks) != 1 {
			t.Fatalf("%v, marks %v", v, b.env.Marks)
		}
		for _, m := range b.env.Marks {
			b.env.Tables[name][int(m.Row)*stationBytes+atFresh] = 1
		}
		b.env.Marks = nil
		if v := b.run(t, frame); v.Kind != ir.RedirectExit {
			t.Fatal(v)
		}
		writes := b.fib.Age(9, read)
		if len(writes) != 1 {
			t.Fatalf("%v", writes)
		}
		copy(b.env.Tables[name][writes[0].Offset:], writes[0].Data)
	}
	if v := b.run(t, datagram(dest(host(2, 2)), source(host(1, 3)))); v.Kind != ir.RedirectExit {
		t.Errorf("static: %v", v)
	}
	if every := b.fib.AgeEvery()[9]; every.Seconds() != 75 {
		t.Errorf("every %v", every)
	}
}

// TestBridgeEpochs: a bridge goes by its own epochs and not by those of routes.
func TestBridgeEpochs(t *testing.T) {
	b := newBridgeBed(t, bridge(t))
	frame := datagram(dest(host(2, 2)), source(host(1, 2)))
	for d := range slowpath.NumDomains {
		b.env.Moved = [slowpath.NumDomains]uint64{}
		b.env.Moved[d] = 1
		stale := d == slowpath.FDB // which moves with Config
		if v := b.run(t, frame); (v.Reason == slowpath.Moved) != stale {
			t.Errorf("%v moved: %v", d, v)
		}
	}
}

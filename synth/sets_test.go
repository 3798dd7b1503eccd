package synth

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// setWorld is a router whose ruleset drops what is in sets of several kinds.
type setWorld struct {
	*ruler
	b *bed
}

// kindsOfSets are the keys of the sets, what rules load of a packet of IPv4 for them, and how an element is drawn.
var kindsOfSets = []struct {
	name   string
	fields []uint8
	size   uint32
	load   []introspect.Expr
	draw   func(r *rand.Rand) []byte
}{
	{"nets", nil, 4, []introspect.Expr{introspect.Payload{Base: 1, Offset: 16, Len: 4}}, func(r *rand.Rand) []byte {
		return []byte{192, 0, byte(r.IntN(4)), byte(r.IntN(12))}
	}},
	{"ranges", nil, 2, []introspect.Expr{introspect.Payload{Base: 2, Offset: 2, Len: 2}}, func(r *rand.Rand) []byte {
		return []byte{3, 0xd0 + byte(r.IntN(48))}
	}},
	{"hosts", nil, 4, []introspect.Expr{introspect.Payload{Base: 1, Offset: 12, Len: 4}}, func(r *rand.Rand) []byte {
		return []byte{10, 1, 0, byte(r.IntN(24))}
	}},
	{"masked", nil, 4, []introspect.Expr{introspect.Payload{Base: 1, Offset: 12, Len: 4},
		introspect.Bitwise{Len: 4, Mask: "\xff\x00\xff\x0f", Xor: "\x01\x00\x00\x30"}}, func(r *rand.Rand) []byte {
		return []byte{11, 0, byte(r.IntN(2)), 0x30 + byte(r.IntN(16))}
	}},
	{"pairs", []uint8{4, 2}, 8, []introspect.Expr{introspect.Payload{Base: 1, Offset: 12, Len: 4}, introspect.Payload{Base: 2, Offset: 2, Len: 2, DReg: 1}},
		func(r *rand.Rand) []byte { return []byte{10, 1, 0, byte(r.IntN(8)), 3, 0xe8 + byte(r.IntN(8)), 0, 0} }},
	{"quads", []uint8{16, 1, 4, 2}, 28, []introspect.Expr{introspect.Meta{Key: unix.NFT_META_IIFNAME}, introspect.Payload{Base: 1, Offset: 9, Len: 1, DReg: 4},
		introspect.Payload{Base: 1, Offset: 12, Len: 4, DReg: 5}, introspect.Payload{Base: 2, Offset: 0, Len: 2, DReg: 6}},
		func(r *rand.Rand) []byte {
			key := make([]byte, 28)
			copy(key, []string{"eth0", "eth1"}[r.IntN(2)])
			copy(key[16:], []byte{[]byte{6, 17}[r.IntN(2)], 0, 0, 0, 10, 1, 0, byte(2 + r.IntN(4)), 0, 22})
			return key
		}},
}

// intervals are those of them that have intervals.
var intervals = map[string]bool{"nets": true, "ranges": true}

// TestSetsInPlace follows random changes of sets by writes to their tables, and compares with the kernel. One world may drop
// nearly everything, or nothing: there are several.
func TestSetsInPlace(t *testing.T) {
	seed, kept, tables, count := rand.Uint64(), 0, 0, map[string]int{}
	for i := range uint64(8) {
		k, n := setsInPlace(t, seed+i, count)
		kept, tables = kept+k, tables+n
	}
	t.Log(count, kept, tables)
	if kept < 120 || tables < 400 || count["passed"] < 200 || count["dropped"] < 300 {
		t.Errorf("seeds from %d: %v; programs were the same %d times, with tables of intervals %d times", seed, count, kept, tables)
	}
}

// setsInPlace makes 30 changes in one world, and tells how often the program stayed, and how many tables of intervals it had.
func setsInPlace(t *testing.T, seed uint64, count map[string]int) (kept, tables int) {
	w := newSetWorld(t, seed)
	text := w.b.program.String()
	for round := range 30 {
		old := w.s
		w.change()
		s := w.s
		writes, reshaped := w.b.fib.Update(&s)
		if reshaped {
			t.Fatalf("seed %d: all tables are to be made anew", seed)
		}
		w.b.snapshot = &s
		if p, err := Program(&s, 2, w.options(), w.b.fib.Shape()); err != nil {
			t.Fatal(err)
		} else if w.b.program = p; p.String() == text {
			kept++
		} else {
			text = p.String()
		}
		if w.b.fib.Grew() {
			w.b.env = w.b.fib.Env()
		} else {
			for _, write := range writes {
				copy(w.b.env.Tables[write.Table][write.Offset:], write.Data)
			}
			if !w.b.fib.Settles() && !old.Sets.Equal(s.Sets) && len(writes) > 0 {
				t.Fatalf("seed %d: entries move under programs", seed)
			}
		}
		for key := range w.b.fib.sets.tables {
			if intervals[key.Name] {
				tables++
			}
		}
		for range 20 {
			if rulesetAgreesOn(t, w.b, w.ruler, w.frame(), count); t.Failed() {
				t.Fatalf("seed %d, round %d", seed, round)
			}
		}
	}
	return kept, tables
}

func (w *setWorld) options() Options {
	o := tested
	o.Ruleset, o.Tallies = true, true
	return o
}

func newSetWorld(t *testing.T, seed uint64) *setWorld {
	w := &setWorld{ruler: &ruler{Rand: rand.New(rand.NewPCG(seed, 9)), s: *parse(t, router(t))}}
	blocklist(&w.s, 0, false)
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	c, _ := w.s.Chains.Get(key)
	c.Rules = nil
	for i, k := range kindsOfSets {
		s := introspect.Set{Key: introspect.SetKey{Family: 2, Table: "t", Name: k.name}, Handle: uint64(50 + i), KeyLen: k.size, Fields: k.fields}
		if intervals[k.name] {
			s.Flags = introspect.SetInterval
			for range 60 {
				e := w.element(k.name, k.draw(w.Rand))
				s.Elements = s.Elements.With(e.Key, e)
			}
		}
		w.s.Sets = w.s.Sets.With(s.Key, s)
		exprs := append([]introspect.Expr{}, k.load...)
		exprs = append(exprs, introspect.Lookup{Set: k.name, DReg: introspect.NoRegister, Invert: k.name == "masked"})
		end := code(introspect.VerdictDrop)
		if k.name == "masked" || k.name == "ranges" {
			exprs, end = append(exprs, introspect.Counter{}), code(introspect.VerdictContinue)
		}
		c.Rules = append(c.Rules, &introspect.ChainRule{Handle: uint64(i + 2), Exprs: append(exprs, end)})
	}
	w.s.Chains = w.s.Chains.With(key, c)
	for range 100 {
		w.change()
	}
	s := w.s
	w.b = rulesetBed(t, &ruler{Rand: w.Rand, s: s})
	return w
}

// element is one of a set; of four bounds of intervals, three are ends.
func (w *setWorld) element(set string, key []byte) introspect.Element {
	return introspect.Element{Key: introspect.ElementKey{Key: introspect.Data(key), End: intervals[set] && w.IntN(4) > 0}}
}

// change adds and removes a few elements of sets.
func (w *setWorld) change() {
	for range 1 + w.IntN(3) {
		k := kindsOfSets[w.IntN(len(kindsOfSets))]
		key := introspect.SetKey{Family: 2, Table: "t", Name: k.name}
		s, _ := w.s.Sets.Get(key)
		e := w.element(k.name, k.draw(w.Rand))
		if w.IntN(3) == 0 && s.Elements.Len() > 0 {
			n := w.IntN(s.Elements.Len())
			for at := range s.Elements.All() {
				if n--; n < 0 {
					e.Key = at
					break
				}
			}
			s.Elements = s.Elements.Without(e.Key)
		} else {
			s.Elements = s.Elements.With(e.Key, e)
		}
		w.s.Sets = w.s.Sets.With(key, s)
	}
}

// TestSetElementsThatAreMore wants a set that has other elements than keys not to be followed in place.
func TestSetElementsThatAreMore(t *testing.T) {
	w := newSetWorld(t, 4)
	key := introspect.SetKey{Family: 2, Table: "t", Name: "hosts"}
	tables := func() int { return len(w.b.fib.Tables()) }
	before := tables()
	s := w.s
	set, _ := s.Sets.Get(key)
	e := introspect.Element{Key: introspect.ElementKey{Key: "\x0a\x01\x07\x07"}, Timeout: 5}
	set.Elements = set.Elements.With(e.Key, e)
	s.Sets = s.Sets.With(key, set)
	w.b.fib.Update(&s)
	if tables() != before-1 || len(w.b.fib.Gone()) != 1 || !w.b.fib.Grew() {
		t.Errorf("%d tables of %d, gone %v", tables(), before, w.b.fib.Gone())
	}
}

// BenchmarkSetChange is what it takes to follow the change of one element of a hundred thousand.
func BenchmarkSetChange(b *testing.B) {
	b.Run("keys", func(b *testing.B) { benchmarkSetChange(b, 0) })
	b.Run("intervals", func(b *testing.B) { benchmarkSetChange(b, introspect.SetInterval) })
}

func benchmarkSetChange(b *testing.B, flags uint32) {
	s := parse(b, router(b))
	key := introspect.SetKey{Family: 2, Table: "t", Name: "s"}
	set := introspect.Set{Key: key, KeyLen: 4, Flags: flags}
	both := func(i int, do func(introspect.Element)) {
		at := uint32(i) * 2654435761 &^ 0xf
		for n := range 1 + flags/introspect.SetInterval {
			do(introspect.Element{Key: introspect.ElementKey{Key: introspect.Data(binary.BigEndian.AppendUint32(nil, at+8*n)), End: n > 0}})
		}
	}
	add := func(e introspect.Element) { set.Elements = set.Elements.With(e.Key, e) }
	remove := func(e introspect.Element) { set.Elements = set.Elements.Without(e.Key) }
	for i := range 100_000 {
		both(i, add)
	}
	s.Sets = s.Sets.With(key, set)
	f := NewFIB(s)
	if len(f.sets.tables) == 0 {
		b.Fatal("no table")
	}
	b.ResetTimer()
	writes, made := 0, 0
	for i := range b.N {
		next := *s
		both(i%100_000, remove)
		both(100_000+i, add)
		next.Sets = next.Sets.With(key, set)
		changes, _ := f.Update(&next)
		if writes += len(changes); f.Grew() {
			made++
		}
		s = &next
	}
	b.ReportMetric(float64(writes)/float64(b.N), "writes/op")
	b.ReportMetric(float64(made), "made")
}

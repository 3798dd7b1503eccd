package synth

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// rangeBed is a set of intervals that changes, its table, and the memory that programs look into.
type rangeBed struct {
	*rand.Rand
	set     introspect.Set
	table   filter.SetTable
	program *ir.Program
	env     *ir.Env
}

// TestSetOfIntervals follows random changes of sets of intervals, with keys of many lengths, and compares what a program
// finds with what the kernel does: the last element whose key is not above says whether a key is in the set.
func TestSetOfIntervals(t *testing.T) {
	for _, size := range []int{1, 2, 3, 4, 6, 8, 11, 16} {
		seed := rand.Uint64()
		b := &rangeBed{Rand: rand.New(rand.NewPCG(seed, uint64(size))), set: introspect.Set{Flags: introspect.SetInterval, KeyLen: uint32(size)}}
		for range 60 {
			b.alter()
		}
		made, kept, found := 0, 0, [2]int{}
		for round := range 200 {
			old := b.set
			for range 1 + b.IntN(4) {
				b.alter()
			}
			if b.follow(t, old) {
				kept++
			} else if made++; b.table == nil {
				t.Fatalf("seed %d: no table of keys of %d bytes", seed, size)
			}
			for range 20 {
				key := b.key()
				n, want := b.finds(t, key), b.has(key)
				if found[n]++; (n == 1) != want {
					t.Fatalf("seed %d, keys of %d bytes, round %d: %x is found %d, want %v", seed, size, round, key, n, want)
				}
			}
		}
		t.Logf("keys of %d bytes: followed %d times, made %d times", size, kept, made)
		if kept < 140 || found[0] < 300 || found[1] < 300 {
			t.Errorf("seed %d, keys of %d bytes: followed %d times, made %d times, found %v", seed, size, kept, made, found)
		}
	}
}

// key draws one that has others near it.
func (b *rangeBed) key() []byte {
	key := make([]byte, b.set.KeyLen)
	for i := range key {
		if key[i] = []byte{0, 0xff, 0x80, byte(b.IntN(256))}[b.IntN(4)]; b.IntN(2) == 0 {
			key[i] = 0
		}
	}
	key[len(key)-1] = byte(b.IntN(256))
	return key
}

// alter adds or removes an element, whatever the others are.
func (b *rangeBed) alter() {
	e := introspect.Element{Key: introspect.ElementKey{Key: introspect.Data(b.key()), End: b.IntN(2) == 0}}
	if n := b.set.Elements.Len(); n > 50 && b.IntN(2) == 0 {
		n = b.IntN(n)
		for key := range b.set.Elements.All() {
			if n--; n < 0 {
				b.set.Elements = b.set.Elements.Without(key)
				return
			}
		}
	}
	b.set.Elements = b.set.Elements.With(e.Key, e)
}

// has looks through all elements.
func (b *rangeBed) has(key []byte) (in bool) {
	for k := range b.set.Elements.All() {
		if bytes.Compare([]byte(k.Key), key) > 0 {
			break
		}
		in = !k.End
	}
	return in
}

// follow tells whether the table is still the one that it was.
func (b *rangeBed) follow(t *testing.T, old introspect.Set) bool {
	if b.table != nil {
		name := b.table.Table().Name
		if writes, ok := b.table.Follow(old, b.set); ok {
			for _, w := range writes {
				copy(b.env.Tables[name][w.Offset:], w.Data)
			}
			return true
		}
	}
	var ok bool
	if b.table, ok = newSetTable(b.set, "set-1"); !ok {
		b.table = nil
		return false
	}
	contents := make([]byte, b.table.Table().Bytes())
	copy(contents, b.table.Image().Data)
	b.env = &ir.Env{Tables: map[string][]byte{"set-1": contents}}
	b.program = finder(b.table, int(b.set.KeyLen))
	if err := ir.Check(b.program); err != nil {
		t.Fatal(err)
	}
	return false
}

// finder is a program that looks up what stands in the packet.
func finder(table filter.SetTable, size int) *ir.Program {
	b := ir.NewBuilder("finder")
	b.Bound(size, slowpath.Short)
	var words []*ir.Value
	for i := range size {
		if v := b.Load(i, 1); i%8 == 0 {
			words = append(words, v)
		} else {
			words[i/8] = b.Arith(ir.OpOr, b.ArithImm(ir.OpShl, words[i/8], 8), v)
		}
	}
	b.Redirect(table.Find(b, words))
	return b.Program
}

func (b *rangeBed) finds(t *testing.T, key []byte) int {
	v, err := ir.Eval(b.program, b.env, key)
	if err != nil {
		t.Fatal(err)
	}
	return int(v.Oif)
}

// TestSetOfIntervalsThatIsMore wants sets that have other elements than bounds to be compiled, and small ones.
func TestSetOfIntervalsThatIsMore(t *testing.T) {
	b := &rangeBed{Rand: rand.New(rand.NewPCG(1, 2)), set: introspect.Set{Flags: introspect.SetInterval, KeyLen: 4}}
	for range 60 {
		b.alter()
	}
	bound := introspect.ElementKey{Key: "\x01\x02\x03\x04"}
	for name, change := range map[string]func(*introspect.Set){
		"nothing":       func(*introspect.Set) {},
		"a catch-all":   plus(introspect.Element{Key: introspect.ElementKey{CatchAll: true}}),
		"a time-out":    plus(introspect.Element{Key: bound, Timeout: 5}),
		"a counter":     plus(introspect.Element{Key: bound, Exprs: "counter"}),
		"another end":   plus(introspect.Element{Key: introspect.ElementKey{Key: bound.Key, To: bound.Key}}),
		"another size":  plus(introspect.Element{Key: introspect.ElementKey{Key: "\x01"}}),
		"no name":       func(s *introspect.Set) { s.Flags |= introspect.SetAnonymous },
		"verdicts":      func(s *introspect.Set) { s.Flags |= introspect.SetMap },
		"several parts": func(s *introspect.Set) { s.Fields = []uint8{2, 2} },
		"too few": func(s *introspect.Set) {
			for key := range s.Elements.All() {
				if s.Elements.Len() > 6 {
					s.Elements = s.Elements.Without(key)
				}
			}
		},
	} {
		s := b.set
		change(&s)
		if _, ok := newSetTable(s, "set-1"); ok != (name == "nothing") {
			t.Errorf("%s: %v", name, ok)
		}
		if table, _ := newSetTable(b.set, "set-1"); s.SameHead(b.set) && name != "nothing" && name != "too few" {
			if _, ok := table.Follow(b.set, s); ok {
				t.Errorf("%s is followed", name)
			}
		}
	}
}

func plus(e introspect.Element) func(*introspect.Set) {
	return func(s *introspect.Set) { s.Elements = s.Elements.With(e.Key, e) }
}

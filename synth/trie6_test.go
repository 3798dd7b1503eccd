package synth

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hone-net/hone/synth/ir"
)

// bed6 is a trie6 and its table as programs see it, beside the plain list of the entries.
type bed6 struct {
	trie   *trie6
	memory []byte
	shape  ViewShape
	last   *ir.Table // of that shape
	plain  map[prefix6]uint16
	leaves bool // from the beginning
}

func newBed6() *bed6 {
	b := &bed6{plain: map[prefix6]uint16{}}
	b.trie = newTrie6(&journal{}, "route6")
	return b
}

// seal makes the table as large as it gets in these tests.
func (b *bed6) seal(units int) {
	b.trie.seal(ViewShape{Blocks: units, Leaves: b.leaves})
	b.memory = make([]byte, b.table().Bytes())
	copy(b.memory, b.trie.image())
	b.trie.journal.on = true
}

func (b *bed6) table() *ir.Table {
	s := b.trie.shape()
	return s.route()
}

func (b *bed6) find(hi, lo uint64) uint16 {
	if s := b.trie.shape(); b.last == nil || s != b.shape {
		b.shape, b.last = s, s.route()
	}
	return b.last.Match6(b.memory, hi, lo)
}

// slowly is the answer by the list.
func (b *bed6) slowly(hi, lo uint64) (row uint16) {
	best := -1
	for p, r := range b.plain {
		if p.len() > best && newPrefix6(hi, lo, p.len()) == p {
			best, row = p.len(), r
		}
	}
	return row
}

// set changes the trie and the list; a row of 0 removes the entry.
func (b *bed6) set(p prefix6, row uint16) {
	if row == 0 {
		delete(b.plain, p)
		b.trie.remove(p)
		return
	}
	b.plain[p] = row
	b.trie.set(p, row)
}

// writes does the writes of an update one by one, and calls look after each, or after some of very many.
func (b *bed6) writes(look func()) {
	for _, w := range b.trie.journal.writes {
		apart := 4 * (1 + len(w.Data)>>12*61)
		for i := 0; i < len(w.Data); i += 4 {
			copy(b.memory[w.Offset+i:], w.Data[i:i+4])
			if i%apart == 0 {
				look()
			}
		}
	}
	b.trie.journal.writes = nil
}

// anyPrefix6 makes prefixes that often cover, or part late from, one another.
func anyPrefix6(r *rand.Rand) prefix6 {
	hi := []uint64{0x20010db8_00000000, 0x20010db8_00010000, 0x20010db8_00010002, 0xfe80_0000_0000_0000, 0, r.Uint64()}[r.IntN(6)]
	lo := []uint64{0, 1, 0x1000_0000_0000_0001, uint64(r.IntN(8)), r.Uint64()}[r.IntN(5)]
	hi ^= uint64(r.IntN(4)) << r.IntN(62)
	length := []int{128, 128, 64, 48, 32, 127, 65, r.IntN(129), r.IntN(129), r.IntN(65)}[r.IntN(10)]
	if r.IntN(3) == 0 { // many side by side
		return newPrefix6(0x20010db9<<32|uint64(r.IntN(200))<<16, 0, []int{48, 48, 47, 44, 40, 56}[r.IntN(6)])
	}
	return newPrefix6(hi, lo, length)
}

// inside is an address at a prefix: in it, at its edge, or just past that.
func inside(r *rand.Rand, p prefix6) (hi, lo uint64) {
	maskHi, maskLo := maskOf6(p.len())
	switch r.IntN(4) {
	case 0:
		return p.hi, p.lo
	case 1:
		return p.hi | ^maskHi, p.lo | ^maskLo
	case 2:
		hi, lo = p.hi|r.Uint64()&^maskHi, p.lo|r.Uint64()&^maskLo
		return hi, lo
	}
	if n := r.IntN(128); n < 64 {
		return p.hi ^ 1<<(63-n), p.lo
	} else {
		return p.hi, p.lo ^ 1<<(127-n)
	}
}

// TestTrie6: whatever comes and goes, the answers are those of the list; and while the words of a change are written, an
// address has the old answer or the new one.
func TestTrie6(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, round))
		b := newBed6()
		b.leaves = round%2 == 1
		for range r.IntN(60) {
			b.set(anyPrefix6(r), uint16(1+r.IntN(20)))
		}
		b.seal(1 << 14)
		for step := range 150 {
			p := anyPrefix6(r)
			if r.IntN(2) == 0 {
				for q := range b.plain {
					p = q
					break
				}
			}
			if r.IntN(5) == 0 {
				b.trie.journal.rest()
			}
			b.check(t, r, p, uint16(r.IntN(20)))
			if t.Failed() {
				t.Fatalf("seed %d, round %d, step %d: %v", seed, round, step, p)
			}
		}
	}
}

// check changes one entry and looks at addresses around it.
func (b *bed6) check(t *testing.T, r *rand.Rand, p prefix6, row uint16) {
	type probe struct {
		hi, lo     uint64
		old, fresh uint16
	}
	var probes []probe
	for range 6 {
		hi, lo := inside(r, p)
		probes = append(probes, probe{hi: hi, lo: lo})
	}
	for q := range b.plain {
		hi, lo := inside(r, q)
		if probes = append(probes, probe{hi: hi, lo: lo}); len(probes) > 30 {
			break
		}
	}
	for i := range probes {
		probes[i].old = b.slowly(probes[i].hi, probes[i].lo)
	}
	b.set(p, row)
	for i, a := range probes {
		probes[i].fresh = b.slowly(a.hi, a.lo)
	}
	if b.trie.overflow {
		t.Fatal("no room")
	}
	b.writes(func() {
		for _, a := range probes {
			if got := b.find(a.hi, a.lo); got != a.old && got != a.fresh {
				t.Fatalf("on the way %v is %d: neither %d nor %d", netipAddr6(a.hi, a.lo), got, a.old, a.fresh)
			}
		}
	})
	for _, a := range probes {
		if got := b.find(a.hi, a.lo); got != a.fresh {
			t.Errorf("%v is %d, want %d", netipAddr6(a.hi, a.lo), got, a.fresh)
		}
	}
}

// TestTrie6Covers: cover finds what the list says.
func TestTrie6Covers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	b := newBed6()
	for range 2000 {
		b.set(anyPrefix6(r), uint16(1+r.IntN(20)))
	}
	for range 3000 {
		p, length := anyPrefix6(r), r.IntN(129)
		want, found := prefix6{}, false
		for q := range b.plain {
			if q.len() <= length && q.covers(p) && (!found || q.len() > want.len()) {
				want, found = q, true
			}
		}
		if got, ok := b.trie.cover(p, length); ok != found || got != want {
			t.Fatalf("%v of at most %d bits: %v %v, want %v %v", p, length, got, ok, want, found)
		}
	}
}

// TestTrie6Shrinks: what has come and gone leaves nothing behind, and its room is used again.
func TestTrie6Shrinks(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	b := newBed6()
	b.leaves = true
	b.seal(1 << 15)
	empty := slices.Clone(b.trie.words[unitWords:][:ir.FrontWords6])
	for range 10 {
		for i := range 3000 {
			if i%100 == 0 {
				b.trie.journal.rest()
			}
			b.set(anyPrefix6(r), uint16(1+r.IntN(20)))
		}
		for p := range b.plain {
			b.set(p, 0)
		}
		b.trie.journal.rest()
	}
	if b.trie.overflow || !slices.Equal(empty, b.trie.words[unitWords:][:ir.FrontWords6]) || b.trie.size() != 0 {
		t.Fatalf("%v, %d entries", b.trie.overflow, b.trie.size())
	}
	t.Logf("%d units", b.trie.next)
}

// TestTrie6Full: entries for which there is no room are told.
func TestTrie6Full(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	b := newBed6()
	b.seal(0)
	for !b.trie.overflow {
		b.set(anyPrefix6(r), uint16(1+r.IntN(20)))
	}
	if s := b.trie.shape(); !s.Full || s.Blocks != minUnits || b.trie.larger().Blocks != 2*minUnits {
		t.Errorf("%+v", s)
	}
	if n := len(b.trie.image()); n > b.table().Bytes() || binary.NativeEndian.Uint32(b.trie.image()) < ir.Node6 {
		t.Errorf("%d bytes", n)
	}
}

// TestTrie6Crowded: where there is little room, there are more steps; where there is none, that is told.
func TestTrie6Crowded(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	steps := 0
	for _, most := range []int{1 << 20, 1 << 14, 1 << 13, 1 << 8} {
		b := newBed6()
		b.trie.most = most
		for _, p := range internet6(rand.New(rand.NewPCG(11, 11)), 3000) {
			b.set(p, uint16(1+r.IntN(20)))
		}
		b.seal(0)
		if full := most == 1<<8; b.trie.overflow != full || b.trie.maximal() != full {
			t.Fatalf("%d units: %+v", most, b.trie.shape())
		} else if full {
			break
		}
		if b.trie.steps < steps {
			t.Errorf("%d steps, then %d", steps, b.trie.steps)
		}
		steps = b.trie.steps
		t.Logf("%d units, %d steps, room for %d bits", b.trie.next, steps, b.trie.roomy)
		for range 300 {
			for p := range b.plain {
				hi, lo := inside(r, p)
				if got, want := b.find(hi, lo), b.slowly(hi, lo); got != want {
					t.Fatalf("%v is %d, want %d", netipAddr6(hi, lo), got, want)
				}
				break
			}
		}
	}
}

// FuzzTrie6: whatever comes and goes in whatever order, the answers are those of the list.
func FuzzTrie6(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x20\x01\x0d\x30\x02\x20\x01\x0d\x80\x03\x20\x01\x0d\x80\x00"), uint8(2))
	f.Add([]byte("\x20\x01\x00\x40\x01\x20\x01\x01\x40\x01\x20\x02\x00\x7f\x01\x20\x02\x01\x41\x01"), uint8(0))
	f.Add([]byte("\x20\x01\x00\x40\x01\x20\x01\x01\x40\x01\x20\x02\x00\x3f\x01\x20\x02\x01\x30\x01"), uint8(128))
	f.Fuzz(func(t *testing.T, changes []byte, before uint8) {
		b := newBed6()
		b.leaves = before >= 128
		before %= 128
		var all []prefix6
		sealed := false
		for len(changes) >= 5 && len(all) < 400 {
			c := changes[:5]
			changes = changes[5:]
			p := newPrefix6(uint64(c[0])<<56|uint64(c[1])<<48|uint64(c[2])<<12, uint64(c[2])<<60|uint64(c[1]), int(c[3])%129)
			if !sealed && len(all) >= int(before) {
				b.seal(1 << 13)
				sealed = true
			}
			if len(all)%8 == 0 {
				b.trie.journal.rest()
			}
			b.set(p, uint16(c[4]%8))
			all = append(all, p)
		}
		if !sealed {
			b.seal(1 << 13)
		}
		b.writes(func() {})
		for _, p := range all {
			maskHi, maskLo := maskOf6(p.len())
			for _, a := range [][2]uint64{{p.hi, p.lo}, {p.hi | ^maskHi, p.lo | ^maskLo}, {p.hi, p.lo ^ 1}, {p.hi ^ 1<<20, p.lo}} {
				if got, want := b.find(a[0], a[1]), b.slowly(a[0], a[1]); got != want && !b.trie.overflow {
					t.Fatalf("%v is %d, want %d", netipAddr6(a[0], a[1]), got, want)
				}
			}
		}
	})
}

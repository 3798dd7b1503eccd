package synth

import (
	"encoding/binary"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hone-net/hone/synth/ir"
)

// walk6 is a walk through a table of IPv6 that may be held up at every word, like a crossing. What it comes to is the answer
// of some time on the way.
type walk6 struct {
	hi, lo uint64
	next   func() (struct{}, bool)
	fine   map[uint16]bool
	answer uint16
}

// crowd6 is a table that changes while walks are under way.
type crowd6 struct {
	*rand.Rand
	*bed6
	before map[prefix6]uint16 // the entries before the change whose writes are under way
	writes []ir.Write
	walks  []*walk6
	waits  []*walk6 // for those that rested waits for
	rested func()
	patient
	count struct{ walks, reused int }
}

// patient tells whether what was let go is used again only once walks have ended.
type patient bool

func TestInterleaved6(t *testing.T) {
	seed := rand.Uint64()
	var walks, reused int
	for n := range uint64(40) {
		c := newCrowd6(rand.New(rand.NewPCG(seed, n)), true)
		if wrong := c.run(t); wrong != nil {
			t.Fatalf("seed %d, round %d: %v is %d, want one of %v", seed, n, netipAddr6(wrong.hi, wrong.lo), wrong.answer, wrong.fine)
		}
		walks, reused = walks+c.count.walks, reused+c.count.reused
	}
	if walks < 1000 || reused < 100 {
		t.Errorf("%d walks, %d nodes used again", walks, reused)
	}
}

// TestInterleaved6Impatient catches nodes that are used again while walks may come to them.
func TestInterleaved6Impatient(t *testing.T) {
	for n := range uint64(300) {
		if newCrowd6(rand.New(rand.NewPCG(n, 6)), false).run(t) != nil {
			return
		}
	}
	t.Error("not caught")
}

func newCrowd6(r *rand.Rand, p patient) *crowd6 {
	c := &crowd6{Rand: r, bed6: newBed6(), patient: p}
	c.leaves = r.IntN(2) == 0
	for range 30 + r.IntN(100) {
		c.set(anyPrefix6(r), uint16(1+r.IntN(20)))
	}
	c.seal(1 << 14)
	c.before = maps.Clone(c.plain)
	return c
}

// run lets walks and writes happen in any order, and returns a walk that came to a wrong answer.
func (c *crowd6) run(t *testing.T) (wrong *walk6) {
	haste := 0
	for range 4000 {
		if c.IntN(16) == 0 {
			haste = []int{2, 6, 9}[c.IntN(3)]
		}
		switch n := c.IntN(10); {
		case n < 2 && len(c.walks) < 8:
			c.begin()
		case n < haste && len(c.walks) > 0:
			if wrong = c.advance(c.IntN(len(c.walks))); wrong != nil {
				return wrong
			}
		case len(c.writes) > 0:
			copy(c.memory[c.writes[0].Offset:], c.writes[0].Data)
			if c.writes = c.writes[1:]; len(c.writes) == 0 {
				c.written()
			}
		default:
			c.change(t)
		}
	}
	for len(c.walks) > 0 && wrong == nil {
		wrong = c.advance(0)
	}
	return wrong
}

// change makes one, and notes what becomes of the addresses of walks.
func (c *crowd6) change(t *testing.T) {
	c.before = maps.Clone(c.plain)
	p := anyPrefix6(c.Rand)
	if c.IntN(2) == 0 {
		for _, p = range slices.SortedFunc(maps.Keys(c.plain), prefix6.compare)[c.IntN(len(c.plain)):] {
			break
		}
	}
	fresh := c.trie.next
	nodes := len(c.trie.journal.writes)
	c.set(p, uint16(c.IntN(20)))
	if c.trie.overflow {
		t.Fatal("no room")
	}
	if len(c.trie.journal.writes) > nodes+1 && c.trie.next == fresh {
		c.count.reused++
	}
	for _, w := range c.trie.journal.writes {
		for i := 0; i < len(w.Data); i += 4 {
			c.writes = append(c.writes, ir.Write{Offset: w.Offset + i, Data: w.Data[i : i+4]})
		}
	}
	c.trie.journal.writes = nil
	for _, w := range c.walks {
		w.fine[c.slowly(w.hi, w.lo)] = true
	}
	if len(c.writes) == 0 {
		c.written()
	}
}

func (c *crowd6) written() {
	rested := c.trie.journal.written()
	if rested == nil {
		return
	}
	c.rested, c.waits = rested, slices.Clone(c.walks)
	c.settle()
}

func (c *crowd6) settle() {
	on := func(w *walk6) bool { return slices.Contains(c.walks, w) }
	if c.rested != nil && (!bool(c.patient) || !slices.ContainsFunc(c.waits, on)) {
		c.rested()
		c.rested = nil
	}
}

func (c *crowd6) begin() {
	w := &walk6{fine: map[uint16]bool{}}
	all := slices.SortedFunc(maps.Keys(c.plain), prefix6.compare)
	w.hi, w.lo = inside(c.Rand, all[c.IntN(len(all))])
	w.fine[c.slowly(w.hi, w.lo)] = true
	if len(c.writes) > 0 {
		now := c.plain
		c.plain = c.before
		w.fine[c.slowly(w.hi, w.lo)] = true
		c.plain = now
	}
	w.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		w.answer = c.walk(w.hi, w.lo, func() { yield(struct{}{}) })
	})
	c.walks = append(c.walks, w)
}

// advance lets a walk read one more word.
func (c *crowd6) advance(i int) *walk6 {
	w := c.walks[i]
	if _, on := w.next(); on {
		return nil
	}
	c.walks = slices.Delete(c.walks, i, i+1)
	c.settle()
	c.count.walks++
	if !w.fine[w.answer] {
		return w
	}
	return nil
}

// walk is ir's Match6 with a pause after each word. It does not count steps.
func (c *crowd6) walk(hi, lo uint64, pause func()) uint16 {
	t := c.table()
	load := func(at int) uint32 {
		defer pause()
		return binary.NativeEndian.Uint32(c.memory[at:])
	}
	word := uint32(0)
	if t.Leaves {
		if word = front(t, hi, load); word < ir.NoAnswer6 {
			return uint16(word)
		}
	} else if t.Focus.Len > 0 && t.Focus.Contains(hi, lo) {
		word = load(ir.Unit6 + 4*prefix6{hi: hi, lo: lo}.part(t.Focus.Len, ir.FocusBits))
	} else {
		word = load(0)
	}
	for word >= ir.Node6 {
		unit, skip, window := ir.Node6Of(word)
		at, p := unit*ir.Unit6, newPrefix6(hi, lo, 128)
		half := p.half(skip + window - 1)
		above := half >> (63 - (skip+window-1)&63) &^ (1<<window - 1)
		if uint64(load(at))|uint64(load(at+4))<<32 != above {
			return uint16(load(at + ir.Other6))
		}
		word = load(at + ir.Words6 + 4*p.part(skip, window))
	}
	return uint16(word)
}

// front goes through a front: to an answer, or the word of a node.
func front(t *ir.Table, hi uint64, load func(int) uint32) uint32 {
	first, _ := ir.First6(hi)
	word := load(ir.Unit6 + 4*first)
	for range ir.FrontSteps6 {
		unit, skip, window := ir.FrontOf6(word)
		at := 0
		if window > 0 {
			at = int(hi << skip >> (64 - window))
		}
		word = load(unit*ir.Unit6 + 4*at)
	}
	unit, skip, window := ir.FrontOf6(word)
	key := uint32(hi << skip >> (64 - ir.KeyBits6))
	count := func(line int) (n int) {
		for i := range ir.MostBounds6 {
			n += int((load(line*ir.Unit6+ir.Bounds6+4*i) + key) >> ir.KeyBits6)
		}
		return n
	}
	if window == ir.Head6 {
		unit += count(unit)
	}
	at := unit*ir.Unit6 + ir.Answers6 + 2*count(unit)
	pair := binary.NativeEndian.AppendUint32(nil, load(at&^3))
	if a := binary.NativeEndian.Uint16(pair[at&3:]); a < ir.NoAnswer6 {
		return uint32(a)
	}
	return load(unit*ir.Unit6 + ir.Deep6)
}

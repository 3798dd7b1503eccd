package filter

import (
	"math/rand/v2"
	"testing"
)

// TestFit has spans of numbers that their keys cannot all have.
func TestFit(t *testing.T) {
	for range 2000 {
		k := Key{Field{Network, 0, 1}, rand.Uint64N(256)}
		a, b := rand.Uint64N(256), rand.Uint64N(256)
		s := span{min(a, b), max(a, b)}
		least, most, any := uint64(0), uint64(0), false
		for n := s.lo; n <= s.hi; n++ {
			if n&^k.Mask == 0 {
				if !any {
					least = n
				}
				most, any = n, true
			}
		}
		got, ok := k.fit(s)
		if ok != any || ok && got != (span{least, most}) {
			t.Fatalf("mask %#x, %#x: %#x %v, want %#x-%#x %v", k.Mask, s, got, ok, least, most, any)
		}
	}
	wide := Key{Field{Network, 0, 8}, 1<<63 | 5}
	if s, ok := wide.fit(span{6, 1<<64 - 1}); !ok || s != (span{1 << 63, 1<<63 | 5}) {
		t.Errorf("%#x %v", s, ok)
	}
	if s, ok := wide.fit(span{1<<63 | 6, 1<<64 - 1}); ok {
		t.Errorf("%#x, which are none", s)
	}
}

// TestPositive turns tests around whose keys leave numbers out.
func TestPositive(t *testing.T) {
	for range 2000 {
		k := Key{Field{Network, 0, 1}, 1 + rand.Uint64N(255)}
		in := &region{keys: []Key{k}}
		for range 1 + rand.IntN(3) {
			n := rand.Uint64N(256)
			in.boxes, in.of = append(in.boxes, box{{n, n + rand.Uint64N(256-n)}}), append(in.of, 0)
		}
		in.fit()
		r, ok := (&test{not: true, in: in}).positive()
		if !ok {
			t.Fatal("no region")
		}
		for n := range uint64(256) {
			n &= k.Mask
			if holds(in, n) == holds(r, n) {
				t.Fatalf("%d is in both or neither of %v and %v, mask %#x", n, in.boxes, r.boxes, k.Mask)
			}
		}
	}
}

// TestShapes compares the lookup of a box with the box.
func TestShapes(t *testing.T) {
	blocks := 0
	for range 4000 {
		k := Key{Field{Network, 0, 1}, 1 + rand.Uint64N(255)}
		n := rand.Uint64N(256)
		in := &region{keys: []Key{k}, boxes: []box{{{n, min(255, n|rand.Uint64N(16))}}}, of: []int{0}}
		in.fit()
		if len(in.boxes) == 0 {
			continue
		}
		shapes, _, ok := shapesOf(in)
		if !ok {
			continue
		}
		blocks++
		parts, words := shapes[0].pack()
		lookup := func(n uint64) uint64 { return append(packed(parts, words, func(int) uint64 { return n }), 0)[0] }
		for n := range uint64(256) {
			n &= k.Mask
			if same := lookup(n) == lookup(in.boxes[0][0].lo); same != holds(in, n) {
				t.Fatalf("%d in %v of mask %#x: the lookup says %v", n, in.boxes, k.Mask, same)
			}
		}
	}
	if blocks < 200 {
		t.Errorf("only %d lookups", blocks)
	}
}

func holds(r *region, n uint64) bool {
	for _, b := range r.boxes {
		if b.has([]uint64{n}) {
			return true
		}
	}
	return false
}

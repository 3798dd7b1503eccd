package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestClassify compares what a classifier finds with the first box that numbers are in.
func TestClassify(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	made := 0
	for range 60 {
		in := randomRegion(r)
		answers := make([]int, len(in.boxes))
		for i := range answers {
			answers[i] = 1 + r.IntN(len(in.boxes))
		}
		c := classify(in, answers)
		if c == nil {
			continue
		}
		made++
		p := lookedUp(t, in.keys, c)
		for range 50 {
			numbers := numbersIn(r, in)
			want := 0
			for i, b := range in.boxes {
				if b.has(numbers) {
					want = answers[i]
					break
				}
			}
			if got := found(t, p, numbers); got != want {
				t.Fatalf("seed %d: %v in %v of %v: answer %d, want %d", seed, numbers, in.boxes, in.keys, got, want)
			}
		}
	}
	if made < 50 {
		t.Errorf("seed %d: only %d classifiers", seed, made)
	}
}

// TestClassifySingle has answers that take more bytes than the pieces of its one chunk would.
func TestClassifySingle(t *testing.T) {
	in := &region{keys: []Key{{Field{Network, 0, 2}, 1<<16 - 1}}, boxes: []box{{{1, 2}}, {{2, 3}}}, of: []int{0, 1}}
	p := lookedUp(t, in.keys, classify(in, []int{70000, 5}))
	for n, want := range []int{0, 70000, 70000, 5, 0} {
		if got := found(t, p, []uint64{uint64(n)}); got != want {
			t.Errorf("%d: answer %d, want %d", n, got, want)
		}
	}
}

// TestClassifyGroups has more pairs of classes than one table holds.
func TestClassifyGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	in := &region{keys: []Key{{Field{Network, 0, 4}, 1<<32 - 1}, {Field{Network, 4, 4}, 1<<32 - 1}, {Field{Network, 8, 2}, 1<<16 - 1}}}
	for i := range 1200 {
		port := uint64(r.IntN(500))
		b := box{prefixSpan(r, uint64(r.IntN(64))<<16), prefixSpan(r, uint64(r.IntN(64))<<16), {port, port + uint64(r.IntN(90))}}
		in.boxes, in.of = append(in.boxes, b), append(in.of, i)
	}
	_, answers := in.leaders()
	c := classify(in, answers)
	if c == nil || c.last == nil || len(c.last.groups) < 2 {
		t.Fatal("no groups")
	}
	p := lookedUp(t, in.keys, c)
	for range 3000 {
		numbers := numbersIn(r, in)
		want := 0
		for i, b := range in.boxes {
			if b.has(numbers) {
				want = i + 1
				break
			}
		}
		if got := found(t, p, numbers); got != want {
			t.Fatalf("%v: answer %d, want %d", numbers, got, want)
		}
	}
}

func prefixSpan(r *rand.Rand, around uint64) span {
	low := uint64(1)<<(r.IntN(5)*4) - 1
	at := (around + uint64(r.IntN(1<<16))) &^ low
	return span{at, at + low}
}

// TestClassifyLarge has so many classes that there is no classifier.
func TestClassifyLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	in := &region{keys: []Key{{Field{Network, 0, 4}, 1<<32 - 1}, {Field{Network, 4, 4}, 1<<32 - 1}}}
	for i := range 20000 {
		a, b := r.Uint64N(1<<31), r.Uint64N(1<<31)
		in.boxes, in.of = append(in.boxes, box{{a, a + r.Uint64N(1<<30)}, {b, b + r.Uint64N(1<<30)}}), append(in.of, i)
	}
	_, answers := in.leaders()
	if c := classify(in, answers); c != nil {
		t.Error("a classifier of 20000 boxes across each other")
	}
}

// randomRegion has a few keys of several widths, and boxes whose ends are near each other.
func randomRegion(r *rand.Rand) *region {
	in := &region{}
	widths := []uint8{1, 2, 4, 8, 8}
	for at := 0; len(in.keys) < 1+r.IntN(3); at += 8 {
		width := widths[r.IntN(len(widths))]
		f := Field{Network, at, width}
		k := Key{f, f.most() >> r.IntN(3)}
		if r.IntN(4) == 0 {
			k.Mask &= r.Uint64() | 1 // some numbers are left out
		}
		in.keys = append(in.keys, k)
	}
	for i := range 1 + r.IntN(80) {
		b := box{}
		for _, k := range in.keys {
			b = append(b, randomSpan(r, k.Field.most()))
		}
		in.boxes, in.of = append(in.boxes, b), append(in.of, i)
	}
	in.fit()
	return in
}

func randomSpan(r *rand.Rand, most uint64) span {
	if r.IntN(3) == 0 {
		return span{0, most}
	}
	// Ends in few places, some of which are near the middle of a number of 64 bits.
	end := func() uint64 {
		return (uint64(r.IntN(6))<<(8*r.IntN(8)) + uint64(r.IntN(3)) - 1) & most
	}
	a, b := end(), end()
	return span{min(a, b), max(a, b)}
}

// numbersIn are numbers on or beside the ends of a box, or others.
func numbersIn(r *rand.Rand, in *region) (all []uint64) {
	b := in.boxes[r.IntN(len(in.boxes))]
	for i, k := range in.keys {
		n := r.Uint64()
		switch r.IntN(5) {
		case 0:
			n = b[i].lo
		case 1:
			n = b[i].hi
		case 2:
			n = b[i].lo - 1
		case 3:
			n = b[i].lo + r.Uint64N(max(1, b[i].hi-b[i].lo))
		}
		all = append(all, n&k.Mask)
	}
	return all
}

// lookedUp is a program that redirects a packet of the numbers of keys to the interface that is the answer.
func lookedUp(t *testing.T, keys []Key, c *classifier) *ir.Program {
	t.Helper()
	b := ir.NewBuilder("classes")
	b.GuardImm(ir.Eq, b.Moved(slowpath.Any), 0, slowpath.Moved)
	b.Bound(8*len(keys), slowpath.Short)
	var values []*ir.Value
	for i, k := range keys {
		v := b.Load(8*i, k.Field.Width)
		if k.Mask != k.Field.most() {
			v = b.ArithImm(ir.OpAnd, v, k.Mask)
		}
		values = append(values, v)
	}
	b.Redirect(c.find(b, values))
	if err := ir.Check(b.Program); err != nil {
		t.Fatal(err)
	}
	return b.Program
}

func found(t *testing.T, p *ir.Program, numbers []uint64) int {
	t.Helper()
	packet := make([]byte, 8*len(numbers)+64)
	loads := p.Blocks[0].Values
	i := 0
	for _, v := range loads {
		if v.Op != ir.OpLoad {
			continue
		}
		var data [8]byte
		binary.BigEndian.PutUint64(data[:], numbers[i])
		copy(packet[v.Imm:], data[8-v.Width:])
		i++
	}
	v, err := ir.Eval(p, &ir.Env{}, packet)
	if err != nil {
		t.Fatal(err)
	}
	return int(v.Oif)
}

package synth

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// newFront6 makes a table that begins with a front, of these prefixes, some of them more than forks part.
func newFront6(r *rand.Rand) (*bed6, []prefix6) {
	b := newBed6()
	b.leaves = true
	all := internet6(r, 4000)
	for range 1500 {
		all = append(all, newPrefix6(0x20010db8_00000000|uint64(r.IntN(1<<10)), r.Uint64(), 64-r.IntN(4)+r.IntN(2)*30))
	}
	for range 400 { // of all addresses, not only those that most first words are for
		all = append(all, newPrefix6(r.Uint64(), 0, r.IntN(50)), newPrefix6(0xfd<<56|r.Uint64N(1<<6)<<44|r.Uint64()>>24, 0, 20+r.IntN(40)))
	}
	for i, p := range all {
		b.trie.set(p, uint16(1+i%30))
	}
	b.seal(1 << 16)
	return b, all
}

// TestFront6: a table that begins with a front has the answers of its entries, while many come and go side by side, and
// has every kind of line.
func TestFront6(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	b, all := newFront6(r)
	kinds := map[lineKind]int{}
	for _, n := range b.trie.nodes {
		kinds[n.line]++
	}
	if kinds[constantLine] < 10 || kinds[rangesLine] < 50 || kinds[deepLine] == 0 {
		t.Errorf("lines %v", kinds)
	}
	for step := range 3000 {
		p := all[r.IntN(len(all))]
		switch r.IntN(4) {
		case 0:
			p = newPrefix6(p.hi^1<<(64-p.len()%64), p.lo, max(0, p.len()-r.IntN(12)))
		case 1:
			p = newPrefix6(p.hi|r.Uint64()>>32, p.lo, min(p.len()+r.IntN(12), 128))
		}
		if step%50 == 0 {
			b.trie.journal.rest()
		}
		if row := uint16(r.IntN(40)); row == 0 || step%3 == 0 {
			b.trie.remove(p)
		} else {
			b.trie.set(p, row)
		}
		b.writes(func() {})
		for range 4 {
			hi, lo := inside(r, p)
			if got, want := b.find(hi, lo), b.covered(hi, lo); got != want {
				t.Fatalf("seed %d, step %d: %v is %d, want %d", seed, step, netipAddr6(hi, lo), got, want)
			}
			p = all[r.IntN(len(all))]
		}
	}
	if b.trie.overflow {
		t.Error("no room")
	}
}

// covered is the answer by the entries.
func (b *bed6) covered(hi, lo uint64) uint16 {
	p, _ := b.trie.cover(newPrefix6(hi, lo, 128), 128)
	row, _ := b.trie.entries.get(p)
	return row
}

// TestFront6Loaded: a program in the kernel finds what the table has, whatever way leads there.
func TestFront6Loaded(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	b, all := newFront6(r)
	builder := ir.NewBuilder("front")
	builder.Bound(38, slowpath.Short)
	answer := builder.Lookup(builder.Table(b.table()), builder.Load(22, 8), builder.Load(30, 8))
	builder.StoreLE(14, 8, answer)
	builder.Redirect(answer)
	prog := loaded(t, builder.Program, map[string][]byte{"route6": b.trie.image()})
	for range 5000 {
		hi, lo := inside(r, all[r.IntN(len(all))])
		frame := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(make([]byte, 22), hi), lo)
		out := make([]byte, len(frame)+64)
		if _, err := prog.Run(&ebpf.RunOptions{Data: frame, DataOut: out}); err != nil {
			t.Fatal(err)
		}
		if got, want := uint16(binary.LittleEndian.Uint64(out[14:])), b.covered(hi, lo); got != want {
			t.Fatalf("seed %d: %v is %d, want %d", seed, netipAddr6(hi, lo), got, want)
		}
	}
}

// TestFront6Registers: in the program of a router of both families, the walk to an answer touches no stack.
func TestFront6Registers(t *testing.T) {
	s := fullTable6(t, manyRoutes6+1000)
	p, err := Program(s, 2, Options{}, NewFIB(s).Shape())
	if err != nil {
		t.Fatal(err)
	}
	spec, err := emit.Spec(p, emit.Kernel{CPUs: 2, CPUv4: true})
	if err != nil {
		t.Fatal(err)
	}
	const walk = 1 + ir.FrontSteps6 + 2 // first words, forks, lines
	left := walk
	for _, i := range spec.Programs[emit.ProgramName].Instructions {
		if i.Reference() == "route6" {
			left--
		}
		if left < walk && left > 0 && (i.Src == asm.RFP || i.Dst == asm.RFP) {
			t.Errorf("%v", i)
		}
	}
	if left > 0 {
		t.Errorf("%d references fewer than expected", left)
	}
}

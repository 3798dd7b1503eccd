package synth

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// targets6 are the addresses that the benchmarks look up by turns.
var targets6 = &ir.Table{Name: "targets", Kind: ir.Rows, Domain: slowpath.Any, Size: 1 << 16, RowSize: 16,
	Fields: []ir.Field{{Name: "hi", Offset: 0, Width: 8}, {Name: "lo", Offset: 8, Width: 8}}}

// internet6 makes n prefixes that are spread like those of the Internet: some allocations of 20 to 32 bits in few large
// blocks, and below them clusters of 40 to 48 bits.
func internet6(w *rand.Rand, n int) (all []prefix6) {
	for len(all) < n {
		block := uint64([]int{0x2001, 0x2400, 0x2404, 0x2600, 0x2606, 0x2800, 0x2804, 0x2a00, 0x2a02, 0x2a0a}[w.IntN(10)]) << 48
		site := block | uint64(w.IntN(1<<16))<<32
		all = append(all, newPrefix6(site, 0, []int{20, 28, 29, 32, 32, 32, 32, 32}[w.IntN(8)]))
		for range w.IntN(1 + w.IntN(20)) {
			all = append(all, newPrefix6(site|uint64(w.IntN(1<<w.IntN(17)))<<16, 0, []int{36, 40, 44, 48, 48, 48, 48}[w.IntN(7)]))
		}
	}
	return all
}

// lookupTargets is a program that does nothing but look the next target up.
func lookupTargets(routes *ir.Table) *ir.Program {
	b := ir.NewBuilder("targets")
	b.Bound(22, slowpath.Short)
	i := b.LoadLE(14, 8)
	row := b.Lookup(b.Table(targets6), i)
	answer := b.Lookup(b.Table(routes), b.Field(row, "hi"), b.Field(row, "lo"))
	b.StoreLE(14, 8, b.ArithImm(ir.OpAdd, i, 1))
	b.Redirect(answer)
	return b.Program
}

// BenchmarkLookup6 measures what a lookup costs in the kernel, of one address and of any.
func BenchmarkLookup6(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("loading programs needs root")
	}
	for _, c := range []struct {
		name     string
		prefixes int
		any      bool
	}{{"few/one", 30, false}, {"few/any", 30, true}, {"full/one", 160000, false}, {"full/any", 160000, true}} {
		b.Run(c.name, func(b *testing.B) {
			w := rand.New(rand.NewPCG(6, 6))
			t, all := newTrie6(&journal{}, "route6"), internet6(w, c.prefixes)
			for i, p := range all {
				t.set(p, uint16(i&1023))
			}
			t.seal(ViewShape{})
			s := t.shape()
			routes := &ir.Table{Name: s.Table, Kind: ir.LPM6, Steps: s.Steps, Size: s.Blocks}
			targets := make([]byte, targets6.Bytes())
			for i := 0; i < len(targets); i += targets6.RowSize {
				p := all[0]
				if c.any {
					p = all[w.IntN(len(all))]
				}
				binary.NativeEndian.PutUint64(targets[i:], p.hi)
				binary.NativeEndian.PutUint64(targets[i+8:], 1)
			}
			prog := loaded(b, lookupTargets(routes), map[string][]byte{s.Table: t.image(), targets6.Name: targets})
			b.ResetTimer()
			_, took, err := prog.Benchmark(make([]byte, 64), b.N, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(took.Nanoseconds()), "ns/lookup")
			b.ReportMetric(float64(t.next*ir.Unit6>>10), "KB")
		})
	}
}

// loaded hands a program and the contents of its tables to the kernel.
func loaded(b testing.TB, p *ir.Program, tables map[string][]byte) *ebpf.Program {
	spec, err := emit.Spec(p, emit.Kernel{CPUs: 2, CPUv4: true})
	if err != nil {
		b.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		b.Fatalf("%+v", err)
	}
	b.Cleanup(coll.Close)
	for _, t := range p.Tables {
		contents := make([]byte, t.Bytes())
		copy(contents, tables[t.Name])
		if err := coll.Maps[t.Name].Put(uint32(0), contents); err != nil {
			b.Fatal(err)
		}
	}
	return coll.Programs[emit.ProgramName]
}

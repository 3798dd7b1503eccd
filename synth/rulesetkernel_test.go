package synth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

var testKernel = emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true}

// inKernel loads a program with the tables of a bed.
func inKernel(t testing.TB, b *bed, p *ir.Program) *ebpf.Collection {
	t.Helper()
	spec, err := emit.Spec(p, testKernel)
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(coll.Close)
	for name, contents := range b.env.Tables {
		if m := coll.Maps[name]; m != nil && uint32(len(contents)) == m.ValueSize() {
			if err := m.Put(uint32(0), contents); err != nil {
				t.Fatal(err)
			}
		}
	}
	return coll
}

// inNamespace runs a test in a namespace with nothing in it.
func inNamespace(t testing.TB, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Do(func() error { f(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestRulesetInKernel: the kernel runs programs of rulesets as Eval does, specialized or not, tallies included.
func TestRulesetInKernel(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for i := range rounds {
		six, seed := i%2 == 0, rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			text := router(t)
			if six {
				text = router6(t)
			}
			r := &ruler{Rand: rand.New(rand.NewPCG(seed, 7)), s: *parse(t, text), six: six}
			r.newRuleset()
			b := rulesetBed(t, r)
			inNamespace(t, func() {
				for _, p := range []*ir.Program{b.program, specialize.Run(b.program)} {
					b.program = p
					kernelAgrees(t, b, r, p)
				}
			})
		})
	}
}

func kernelAgrees(t *testing.T, b *bed, r *ruler, p *ir.Program) {
	coll := inKernel(t, b, p)
	tallied := map[uint64]ir.Tally{}
	for range 100 {
		frame := r.frame()
		b.env.Tallied = nil
		want := b.run(t, frame)
		out := make([]byte, len(frame))
		verdict, err := coll.Programs[emit.ProgramName].Run(&ebpf.RunOptions{Data: frame, DataOut: out})
		if err != nil {
			t.Fatal(err)
		}
		if (verdict == 4) != (want.Kind == ir.RedirectExit) || !bytes.Equal(out, want.Packet) {
			t.Fatalf("kernel: %d %x\nEval: %v %x\n%s\n%s", verdict, out, want, want.Packet, ruleText(&r.s), p)
		}
		for n, sum := range b.env.Tallied {
			tallied[n] = ir.Tally{Packets: tallied[n].Packets + sum.Packets, Bytes: tallied[n].Bytes + sum.Bytes}
		}
	}
	m := coll.Maps[tableTally]
	if m == nil {
		return
	}
	value, err := m.LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	half := len(value) / 2
	for n := uint64(1); n < uint64(half/ir.TallySize); n++ {
		at := value[n*ir.TallySize:]
		sum := func(i int) uint64 {
			return binary.NativeEndian.Uint64(at[i:]) + binary.NativeEndian.Uint64(at[half+i:])
		}
		if got := (ir.Tally{Packets: sum(0), Bytes: sum(8)}); got != tallied[n] {
			t.Errorf("tally %d: kernel %v, Eval %v", n, got, tallied[n])
		}
	}
}

// blocklist is a ruleset of rules `ip saddr A udp dport P counter drop`, none of which the router's packets match.
func blocklist(s *introspect.Snapshot, n int, count bool) {
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
	c := introspect.Chain{Key: key, Base: true, Type: "filter", Hook: 2, Policy: 1}
	for i := range n {
		r := &introspect.ChainRule{Handle: uint64(i + 2), Exprs: []introspect.Expr{
			introspect.Payload{DReg: 0, Base: 1, Offset: 12, Len: 4},
			introspect.Cmp{Data: introspect.Data(binary.BigEndian.AppendUint32(nil, 0xc6120000+uint32(i)))},
			introspect.Meta{Key: 16}, introspect.Cmp{Data: "\x11"},
			introspect.Payload{Base: 2, Offset: 2, Len: 2},
			introspect.Cmp{Data: introspect.Data(binary.BigEndian.AppendUint16(nil, uint16(1000+i%100)))}}}
		if count {
			r.Exprs = append(r.Exprs, introspect.Counter{})
		}
		r.Exprs = append(r.Exprs, code(introspect.VerdictDrop))
		c.Rules = append(c.Rules, r)
	}
	s.Chains = s.Chains.With(key, c)
	h := introspect.Hook{Kind: "nft", Name: "ip t c", Family: "ip"}
	s.Hooks = s.Hooks.With(introspect.Name(h.Name), h)
}

// BenchmarkRuleset is the cost of a packet that passes all rules of a blocklist, and what it takes to make its program.
func BenchmarkRuleset(b *testing.B) {
	for _, n := range []int{0, 1, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := *parse(b, router(b))
			if n > 0 {
				blocklist(&s, n, false)
			}
			inNamespace(b, func() {
				begin := time.Now()
				bed := rulesetBed(b, &ruler{s: s})
				p := specialize.Run(bed.program)
				made := time.Since(begin)
				coll := inKernel(b, bed, p)
				loaded := time.Since(begin) - made
				b.ResetTimer()
				_, each, err := coll.Programs[emit.ProgramName].Benchmark(datagram(), b.N, b.ResetTimer)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(each.Nanoseconds()), "ns/packet")
				b.ReportMetric(float64(made.Microseconds())/1000, "ms-made")
				b.ReportMetric(float64(loaded.Microseconds())/1000, "ms-loaded")
			})
		})
	}
}

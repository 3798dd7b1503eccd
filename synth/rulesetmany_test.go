package synth

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// manyRules is as many rules as an operator may have by accident: a list that was not made a set.
const manyRules = 100_000

// askWord asks for an address.
func askWord(offset, v uint32, size int) []introspect.Expr {
	data := introspect.Data(binary.BigEndian.AppendUint32(nil, v)[:size])
	return []introspect.Expr{introspect.Payload{Base: 1, Offset: offset, Len: uint32(size)}, introspect.Cmp{Data: data}}
}

// askPorts asks for a range of ports.
func askPorts(r *rand.Rand, offset uint32) []introspect.Expr {
	be := func(v uint32) introspect.Data { return introspect.Data(binary.BigEndian.AppendUint16(nil, uint16(v))) }
	lo := 5000 + r.Uint32N(1<<15)
	return []introspect.Expr{introspect.Payload{Base: 2, Offset: offset, Len: 2}, introspect.Range{From: be(lo), To: be(lo + r.Uint32N(5000))}}
}

// TestHundredThousandRules: a chain of as many rules is compiled, or left to the kernel for being too large, within bounds.
func TestHundredThousandRules(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	some := func(offset uint32) []introspect.Expr {
		return askWord(offset, 0xc6120000+r.Uint32N(1<<16), 1+r.IntN(4))
	}
	for _, c := range []struct {
		name string
		rule func(i uint32) []introspect.Expr
		want slowpath.Reason // of a packet that no rule matches
	}{
		{"list", func(i uint32) []introspect.Expr { return askWord(12, 0xc6120000+i, 4) }, slowpath.None},
		{"logged", func(i uint32) []introspect.Expr {
			return append(askWord(12, 0xc6120000+i, 4), introspect.Log{})
		}, slowpath.None},
		{"counted", func(i uint32) []introspect.Expr {
			return append(askWord(12, 0xc6120000+i, 4), introspect.Counter{})
		}, slowpath.None},
		{"ranges", func(uint32) []introspect.Expr { return askPorts(r, 2) }, slowpath.None},
		{"mixed", func(i uint32) []introspect.Expr {
			return [][]introspect.Expr{askWord(12, 0xc6120000+i, 4), askWord(16, 0xc6120000+i, 4), askPorts(r, 0), askPorts(r, 2)}[i%4]
		}, slowpath.RulesetLarge},
		{"fields", func(uint32) []introspect.Expr {
			return append(append(some(12), some(16)...), append(askPorts(r, 0), askPorts(r, 2)...)...)
		}, slowpath.RulesetLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := *parse(t, router(t))
			blocklist(&s, 0, false)
			manyAre(&s, func(i uint32) []introspect.Expr { return append(c.rule(i), code(introspect.VerdictDrop)) })
			verdictWithin(t, &s, c.want)
		})
	}
}

// TestHundredThousandJumps: as many rules in chains that each lead to the next one, many times, are cut off, and so is the way
// of a packet that meets them.
func TestHundredThousandJumps(t *testing.T) {
	s := *parse(t, router(t))
	blocklist(&s, 0, false)
	const layers = 15
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	for n := range layers {
		next := introspect.Verdict{Code: introspect.VerdictJump, Chain: string(rune('d' + n))}
		if n == layers-1 {
			next = introspect.Verdict{Code: introspect.VerdictReturn}
		}
		c, _ := s.Chains.Get(key)
		c.Key = key
		for i := range manyRules / layers {
			c.Rules = append(c.Rules, &introspect.ChainRule{Handle: uint64(n*manyRules + i + 2), Exprs: append(askWord(16, 0xc0000200, 3), next)})
		}
		s.Chains = s.Chains.With(key, c)
		key.Name = next.Chain
	}
	verdictWithin(t, &s, slowpath.RulesetLarge)
	if w, ok := Walk(&s, 2, datagram(), nil); !ok || w.End != filter.Undecided || len(w.Visits) < manyRules || len(w.Visits) > 1<<19 {
		t.Errorf("%v after %d visits", w.End, len(w.Visits))
	}
}

// manyAre gives the chain of a blocklist rules.
func manyAre(s *introspect.Snapshot, rule func(i uint32) []introspect.Expr) {
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	c, _ := s.Chains.Get(key)
	for i := range uint32(manyRules) {
		c.Rules = append(c.Rules, &introspect.ChainRule{Handle: uint64(i + 2), Exprs: rule(i)})
	}
	s.Chains = s.Chains.With(key, c)
}

// verdictWithin makes a program within bounds, of which it wants that it leaves a packet to the kernel for a Reason, or forwards it.
func verdictWithin(t *testing.T, s *introspect.Snapshot, want slowpath.Reason) {
	t.Helper()
	const mostAllocated, mostTables, mostText = 3 << 29, 16 << 20, 1 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := rulesetBed(t, &ruler{s: *s})
	runtime.ReadMemStats(&after)
	tables, allocated := 0, after.TotalAlloc-before.TotalAlloc
	for _, table := range b.program.Tables {
		tables += len(table.Data)
	}
	if text := len(b.program.String()); allocated > mostAllocated || tables > mostTables || text > mostText {
		t.Errorf("%d MiB allocated, tables of %d bytes, a program of %d characters", allocated>>20, tables, text)
	}
	v, err := ir.Eval(b.program, b.env, datagram())
	if forwarded := v.Kind == ir.RedirectExit; err != nil || v.Reason != want || forwarded != (want == slowpath.None) {
		t.Errorf("%v, %v, %v; want %v", v.Kind, v.Reason, err, want)
	}
	t.Logf("%d MiB allocated, %d KiB of tables: %v", allocated>>20, tables>>10, v.Reason)
}

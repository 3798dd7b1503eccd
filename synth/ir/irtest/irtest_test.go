package irtest

import (
	"testing"

	"github.com/hone-net/hone/synth/ir"
)

// TestProgramsAreWellFormedAndVary makes sure that the random programs keep the rules, round-trip as text, use the whole
// language, and that packets get every kind of verdict.
func TestProgramsAreWellFormedAndVary(t *testing.T) {
	kinds, ops, reasons := map[ir.ExitKind]int{}, map[ir.Op]int{}, map[string]int{}
	for seed := range uint64(2000) {
		r := New(seed)
		p := Program(r, Options{Blocks: 1 + r.IntN(20)})
		if err := ir.Check(p); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, p)
		}
		if q, err := ir.Parse(p.String()); err != nil || q.String() != p.String() || ir.Check(q) != nil {
			t.Fatalf("seed %d: parse: %v\n%s", seed, err, p)
		}
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				ops[v.Op]++
			}
		}
		env := Env(r, p)
		for range 10 {
			v, err := ir.Eval(p, env, Packet(r, p))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, p)
			}
			kinds[v.Kind]++
			reasons[v.Reason.String()]++
		}
	}
	t.Logf("kinds %v, %d reasons, %d operations: %v", kinds, len(reasons), len(ops), ops)
	if kinds[ir.Punt] < 2000 || kinds[ir.RedirectExit] < 2000 || kinds[ir.Abort] < 50 || len(ops) < 24 || len(reasons) < 40 {
		t.Error("verdicts or operations do not vary")
	}
}

package specialize

import (
	"bytes"
	"flag"
	"maps"
	"slices"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

var (
	programs = flag.Int("specialize.programs", 1500, "random programs to compare")
	first    = flag.Uint64("specialize.seed", 1, "seed of the first random program")
)

func TestConstraintsHold(t *testing.T) {
	place := func(name string) int {
		return slices.IndexFunc(passes, func(p pass) bool { return p.name == name })
	}
	for _, c := range constraints {
		if a, b := place(c.before), place(c.after); a < 0 || b < 0 || a >= b || c.why == "" {
			t.Errorf("%s stands at %d, %s at %d: %s", c.before, a, c.after, b, c.why)
		}
	}
}

// TestRunSettles makes sure that the passes come to an end: a second run finds next to nothing to improve. Equal programs
// give equal ones, so that nothing is swapped for nothing.
func TestRunSettles(t *testing.T) {
	const programs = 300
	settled := 0
	for seed := range uint64(programs) {
		r := irtest.New(seed)
		p := irtest.Program(r, irtest.Options{})
		once := Run(p)
		if Run(p.Clone()).String() != once.String() {
			t.Fatalf("seed %d: equal programs differ afterwards:\n%s", seed, p)
		}
		if Run(once).String() == once.String() {
			settled++
		}
	}
	if settled < programs*95/100 {
		t.Errorf("%d of %d programs settle", settled, programs)
	}
}

// TestPassesKeepTheMeaning compares random programs before and after each pass, and all passes together.
func TestPassesKeepTheMeaning(t *testing.T) {
	verdicts := map[ir.ExitKind]int{}
	before, after := 0, 0
	for n := range uint64(*programs) {
		seed := *first + n
		r := irtest.New(seed)
		p := irtest.Program(r, irtest.Options{Blocks: 1 + r.IntN(16)})
		envs := []*ir.Env{irtest.Env(r, p), irtest.Env(r, p)}
		var packets [][]byte
		for range 6 {
			packets = append(packets, irtest.Packet(r, p))
		}
		one := func(name string, q *ir.Program) {
			if err := ir.Check(q); err != nil {
				t.Fatalf("seed %d: after %s: %v\n%s\nfrom\n%s", seed, name, err, q, p)
			}
			for i, env := range envs {
				for j, pkt := range packets {
					kind := compare(t, p, q, env, pkt)
					if t.Failed() {
						t.Fatalf("seed %d, environment %d, packet %d %x: after %s\n%s\nfrom\n%s", seed, i, j, pkt, name, q, p)
					}
					verdicts[kind]++
				}
			}
		}
		q := p.Clone()
		for _, pass := range passes {
			pass.run(q)
			one(pass.name, q)
		}
		q = Run(p)
		one("all", q)
		before, after = before+size(p), after+size(q)
	}
	t.Logf("verdicts %v, %d values became %d", verdicts, before, after)
	if min(verdicts[ir.Punt], verdicts[ir.RedirectExit]) < 20**programs {
		t.Error("verdicts do not vary")
	}
}

func size(p *ir.Program) int {
	n := 0
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op != ir.OpConst {
				n++
			}
		}
	}
	return n
}

// bounds tells whether a Bound of the program punts for the Reason.
func bounds(p *ir.Program, r slowpath.Reason) bool {
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpBound && v.Reason == r {
				return true
			}
		}
	}
	return false
}

// compare runs both programs. The Reason of a frame that is too short for one of them may differ.
func compare(t *testing.T, p, q *ir.Program, env *ir.Env, pkt []byte) ir.ExitKind {
	ea, eb := *env, *env
	a, err := ir.Eval(p, &ea, pkt)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ir.Eval(q, &eb, pkt)
	if err != nil {
		t.Errorf("error: %v", err)
	}
	if a.Kind != b.Kind || a.Oif != b.Oif || a.Reason != b.Reason && !bounds(q, b.Reason) || !bytes.Equal(a.Packet, b.Packet) {
		t.Errorf("verdict %v, then %v", a, b)
	}
	if !maps.Equal(ea.Tallied, eb.Tallied) {
		t.Errorf("tallied %v, then %v", ea.Tallied, eb.Tallied)
	}
	if ea.Account != eb.Account {
		t.Errorf("accounts %v, then %v", ea.Account, eb.Account)
	}
	if ea.Kept != eb.Kept {
		t.Errorf("%d kept, then %d", ea.Kept, eb.Kept)
	}
	if ea.Counts != eb.Counts || !slices.Equal(ea.Marks, eb.Marks) {
		t.Errorf("counts %v marks %v, then %v %v", ea.Counts, ea.Marks, eb.Counts, eb.Marks)
	}
	return a.Kind
}

package specialize

import (
	"testing"

	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

// FuzzRun takes any text that is a well-formed program: it must stay well-formed, and mean the same for the packet. A
// program that the environment does not fit is of no interest.
func FuzzRun(f *testing.F) {
	for seed := range uint64(20) {
		r := irtest.New(seed)
		p := irtest.Program(r, irtest.Options{Blocks: 4})
		f.Add(p.String(), irtest.Packet(r, p), seed)
	}
	f.Fuzz(func(t *testing.T, text string, pkt []byte, seed uint64) {
		p, err := ir.Parse(text)
		if err != nil || ir.Check(p) != nil {
			return
		}
		size := 0
		for _, table := range p.Tables {
			size += table.Bytes()
		}
		if size > 1<<18 {
			return
		}
		q := Run(p)
		if err := ir.Check(q); err != nil {
			t.Fatalf("%v\n%s\nfrom\n%s", err, q, p)
		}
		env := irtest.Env(irtest.New(seed), p)
		if _, err := ir.Eval(p, env, pkt); err == nil {
			env.Counts, env.Marks, env.Tallied = [ir.NumCounters]uint64{}, nil, nil
			if compare(t, p, q, env, pkt); t.Failed() {
				t.Fatalf("%s\nfrom\n%s", q, p)
			}
		}
	})
}

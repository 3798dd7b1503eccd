package specialize

import "github.com/hone-net/hone/synth/ir"

// pass rewrites a program into one that gives the same verdicts. A pass cannot fail: what it does not know how to
// improve it leaves alone.
type pass struct {
	name string
	run  func(*ir.Program)
}

// passes in the order in which they run; constraints says why.
var passes = []pass{
	{"straighten", straighten},
	{"inline", inline},
	{"fold", fold},
	{"cse", cse},
	{"guard", guard},
	{"bound", bound},
	{"narrow", narrow},
	{"sieve", sieve},
	{"sink", sink},
	{"dead", dead},
}

// constraint says that a pass stands before another, and why.
type constraint struct{ before, after, why string }

var constraints = []constraint{
	{"straighten", "guard", "branches that only punt become guards, which settle what is below them"},
	{"straighten", "bound", "a Bound is widened for what follows in the same block"},
	{"inline", "fold", "the masks of host prefixes fold away"},
	{"fold", "cse", "constants on one side make equal values look equal"},
	{"cse", "guard", "conditions on equal values are recognized by the value"},
	{"guard", "narrow", "facts are known about values, before compares mask and swap them"},
	{"cse", "sink", "what two arms compute is one value above them, and stays there"},
	{"narrow", "sieve", "the constants are those that are compared in the end"},
	{"inline", "sieve", "sets become the guards that a sieve gathers"},
	{"narrow", "sink", "a constant that was swapped moves with its compare"},
	{"sink", "dead", "what has sunk into an arm that was left alone is still of use"},
}

// mostRounds bounds how often the passes run over a program: each round can make something that another pass improves.
const mostRounds = 6

// Run gives a program that does the same for every packet, for less. The program p is unchanged.
func Run(p *ir.Program) *ir.Program {
	q := p.Clone()
	text := ""
	for range mostRounds {
		for _, pass := range passes {
			pass.run(q)
		}
		number(q)
		now := q.String()
		if now == text {
			break
		}
		text = now
	}
	return q
}

// number numbers the values in their order, so that equal programs read the same.
func number(p *ir.Program) {
	n := 0
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			v.ID = n
			n++
		}
	}
}

package filter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hone-net/hone/introspect"
)

// Trial is a packet whose way through the ruleset is told.
type Trial struct {
	Value func(Stage, Field) (uint64, bool) // false: it is not known
	Bytes int                               // behind the header
	// Translate tells what a rule of a chain that translates addresses does to it; nil: it meets none of these chains.
	Translate func(Translation) Translated
}

// Visit is a rule that a packet met, or the policy at the end of a base chain.
type Visit struct {
	Stage   Stage
	Chain   introspect.ChainKey
	Rule    *introspect.ChainRule // nil: the policy
	Matches bool
	Outcome string // in words; empty of a rule that does not match
}

// End is where the way of a packet through the ruleset ends.
type End uint8

// The ends.
const (
	Passes    End = iota // every base chain accepts the packet
	Drops                // a rule or a policy drops it
	Undecided            // only the kernel can tell from the last rule on
	Stays                // its route leads to no other host: the chains of forwarded packets are not asked
)

// String is the end in a word.
func (e End) String() string {
	return [...]string{"accepted", "dropped", "left to the kernel", "accepted, and not forwarded"}[e]
}

// walker follows one packet. It does what the rules say, one after the other.
type walker struct {
	*Path
	trial  Trial
	stage  Stage
	visits []Visit
	depth  int
	values []introspect.Data // that the rule has looked up
	found  *Translated       // what a chain has found to translate
}

// mostDeep bounds the chains that lead to each other: the kernel takes no ruleset with a loop, a text may have one.
const mostDeep = 64

// mostVisits bounds the rules that one packet is told to meet: chains that jump often to each other make far more of few rules.
const mostVisits = 1 << 18

// Walk tells which rules of some hooks a packet meets, and the Path of what follows: another one once a rule says that the packet is
// not tracked. What it meets behind the tracking is told as if it were: of others, the Trial is to be for the Untracked Path.
func (p *Path) Walk(t Trial, hooks ...uint32) ([]Visit, End, *Path) {
	w := &walker{Path: p, trial: t}
	for _, hook := range hooks {
		if end := w.hook(hook); end != Passes {
			return w.visits, end, w.Path
		}
	}
	return w.visits, Passes, w.Path
}

func (w *walker) hook(hook uint32) End {
	var nat []*body
	if w.trial.Translate != nil {
		nat = w.translating(hook)
	}
	for i := range w.chains() {
		b := w.chains()[i] // of another Path once the packet is not tracked
		if b.at.hook != hook {
			continue
		}
		if len(nat) > 0 && b.at.priority >= nat[0].at.priority {
			if end := w.translate(nat); end != Passes {
				return end
			}
			nat = nil
		}
		w.stage = b.at.stage()
		if end := w.base(b); end != Passes {
			return end
		}
	}
	return w.translate(nat)
}

// chains are all base chains, in order.
func (p *Path) chains() []*body { return slices.Concat(p.early, p.bases) }

func (w *walker) base(b *body) End {
	table, _ := w.snapshot.Tables.Get(b.chain.Key.Of())
	if u := slices.Concat(b.chain.Unknown, table.Unknown); len(u) > 0 {
		w.visits = append(w.visits, Visit{w.stage, b.chain.Key, nil, true, "not understood: " + u[0]})
		return Undecided
	}
	switch w.chain(b) {
	case introspect.VerdictAccept:
		return Passes
	case introspect.VerdictDrop:
		return Drops
	case introspect.VerdictContinue:
	default:
		return Undecided
	}
	policy, end := "policy drop", Drops
	if b.chain.Policy == policyAccept {
		policy, end = "policy accept", Passes
	}
	w.visits = append(w.visits, Visit{w.stage, b.chain.Key, nil, true, policy})
	return end
}

// unknown is the code of a chain in which only the kernel can tell what becomes of the packet.
const unknown int32 = -100

// chain gives accept, drop, unknown, or at the end of the chain continue.
func (w *walker) chain(b *body) int32 {
	if w.depth++; w.depth > mostDeep {
		return unknown
	}
	defer func() { w.depth-- }()
	left, path := b.rules, w.Path
	for _, r := range b.chain.Rules {
		if len(w.visits) >= mostVisits {
			return unknown
		}
		w.visits = append(w.visits, Visit{Stage: w.stage, Chain: b.chain.Key, Rule: r})
		if len(left) == 0 || left[0].from != r {
			continue // it matches no packet of this ingress
		}
		at := len(w.visits) - 1
		v, outcome, matches := w.rule(left[0])
		left = left[1:]
		w.visits[at].Outcome, w.visits[at].Matches = outcome, matches
		code, ends := w.follow(b, v)
		if ends {
			return code
		}
		if w.Path != path { // the packet is another from here on
			path, b = w.Path, w.body(b.chain, b.at)
			left = b.behind(r)
		}
	}
	return introspect.VerdictContinue
}

// follow does what a verdict says; it tells whether the chain ends.
func (w *walker) follow(b *body, v introspect.Verdict) (code int32, ends bool) {
	switch v.Code {
	case introspect.VerdictContinue, introspect.VerdictBreak:
		return 0, false
	case introspect.VerdictReturn:
		return introspect.VerdictContinue, true
	case introspect.VerdictJump, introspect.VerdictGoto:
		target, ok := w.target(b, v)
		if !ok {
			return unknown, true
		}
		code := w.chain(target)
		return code, code != introspect.VerdictContinue || v.Code == introspect.VerdictGoto
	case introspect.VerdictAccept, introspect.VerdictDrop:
		return v.Code, true
	}
	return unknown, true
}

// rule does what a rule says.
func (w *walker) rule(r rule) (v introspect.Verdict, outcome string, matches bool) {
	goOn, stop := introspect.Verdict{Code: introspect.VerdictContinue}, introspect.Verdict{Code: unknown}
	w.values = w.values[:0]
	for i, s := range r.steps {
		switch s.kind {
		case stepTest:
			n, known := w.boxOf(s.test.in)
			if !known && !slices.ContainsFunc(r.steps[i:], step.does) {
				return goOn, outcome, matches
			}
			if !known {
				return stop, "asks for what is not known of the packet", true
			}
			if (n < 0) != s.test.not {
				return goOn, outcome, matches
			}
		case stepReach:
			switch {
			case w.trial.Bytes >= s.bytes:
			case s.drops:
				return introspect.Verdict{Code: introspect.VerdictDrop}, "drops what is too short for it", true
			default:
				return goOn, outcome, matches
			}
		case stepUntrack:
			w.Path = w.Path.untracked
			outcome, matches = "notrack", true
		case stepCount:
			outcome, matches = cmp.Or(s.cause, "counts"), true
		case stepDecide:
			return s.verdicts[0], verdictText(s.verdicts[0]), true
		case stepChoose:
			return w.choose(s)
		case stepValue, stepTranslate:
			v, said, goesOn := w.nat(s)
			if !goesOn && said == "" {
				return v, outcome, matches
			}
			if !goesOn {
				return v, said, true
			}
		case stepLeave:
			return stop, fmt.Sprintf("%s: %s", s.cause, s.reason.Doc()), true
		}
	}
	if outcome == "" {
		outcome = "matches"
	}
	return goOn, outcome, true
}

// choose looks into a verdict map.
func (w *walker) choose(s step) (v introspect.Verdict, outcome string, matches bool) {
	n, known := w.boxOf(s.choice)
	switch {
	case !known:
		return introspect.Verdict{Code: unknown}, "asks for what is not known of the packet", true
	case n >= 0:
		v = s.verdicts[s.choice.of[n]]
	case s.rest != nil:
		v = *s.rest
	default:
		return introspect.Verdict{Code: introspect.VerdictContinue}, "", false
	}
	return v, verdictText(v), true
}

// boxOf is the first box of a region that the packet is in, -1 if it is in none; known is false where that cannot be told.
func (w *walker) boxOf(r *region) (n int, known bool) {
	if !w.whole(r.keys) {
		return -1, false
	}
	numbers := make([]uint64, len(r.keys))
	for i, k := range r.keys {
		v, ok := w.trial.Value(w.stage, k.Field)
		if !ok {
			return -1, false
		}
		numbers[i] = v & k.Mask
	}
	for n, b := range r.boxes {
		if b.has(numbers) {
			return n, true
		}
	}
	return -1, true
}

var verdictNames = map[int32]string{introspect.VerdictDrop: "drop", introspect.VerdictAccept: "accept", introspect.VerdictContinue: "continue",
	introspect.VerdictBreak: "break", introspect.VerdictJump: "jump", introspect.VerdictGoto: "goto", introspect.VerdictReturn: "return"}

func verdictText(v introspect.Verdict) string {
	name, ok := verdictNames[v.Code]
	switch {
	case !ok:
		return fmt.Sprintf("verdict %d", v.Code)
	case v.Chain != "":
		return name + " " + v.Chain
	}
	return name
}

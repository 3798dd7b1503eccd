package filter

import (
	"fmt"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Stage is where in the path of packets rules ask for a Field.
type Stage struct {
	Hook     uint32 // NF_INET_*
	Priority int32
	NAT      bool // of the chains that say what to translate there
}

// Packet is what a program knows of the packet that it has in hand.
type Packet struct {
	Builder *ir.Builder
	Prefix  string // of the names of blocks
	// Reach leaves packets with fewer bytes behind the header to the kernel.
	Reach func(bytes int)
	// Steps is how many steps of rules are written; what follows is the kernel's.
	Steps int
	// Tally is the number of a counter; false if it is not counted, so that its packets are the kernel's.
	Tally func(CounterID) (number uint64, ok bool)
	// Value reads a field as it is at a stage, in the block that is being written; nil if the program cannot tell.
	Value func(Stage, Field) *ir.Value
}

// maxDepth is how many chains may jump to each other, as in the kernel.
const maxDepth = 16

// writer writes the rules of a path.
type writer struct {
	*ir.Builder
	path    *Path
	packet  Packet
	stage   Stage
	blocks  int
	written int
	depth   int
}

// label is a block that some place may jump to.
type label struct {
	block *ir.Block
	used  bool
	twin  *label // the same place for packets that are not tracked; nil until somebody jumps there
}

// Write appends the chains to a program: what follows is for packets that all of them accept. It tells whether there
// are any; packets that something drops, or that nobody can tell about, are left to the kernel.
func (p *Path) Write(packet Packet) (goesOn bool) {
	w := &writer{Builder: packet.Builder, path: p, packet: packet}
	for _, b := range p.bases {
		w.stage = b.at.stage()
		if !w.base(b) {
			return false
		}
	}
	return true
}

// policyAccept is the policy of a base chain that lets packets pass (NF_ACCEPT).
const policyAccept = 1

// base writes a base chain; what follows is for packets that it accepts.
func (w *writer) base(b *body) bool {
	accepted, end := w.label(), w.label()
	w.body(b, way{accepted, end})
	w.policy(b, way{accepted, end})
	return w.start(accepted)
}

// policy writes what becomes of packets at the end of a base chain.
func (w *writer) policy(b *body, to way) {
	if !w.start(to.end) {
		return
	}
	if b.chain.Policy == policyAccept && (!b.chain.Counts || w.count(policyCounter(w.path.snapshot, b.chain.Key))) {
		w.jump(to.accepted)
	} else if b.chain.Policy != policyAccept {
		w.punt(slowpath.RulesetDrop)
	}
}

// start goes on at a label; false if nothing jumps there.
func (w *writer) start(l *label) bool {
	if l == nil || !l.used {
		return false
	}
	w.Start(l.block)
	return true
}

// way is where packets go from a chain: once it is accepted, and at the end of the chain.
type way struct{ accepted, end *label }

func (w *writer) label() *label {
	w.blocks++
	return &label{block: w.NewBlock(fmt.Sprintf("%s-%d", w.packet.Prefix, w.blocks))}
}

func (w *writer) jump(l *label) {
	l.used = true
	w.Jump(l.block)
}

func (w *writer) punt(r slowpath.Reason) { w.Punt(r) }

// body writes the rules of a chain, beginning in the current block.
func (w *writer) body(b *body, to way) {
	if w.depth++; w.depth > maxDepth {
		w.punt(slowpath.RulesetLarge)
		w.depth--
		return
	}
	defer func() { w.depth-- }()
	var nexts []passed
	for i := 0; i < len(b.rules); {
		next := w.label()
		if r := b.run(i); r.length > 0 {
			w.run(b, r, next, to)
			i += r.length
		} else {
			w.rule(b, b.rules[i], next, to)
			i++
		}
		if next.twin != nil {
			nexts = append(nexts, passed{b.rules[i-1].from, next.twin})
		}
		if !w.start(next) {
			w.rest(b, nexts, to)
			return
		}
	}
	w.jump(to.end)
	w.rest(b, nexts, to)
}

// rule writes a rule; packets that it lets pass go to next.
func (w *writer) rule(b *body, r rule, next *label, to way) {
	for i, s := range r.steps {
		if w.written++; w.written > w.packet.Steps {
			w.punt(slowpath.RulesetLarge)
			return
		}
		switch s.kind {
		case stepTest:
			if !w.test(s.test, next) {
				return
			}
		case stepReach:
			w.packet.Reach(s.bytes)
		case stepUntrack:
			r.steps = r.steps[i+1:]
			w.asUntracked(func() { w.rule(b, r, w.twin(next), w.twins(to)) })
			return
		case stepCount:
			if !w.count(s.counter) {
				return
			}
		case stepDecide:
			w.verdict(b, s.verdicts[0], next, to)
			return
		case stepChoose:
			w.choose(b, s, next, to)
			return
		case stepLeave:
			w.punt(s.reason)
			return
		}
	}
	w.jump(next)
}

// count counts the packet, should it be forwarded; false if that is not done, and the packet is the kernel's.
func (w *writer) count(id CounterID) bool {
	number, ok := w.packet.Tally(id)
	if !ok {
		w.punt(slowpath.RulesetAction)
		return false
	}
	w.Hit(w.Const(number), slowpath.RulesetLarge)
	return true
}

// verdict ends a block.
func (w *writer) verdict(b *body, v introspect.Verdict, next *label, to way) {
	switch v.Code {
	case introspect.VerdictAccept:
		w.jump(to.accepted)
	case introspect.VerdictReturn:
		w.jump(to.end)
	case introspect.VerdictBreak:
		w.jump(next)
	case introspect.VerdictDrop:
		w.punt(slowpath.RulesetDrop)
	case introspect.VerdictJump, introspect.VerdictGoto:
		target, ok := w.path.target(b, v)
		if !ok {
			w.punt(slowpath.RulesetAction)
			return
		}
		end := next
		if v.Code == introspect.VerdictGoto {
			end = to.end
		}
		w.body(target, way{to.accepted, end})
	default:
		w.punt(slowpath.RulesetAction)
	}
}

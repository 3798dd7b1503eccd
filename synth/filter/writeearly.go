package filter

import (
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// WriteEarly appends the chains before the tracking, where they say which packets are not tracked: what follows is for those
// that all of them accept and that are tracked. It tells whether there are any. The block is where the others go on, all of
// whose rules that far have been asked, too; it is to be started. Nil: there are none.
func (p *Path) WriteEarly(packet Packet) (goesOn bool, others *ir.Block) {
	w := &writer{Builder: packet.Builder, path: p, packet: packet}
	goesOn = true
	var aside *label // packets that are not tracked
	for i, b := range p.early {
		w.stage = b.at.stage()
		to := way{w.label(), w.label()}
		if goesOn {
			w.body(b, to)
			w.policy(b, to)
		}
		w.asUntracked(func() {
			same := p.untracked.early[i]
			if w.start(aside) {
				w.body(same, w.twins(to))
			}
			if to.end.twin != nil {
				w.policy(same, w.twins(to))
			}
		})
		goesOn, aside = w.start(to.accepted), to.accepted.twin
	}
	if aside != nil && aside.used {
		others = aside.block
	}
	return goesOn, others
}

// asUntracked writes for packets that are not tracked.
func (w *writer) asUntracked(write func()) {
	path := w.path
	w.path = path.untracked
	write()
	w.path = path
}

// twin is the label where packets that are not tracked go instead.
func (w *writer) twin(l *label) *label {
	if l.twin == nil {
		l.twin = w.label()
	}
	return l.twin
}

func (w *writer) twins(to way) way { return way{w.twin(to.accepted), w.twin(to.end)} }

// passed is where packets go on that are not tracked from some rule of a chain on.
type passed struct {
	rule *introspect.ChainRule
	next *label
}

// rest writes what is left of a chain for such packets.
func (w *writer) rest(b *body, from []passed, to way) {
	if !slices.ContainsFunc(from, func(p passed) bool { return p.next.used }) {
		return
	}
	w.asUntracked(func() {
		same := w.path.body(b.chain, b.at)
		w.from(same, same.places(from), w.twins(to))
	})
}

// places tells for the rules of a chain which labels stand before them.
func (b *body) places(from []passed) map[int][]*label {
	all := map[int][]*label{}
	for _, p := range from {
		if at := len(b.rules) - len(b.behind(p.rule)); p.next.used {
			all[at] = append(all[at], p.next)
		}
	}
	return all
}

// behind is the rules behind one that may have been left out.
func (b *body) behind(r *introspect.ChainRule) []rule {
	nth := map[*introspect.ChainRule]int{}
	for i, r := range b.chain.Rules {
		nth[r] = i
	}
	for i := range b.rules {
		if nth[b.rules[i].from] > nth[r] {
			return b.rules[i:]
		}
	}
	return nil
}

// from is body for packets that come in where labels stand.
func (w *writer) from(b *body, labels map[int][]*label, to way) {
	inside := false // a block is being written
	enter := func(i int) {
		for _, l := range labels[i] {
			if inside {
				w.Jump(l.block)
			}
			w.Start(l.block)
			inside = true
		}
	}
	for i := range b.rules {
		if enter(i); !inside {
			continue
		}
		next := w.label()
		w.rule(b, b.rules[i], next, to)
		inside = w.start(next)
	}
	if enter(len(b.rules)); inside {
		w.jump(to.end)
	}
}

package filter

import "github.com/hone-net/hone/introspect"

// choose writes a verdict map.
func (w *writer) choose(b *body, s step, next *label, to way) {
	values, ok := w.values(s.choice.keys)
	if !ok {
		return
	}
	ends := ends{}
	d := decision{region: s.choice, leaves: make([]leaf, len(s.verdicts))}
	for i, v := range s.verdicts {
		d.leaves[i].to = ends.add(w, end{verdict: v})
	}
	none := next
	if s.rest != nil {
		none = w.label()
	}
	d.to = ends.labels
	w.decide(d, values, none)
	ends.write(w, b, next, to)
	if s.rest != nil && none.used {
		w.Start(none.block)
		w.verdict(b, *s.rest, next, to)
	}
}

// end is what becomes of packets: a verdict, or with leave, they are the kernel's.
type end struct {
	verdict introspect.Verdict
	leave   step
}

// ends collects the different ends that a decision leads to.
type ends struct {
	all    []end
	labels []*label
}

// add gives the number of an end.
func (e *ends) add(w *writer, one end) int {
	for i, old := range e.all {
		if old.verdict == one.verdict && old.leave.reason == one.leave.reason {
			return i
		}
	}
	e.all, e.labels = append(e.all, one), append(e.labels, w.label())
	return len(e.all) - 1
}

// write writes the ends that something leads to.
func (e *ends) write(w *writer, b *body, next *label, to way) {
	for i, l := range e.labels {
		if !l.used {
			continue
		}
		w.Start(l.block)
		if e.all[i].leave.reason != 0 {
			w.punt(e.all[i].leave.reason)
			continue
		}
		w.verdict(b, e.all[i].verdict, next, to)
	}
}

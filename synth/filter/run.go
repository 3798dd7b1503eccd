package filter

import (
	"math"
	"slices"

	"github.com/hone-net/hone/introspect"
)

// leastRun is the number of boxes from which on rules are decided together.
const leastRun = 8

// mostKeys bounds the keys that rules are decided by together, mostReach the bytes behind the header that these may lie
// in: packets that have not got as many are left to the kernel, whatever they are.
const (
	mostKeys   = 6
	mostReach  = 4
	mostRegion = 64 // boxes of one rule
)

// run is rules in a row each of which ends the way of the packets that match it: the first one decides.
type run struct {
	length  int // rules
	reach   int
	keys    []Key
	members []member
	merged  *region // the boxes of all members, in their order; of names the member
}

// member is a rule of a run.
type member struct {
	in    *region
	ends  []end // by the numbers of the region
	count *CounterID
}

// run is the run that begins with a rule of a chain.
func (b *body) run(first int) *run {
	if r, ok := b.runs[first]; ok {
		return r
	}
	r := runFrom(b.rules[first:])
	r.merged = &region{keys: r.keys}
	for n, m := range r.members {
		for _, bx := range m.in.within(r.keys) {
			r.merged.boxes, r.merged.of = append(r.merged.boxes, bx), append(r.merged.of, n)
		}
	}
	b.runs[first] = &r
	return &r
}

// runFrom collects the rules from the first one of some on that can be decided together.
func runFrom(rules []rule) (all run) {
	boxes := 0
	for _, r := range rules {
		m, reach, ok := r.member()
		if !ok {
			break
		}
		keys := slices.Clone(all.keys)
		for _, k := range m.in.keys {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
		if len(keys) > mostKeys || twice(keys) {
			break
		}
		boxes += len(m.in.boxes)
		all.keys, all.reach, all.length = keys, max(all.reach, reach), all.length+1
		all.members = append(all.members, m)
	}
	if boxes < leastRun || all.length < 2 {
		return run{}
	}
	return all
}

// member tells whether a rule can be one of a run: tests of what is always known, perhaps a counter, and an end.
func (r rule) member() (m member, reach int, ok bool) {
	m = member{in: &region{boxes: []box{{}}, of: []int{0}}}
	for i := range r.steps {
		s, last := &r.steps[i], i == len(r.steps)-1
		switch s.kind {
		case stepReach:
			reach = max(reach, s.bytes)
		case stepTest:
			in, ok := s.test.positive()
			if m.count != nil || !ok || !m.meet(in) {
				return m, 0, false
			}
		case stepCount:
			if m.count != nil {
				return m, 0, false
			}
			m.count = &s.counter
		case stepDecide:
			m.ends = []end{{verdict: s.verdicts[0]}}
			last = last && s.verdicts[0].Code != introspect.VerdictJump // packets may come back, to the next rule
			return m, reach, last && reach <= mostReach && len(m.in.keys) > 0
		case stepLeave:
			m.ends = []end{{leave: *s}}
			return m, reach, last && reach <= mostReach && len(m.in.keys) > 0
		case stepChoose, stepUntrack:
			return m, 0, false
		}
	}
	return m, 0, false // it decides nothing
}

// meet narrows a member's region to what lies in another one, too.
func (m *member) meet(o *region) bool {
	keys := slices.Clone(m.in.keys)
	for _, k := range o.keys {
		if k.Field.Base == Conn || k.Field == FieldSum || k.Field.AsksBack() {
			return false // it may not be known, and what others ask for is
		}
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	both := &region{keys: keys}
	for _, a := range m.in.within(keys) {
		for _, b := range o.within(keys) {
			if c, ok := a.meet(b); ok {
				both.boxes, both.of = append(both.boxes, c), append(both.of, 0)
			}
		}
	}
	m.in = both
	return len(both.boxes) <= mostRegion
}

// run writes a run; packets that match none of its rules go to next.
func (w *writer) run(b *body, r *run, next *label, to way) {
	if r.reach > 0 {
		w.packet.Reach(r.reach)
	}
	values, ok := w.values(r.keys)
	if !ok {
		return
	}
	var e ends
	d := decision{region: r.merged}
	for _, m := range r.members {
		l := leaf{to: e.add(w, m.ends[0])}
		if m.count != nil && forwards(m.ends[0]) {
			number, ok := w.packet.Tally(*m.count)
			if !ok || number > math.MaxUint32 {
				l = leaf{to: e.add(w, end{leave: unable})}
			}
			l.hit = number
		}
		d.leaves = append(d.leaves, l)
	}
	d.to = e.labels
	w.decide(d, values, next)
	e.write(w, b, next, to)
}

// forwards tells whether packets may go on from an end.
func forwards(e end) bool { return e.leave.reason == 0 && e.verdict.Code != introspect.VerdictDrop }

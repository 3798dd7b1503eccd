package agent

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
)

// survey decides for each interface that a change may concern, and leaves its program to be made. It tells whether it had
// to look at anything but routes, neighbours and entries of bridges.
func (a *Agent) survey(old, s *introspect.Snapshot, reshaped bool) (again bool) {
	again = old == nil || reshaped || !sameButRoutes(old, s)
	concerned, all := map[introspect.Index]bool(nil), old == nil || reshaped
	if again && !all {
		concerned, all = synth.Concerned(old, s)
	}
	shape := a.fib.Shape()
	for index, link := range s.Links.All() {
		f := a.faces[index]
		if f == nil {
			f = &face{}
			a.faces[index] = f
		} else if !all && !concerned[index] && f.shape.Equal(shape) {
			continue
		}
		before := f.decision
		f.decision, f.shape = judge(s, link, a.options, shape), shape
		if f.due = f.reason == slowpath.None; f.due {
			f.program, f.text, f.general = before.program, before.text, before.general
		}
	}
	return again
}

// due tells whether programs are to be made.
func (a *Agent) due() bool {
	for _, f := range a.faces {
		if f.due {
			return true
		}
	}
	return false
}

// leisure is how much the heap may grow while programs are made, in percent. At honed's own pace a third of the time that
// a rule among a thousand takes goes to collecting. With many rules the memory is worth more than the time, and is given
// back afterwards.
const (
	leisure   = 300
	manyRules = 5000
)

// sameButRoutes tells whether two Snapshots differ at most in routes, neighbours and entries of bridges, which tables hold,
// and not code.
func sameButRoutes(a, b *introspect.Snapshot) bool {
	return a.Links.Equal(b.Links) && a.Addrs.Equal(b.Addrs) && a.Rules4.Equal(b.Rules4) && a.Rules6.Equal(b.Rules6) &&
		a.Nexthops.Equal(b.Nexthops) && a.VLANs.Equal(b.VLANs) &&
		a.Netconf.Equal(b.Netconf) && a.Netconf6.Equal(b.Netconf6) && a.Qdiscs.Equal(b.Qdiscs) && a.Filters.Equal(b.Filters) && a.Taps.Equal(b.Taps) &&
		a.Sysctls.Equal(b.Sysctls) && a.Hooks.Equal(b.Hooks) && a.SameRuleset(b)
}

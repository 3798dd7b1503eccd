package agent

import (
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth"
)

// How many steps of rules programs have where more were too much for the verifier or the stack; at last, none.
var fewer = map[int]int{0: synth.MostSteps / 4, synth.MostSteps / 4: synth.MostSteps / 16, synth.MostSteps / 16: -1}

// simpler tells whether programs can be made that follow less of the ruleset.
func (a *Agent) simpler() bool { return a.options.Steps >= 0 && synth.Rules(a.snapshot) > 0 }

// simplify tells whether a program was too much, and lets programs follow less of the ruleset then: packets that would meet
// more of it are the kernel's.
func (a *Agent) simplify(s *introspect.Snapshot) bool {
	excess := false
	for _, f := range a.faces {
		excess = excess || f.excess
		f.excess = false
	}
	if a.misses {
		a.misses = false
		return true // families whose connections are counted are the kernel's now
	}
	if !excess || !a.simpler() {
		return false
	}
	a.options.Steps, a.simple = fewer[a.options.Steps], synth.Rules(s)
	detail := "the ruleset is more than the kernel takes of a program: what its first rules do not decide is the kernel's"
	if a.options.Steps < 0 {
		detail = "the ruleset is more than the kernel takes of a program: what it sees is the kernel's"
	}
	a.counts.Simple = detail
	a.events.send(control.Event{Kind: "simplify", Detail: detail})
	a.log.Warn("simplify", "detail", detail, "steps", max(a.options.Steps, 0))
	return true
}

// uncounted notes that programs cannot count for connections, though the kernel takes those that notice their end: of these a
// function has room for 38, whatever namespace's they are. It tells whether that is news.
func (a *Agent) uncounted() bool {
	if a.options.Kernel.Conntrack == nil || !a.options.Kernel.Conntrack.Accounts {
		return false
	}
	k := *a.options.Kernel.Conntrack
	k.Accounts, a.misses = false, true
	a.options.Kernel.Conntrack = &k
	a.log.Warn("connections cannot be counted: their packets are the kernel's where it counts them")
	return true
}

// retry tells whether a ruleset that was too much has become so much smaller that it is worth another try.
func (a *Agent) retry(s *introspect.Snapshot) bool {
	if a.simple == 0 || synth.Rules(s) > a.simple*3/4 {
		return false
	}
	a.options.Steps, a.simple, a.counts.Simple = 0, 0, ""
	return true
}

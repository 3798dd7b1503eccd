package filter

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// stepKind says what a step of a rule does.
type stepKind uint8

const (
	stepTest      stepKind = iota // ends the rule unless test holds
	stepReach                     // wants bytes behind the header; the kernel ends the rule where there are fewer
	stepValue                     // looks a value up, of chains that translate addresses; the rule ends where there is none
	stepUntrack                   // keeps the packet from being tracked
	stepCount                     // counts the packet
	stepDecide                    // ends the rule with a verdict
	stepChoose                    // ends the rule with the verdict of the box that the packet is in; without one it ends, too
	stepLeave                     // leaves the packet to the kernel
	stepTranslate                 // translates the connection and accepts
)

// step is a part of what a rule does, in order.
type step struct {
	kind     stepKind
	test     test
	bytes    int                  // stepReach
	drops    bool                 // stepReach: the kernel drops a packet that has fewer
	counter  CounterID            // stepCount
	choice   *region              // stepChoose: of numbers verdicts
	verdicts []introspect.Verdict // stepDecide: one
	rest     *introspect.Verdict  // stepChoose: of packets that are in no box; nil: the rule ends
	reason   slowpath.Reason      // stepLeave
	cause    string               // stepLeave: the expression; stepCount: what it does instead
	nat      *natStep             // stepValue, stepTranslate
}

// rule is a rule as the packets of an ingress meet it.
type rule struct {
	chain *introspect.Chain
	from  *introspect.ChainRule
	steps []step
}

func decide(v introspect.Verdict) step {
	return step{kind: stepDecide, verdicts: []introspect.Verdict{v}}
}

func leave(r slowpath.Reason, cause string) step {
	return step{kind: stepLeave, reason: r, cause: cause}
}

// unable leaves the packet to the kernel because a rule counts it and programs do not.
var unable = leave(slowpath.RulesetAction, "counter")

// ends tells whether no step can follow.
func (s step) ends() bool { return s.kind > stepCount }

// does tells whether a step is more than a question.
func (s step) does() bool { return s.kind >= stepUntrack || s.drops }

package synth

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// match tells whether a rule matches packets, as far as that is known without one.
type match uint8

const (
	sometimes match = iota
	always
	never
)

// action is what a rule does with packets that it matches.
type action uint8

const (
	actLookup action = iota
	actGoto
	actNothing
	actReject
)

// policy is a rule as packets of one ingress meet it.
type policy struct {
	match  match
	invert bool   // packets match that fail one of the tests
	tests  []test // what is asked of a packet
	action action
	lookup lookup // of actLookup
	target int    // of actGoto: the number of the rule that goes on
}

// ingress is what rules know of an interface.
type ingress struct {
	link  introspect.Link
	vrf   introspect.Link // that it belongs to; the zero Link outside
	marks bool            // packets may come with a mark
	tos   uint32          // the bits of the TOS or traffic class that a rule's tos is compared with
	bits  int             // of an address
}

// The bits of the TOS byte that the kernel looks at: for IPv4, those that RFC 1349 calls TOS; for IPv6, all but ECN.
const (
	tosBits4 = 0x1c
	tosBits6 = 0xfc
)

// policies is what rules, in the order of their keys, mean to the packets of an ingress.
func (in ingress) policies(rules []introspect.Rule) ([]policy, verdict) {
	all := make([]policy, len(rules))
	for i, r := range rules {
		if v := in.strange(r); v.reason != slowpath.None {
			return nil, v
		}
		all[i] = policy{match: in.known(r), invert: r.Invert, tests: in.tests(r)}
		all[i].act(in, r, rules)
		all[i].settle()
	}
	return all, accepted
}

// strange refuses rules that are not understood, or of which it is not known whether they match.
func (in ingress) strange(r introspect.Rule) verdict {
	no := func(why string) verdict {
		return refused(slowpath.Rules, "rule with preference %d: %s", r.Key.Priority, why)
	}
	switch {
	case len(r.Unknown) > 0:
		return no(r.Unknown[0])
	case left(r):
		return no("a selector or action that is left to the kernel")
	case r.MarkMask != 0 && in.marks:
		return no("packets of this interface may have a mark")
	case in.vrf.Index != 0 && r.IIF != "" && (r.IIF == in.link.Name || r.IIF == in.vrf.Name):
		return no("names an interface of a vrf")
	case in.vrf.Index != 0 && r.OIF == in.vrf.Name:
		return no("names a vrf")
	case r.IIF != "" && slices.Contains(in.link.AltNames, r.IIF):
		return no("names the interface by another name")
	case uint32(r.TOS)&^in.tos != 0:
		return no("tos")
	}
	return accepted
}

// left tells whether a rule has a selector or action that programs do not know.
func left(r introspect.Rule) bool {
	action := r.Goto != 0 || r.SuppressPrefix >= 0 || r.SuppressGroup >= 0
	header := r.DSCPMask != 0 || r.FlowLabelMask != 0 || r.IPProto != 0 || r.SPort != [2]uint16{} || r.DPort != [2]uint16{} ||
		r.SPortMask != 0 || r.DPortMask != 0
	return action || header || r.TunID != 0 || r.UIDRange
}

// known is what is known of a rule before a packet is there. A packet that is forwarded has no outgoing interface yet, and
// no mark.
func (in ingress) known(r introspect.Rule) match {
	switch {
	case r.IIF != "" && r.IIF != in.link.Name, r.OIF != "", r.Mark&r.MarkMask != 0, r.L3MDev && in.vrf.Index == 0:
		return never
	}
	return sometimes
}

// tests are what a rule asks of packets.
func (in ingress) tests(r introspect.Rule) []test {
	var all []test
	if r.Src.IsValid() && r.Src.Bits() > 0 {
		all = append(all, inPrefix(fieldSource, r.Src))
	}
	if r.Dst.IsValid() && r.Dst.Bits() > 0 {
		all = append(all, inPrefix(fieldDest, r.Dst))
	}
	if r.TOS != 0 {
		all = append(all, masked(fieldTOS, uint32(r.TOS), in.tos))
	}
	return all
}

// act fills in what the rule does. A jump goes to the first rule of a preference, and nowhere if there is none.
func (p *policy) act(in ingress, r introspect.Rule, rules []introspect.Rule) {
	switch r.Action {
	case unix.FR_ACT_TO_TBL:
		p.action, p.lookup = actLookup, lookup{r.Table, suppressNothing}
	case unix.FR_ACT_NOP:
		p.action = actNothing
	default:
		p.action = actReject
	}
}

// settle makes of a rule without tests one that matches every packet or none.
func (p *policy) settle() {
	if p.match == sometimes && len(p.tests) == 0 {
		p.match = always
	}
	if !p.invert || p.match == sometimes {
		return
	}
	p.invert = false
	if p.match == never {
		p.match = always
	} else {
		p.match = never
	}
}

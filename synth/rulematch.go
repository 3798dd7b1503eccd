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
	gro   introspect.GRO  // what the kernel joins before it looks
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
		all[i].act(in, rules, i)
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
	case r.MarkMask != 0 && in.marks:
		return no("packets of this interface may have a mark")
	case in.vrf.Index != 0 && r.IIF != "" && (r.IIF == in.link.Name || r.IIF == in.vrf.Name):
		return no("names an interface of a vrf")
	case in.vrf.Index != 0 && r.OIF == in.vrf.Name:
		return no("names a vrf")
	case r.IIF != "" && slices.Contains(in.link.AltNames, r.IIF):
		return no("names the interface by another name")
	case uint32(r.TOS)&^in.tos != 0:
		return no("a tos that no packet has")
	case r.UIDRange:
		return no("selects users")
	case r.L3MDev && r.Invert && r.Action == unix.FR_ACT_TO_TBL:
		// The kernel takes the table that its last match of a VRF has left (fib_rule_get_table), be it none, which is main.
		return no("looks a route up where there is no vrf")
	case r.SuppressGroup != introspect.Nothing:
		return no("suppresses a group of interfaces")
	}
	return accepted
}

// known is what is known of a rule before a packet is there. A packet that is forwarded has no outgoing interface yet, and
// no mark.
func (in ingress) known(r introspect.Rule) match {
	switch {
	case r.IIF != "" && r.IIF != in.link.Name, r.OIF != "", r.Mark&r.MarkMask != 0, r.TunID != 0,
		r.L3MDev && in.vrf.Index == 0:
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
	if r.DSCPMask != 0 {
		all = append(all, masked(fieldTOS, uint32(r.DSCP)<<2, uint32(r.DSCPMask)<<2))
	}
	if r.FlowLabelMask != 0 {
		all = append(all, masked(fieldLabel, r.FlowLabel, r.FlowLabelMask))
	}
	return append(all, transport(r)...)
}

// transport is what a rule asks of the protocol and the ports. What the kernel takes for the ports of another protocol
// than TCP and UDP is not known.
func transport(r introspect.Rule) (all []test) {
	if r.IPProto != 0 {
		all = append(all, protocolIs(r.IPProto))
	}
	ports := append(port(fieldSPort, r.SPort, r.SPortMask), port(fieldDPort, r.DPort, r.DPortMask)...)
	switch {
	case len(ports) == 0, r.IPProto == unix.IPPROTO_TCP, r.IPProto == unix.IPPROTO_UDP:
	case r.IPProto == 0:
		all = append(all, within(fieldPorts, 1, 1))
	default:
		all = append(all, test{field: fieldUnknown})
	}
	return append(all, ports...)
}

func port(f field, bounds [2]uint16, mask uint16) []test {
	switch {
	case mask != 0:
		return []test{masked(f, uint32(bounds[0]), uint32(mask))}
	case bounds != [2]uint16{}:
		return []test{within(f, uint32(bounds[0]), uint32(bounds[1]))}
	}
	return nil
}

// act fills in what the rule does. A jump goes to the first rule of a preference, and nowhere if there is none.
func (p *policy) act(in ingress, rules []introspect.Rule, i int) {
	r := &rules[i]
	switch r.Action {
	case unix.FR_ACT_TO_TBL:
		p.action, p.lookup = actLookup, lookup{r.Table, r.SuppressPrefix}
		if r.L3MDev {
			p.lookup.table = in.vrf.VRFTable
		}
	case unix.FR_ACT_GOTO:
		p.action = actNothing
		to := slices.IndexFunc(rules[i+1:], func(o introspect.Rule) bool { return o.Key.Priority == r.Goto })
		if to >= 0 {
			p.action, p.target = actGoto, i+1+to
		}
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

package synth

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// maxViews bounds the lists of routing tables that are compiled for a family: each has a table of its own.
const maxViews = 8

// plan is what the policy rules of one family make of the configuration: which lists of routing tables are asked.
type plan struct {
	rules   []introspect.Rule
	tos     uint32 // the bits of the TOS byte that rules look at
	table   string // name of the first view's table
	parted  bool   // there have been other rules than the kernel's, so that every table is asked by itself
	views   []lookups
	vrfs    []introspect.Link // whose tables a rule leads to
	sources []uint32          // routing tables that may be asked about a source
}

// maxRules bounds the rules of a family: each interface looks at all of them.
const maxRules = 1 << 8

// routing is the plan of a family.
func routing(s *introspect.Snapshot, ip *layout) *plan { return wholeOf(s).plans[ip] }

// newPlan makes the plan of a family in a configuration with some VRFs.
func newPlan(s *introspect.Snapshot, ip *layout, vrfs []introspect.Link) *plan {
	p := &plan{tos: tosBits4, table: ip.table}
	defaults := len(defaultRules)
	if ip.six {
		p.tos, defaults = tosBits6, defaults-1
	}
	for _, r := range ip.rules(s).All() {
		p.rules = append(p.rules, r)
	}
	p.named(s)
	p.parted = len(p.rules) != defaults || slices.ContainsFunc(p.rules, custom)
	if p.domains() {
		p.vrfs = vrfs
	}
	p.sources = p.asked()
	if len(p.rules) <= maxRules {
		for _, in := range p.ingresses() {
			p.add(in)
		}
	}
	if len(p.views) == 0 {
		p.views = []lookups{kernelLookups}
	}
	return p
}

// kernelLookups are those of the kernel's own rules.
var kernelLookups = lookups{tables: []lookup{{tableLocal, suppressNothing}, {tableMain, suppressNothing}, {tableDefault, suppressNothing}}}

// custom tells whether a rule is none of the kernel's own.
func custom(r introspect.Rule) bool { return !isDefault(r) }

// named notes rules that name an interface by a name that it has no more: the kernel looks for a name once.
func (p *plan) named(s *introspect.Snapshot) {
	attached := func(r introspect.Rule) bool { return r.Attached }
	if !slices.ContainsFunc(p.rules, attached) {
		return
	}
	names := map[string]bool{}
	for _, l := range s.Links.All() {
		names[l.Name] = true
	}
	for i, r := range p.rules {
		if r.Attached && !names[r.IIF] {
			p.rules[i].Unknown = append(slices.Clip(r.Unknown), "names an interface by another name")
		}
	}
}

// add takes in the views that the packets of an ingress need, while there is room.
func (p *plan) add(in ingress) {
	root, found, v := p.choice(in)
	if v.reason != slowpath.None {
		return
	}
	for _, name := range root.views() {
		if _, there := p.find(name); !there && len(p.views) < maxViews {
			p.views = append(p.views, found[name])
		}
	}
}

// choice is what the rules make of the packets of an ingress.
func (p *plan) choice(in ingress) (*choice, map[string]lookups, verdict) {
	if len(p.rules) > maxRules {
		return nil, nil, refused(slowpath.Rules, "%d rules are more than %d", len(p.rules), maxRules)
	}
	in.tos = p.tos
	all, v := in.policies(p.rules)
	if v.reason != slowpath.None {
		return nil, nil, v
	}
	root, found, ok := choose(all)
	if !ok {
		return nil, nil, refused(slowpath.Rules, "%d rules ask too much of a packet", len(p.rules))
	}
	return root, found, accepted
}

// find is the place of a view among the views.
func (p *plan) find(name string) (int, bool) {
	i := slices.IndexFunc(p.views, func(l lookups) bool { return l.String() == name })
	return i, i >= 0
}

// name is that of the table of a view.
func (p *plan) name(i int) string {
	if i == 0 {
		return p.table
	}
	return fmt.Sprintf("%s-%d", p.table, i)
}

// tables names the tables that a choice asks, by view; false if there is no room for one of them.
func (p *plan) tables(c *choice) (map[string]string, bool) {
	names := map[string]string{}
	for _, view := range c.views() {
		i, ok := p.find(view)
		if !ok {
			return nil, false
		}
		names[view] = p.name(i)
	}
	return names, true
}

// ingresses are the kinds of interface that rules tell apart: all that no rule names, those that one names, and those in
// a VRF.
func (p *plan) ingresses() []ingress {
	all := []ingress{{}}
	seen := map[string]bool{}
	for _, r := range p.rules {
		if r.IIF != "" && !seen[r.IIF] {
			seen[r.IIF] = true
			all = append(all, ingress{link: introspect.Link{Name: r.IIF}})
		}
	}
	for _, vrf := range p.vrfs {
		all = append(all, ingress{vrf: vrf})
	}
	return all
}

// domains tells whether a rule leads to the tables of VRFs.
func (p *plan) domains() bool {
	return slices.ContainsFunc(p.rules, func(r introspect.Rule) bool { return r.L3MDev })
}

// live tells whether the live lookup goes by the rules as the kernel does. It is not sure that it knows VRFs, and of IPv6 it
// takes the answers that a rule suppresses.
func (p *plan) live(six bool) bool {
	suppresses := func(r introspect.Rule) bool { return r.SuppressPrefix != introspect.Nothing }
	return !p.domains() && !(six && slices.ContainsFunc(p.rules, suppresses))
}

// parses tells whether a rule makes the kernel look for the protocol and the ports of every packet.
func (p *plan) parses() bool {
	none := [2]uint16{}
	return slices.ContainsFunc(p.rules, func(r introspect.Rule) bool {
		return r.IPProto != 0 || r.SPort != none || r.DPort != none || r.SPortMask != 0 || r.DPortMask != 0
	})
}

// asked lists the routing tables that the rules may lead to, whatever the packet and wherever it is going: the kernel
// asks about the source of a packet as if it came in where it is to go out. Only marks are known not to be there.
func (p *plan) asked() []uint32 {
	tables := map[uint32]bool{}
	for _, vrf := range p.vrfs {
		tables[vrf.VRFTable] = true
	}
	for _, r := range p.rules {
		if !r.L3MDev && r.Action == unix.FR_ACT_TO_TBL && (r.Invert || r.Mark&r.MarkMask == 0) {
			tables[r.Table] = true
		}
	}
	return slices.Sorted(maps.Keys(tables))
}

// sourced is the lookups of sources.
func (p *plan) sourced() (l lookups) {
	for _, table := range p.sources {
		l.tables = append(l.tables, lookup{table, suppressNothing})
	}
	return l
}

// same tells whether two plans ask the same tables in the same order.
func (p *plan) same(o *plan) bool {
	alike := func(a, b lookups) bool { return a.String() == b.String() }
	return p.parted == o.parted && slices.Equal(p.sources, o.sources) && slices.EqualFunc(p.views, o.views, alike)
}

// ingressOf is what rules know of an interface. The mark of a frame crosses a veth whose other end is in the same
// namespace, and no other link but the bridge that this is a port of. On software devices the kernel joins packets only
// while a program is attached, which nobody asked for.
func ingressOf(s *introspect.Snapshot, l introspect.Link) ingress {
	in := ingress{link: l, marks: l.Kind == kindVeth && l.PeerNS < 0}
	if !software(l) {
		in.gro = l.GRO
	}
	for _, i := range wholeOf(s).ports[l.Index] {
		port, _ := s.Links.Get(i)
		in.marks = in.marks || l.Kind == kindBridge && port.Kind == kindVeth && port.PeerNS < 0
		if l.Kind == kindBridge {
			in.gro = max(in.gro, ingressOf(s, port).gro)
		}
	}
	if lower, ok := below(s, l); ok {
		under := ingressOf(s, lower)
		in.marks, in.gro = under.marks, under.gro
	}
	in.vrf, _ = vrfOf(s, l)
	return in
}

// refuseRules wants rules that programs can do.
func refuseRules(s subject, ip *layout) verdict {
	p := routing(s.Snapshot, ip)
	root, _, v := p.choice(ingressOf(s.Snapshot, s.link))
	if v.reason != slowpath.None {
		return v
	}
	if ip.six && p.parted && !slices.ContainsFunc(p.rules, custom) { // IPv6 only looks at rules once one was added
		return refused(slowpath.Rules, "a rule that every host has is missing")
	}
	if len(root.views()) == 0 {
		return refused(slowpath.Rules, "no rule leads to a routing table")
	}
	if _, ok := p.tables(root); !ok {
		return refused(slowpath.Rules, "more than %d lists of routing tables", maxViews)
	}
	if !ip.six && reversePath(s.Snapshot, s.link) > 0 {
		return p.refuseReverse()
	}
	return accepted
}

// refuseReverse wants rules that lead to the same tables wherever a packet comes in: rp_filter asks them about the way
// back, as if the packet came in where it is to go out.
func (p *plan) refuseReverse() verdict {
	for _, r := range p.rules {
		if r.IIF != "" || r.L3MDev {
			return refused(slowpath.Rules, "rp_filter is on, and rule with preference %d looks at the interface", r.Key.Priority)
		}
	}
	return accepted
}

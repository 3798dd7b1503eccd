package synth

import (
	"net/netip"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// Rules may have the source looked up in the routing tables (nft_fib4_eval, nft_fib6_eval). The kernel looks as if the host
// itself wanted to send there: it takes the first of the routes to the longest prefix, whatever is known of its gateway, and
// with several nexthops one or any of them, which differs from kernel to kernel. So the answer is known where there is one
// nexthop; rows of all else have no interface. Nobody says that there is none: such packets are the kernel's.

// looksBack tells whether packets of a family that come in by an interface have their sources looked up where they are
// routed themselves. Policy rules would be asked about another ingress, and about the mark; a VRF has its own table.
func looksBack(s *introspect.Snapshot, l introspect.Link, ip *layout) bool {
	_, domain := vrfOf(s, l)
	return !domain && !routing(s, ip).parted
}

// wayBack wants a source to which packets leave by an interface, which it gives; nil while the tables are behind.
func (c *compiler) wayBack(f filter.Field) *ir.Value {
	if c.arm == armCold || !looksBack(c.snapshot, c.link, c.ip) {
		return nil
	}
	if c.ip.six && translates(c.snapshot, c.ip) {
		// Of several routes the kernel prefers the one by the device that has this address, if it is link-local.
		c.unicast6(c.address(c.ip.dest), slowpath.RulesetSource)
	}
	oif := c.Field(c.Lookup(c.Table(c.shape.nexthop()), c.pick(backward)), "oif")
	if f.At == filter.MetaBackIn {
		c.GuardImm(ir.Eq, oif, uint64(c.link.Index), slowpath.RulesetSource)
	} else {
		c.GuardImm(ir.Ne, oif, 0, slowpath.RulesetSource)
	}
	if f.Width == 1 {
		return c.Const(1)
	}
	return oif
}

// wayBack is what a program knows of the source of the packet.
func (t *trial) wayBack(f filter.Field) (uint64, bool) {
	m, ok := meet(t.frames[0])
	if !ok || !looksBack(t.snapshot, t.link, t.ip) {
		return 0, false
	}
	oif := introspect.Index(0)
	if t.ip.six {
		oif = leavesBy(t.snapshot, ipv6, routing(t.snapshot, t.ip), m.source)
	} else {
		oif = leavesBy(t.snapshot, ipv4, routing(t.snapshot, t.ip), m.source)
	}
	if oif == 0 || f.At == filter.MetaBackIn && oif != t.link.Index {
		return 0, false
	}
	if f.Width == 1 {
		return 1, true
	}
	return uint64(oif), true
}

// leavesBy is the interface that the tables have for an address, without making them; 0 if there is not exactly one.
func leavesBy[P point[P]](s *introspect.Snapshot, f *family[P], p *plan, a netip.Addr) introspect.Index {
	v := newView(&shared{Snapshot: s}, f, p, p.views[0], nil)
	v.survey()
	for length := a.BitLen(); length >= 0; length-- {
		at := v.shorter(v.host(a), length)
		if answer, ok := v.answer(at, v.routesTo(at)); ok {
			return answer.key.oif
		}
	}
	return 0
}

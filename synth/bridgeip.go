package synth

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// A bridge forwards packets of IP as they come, unless somebody wants to look at them: br_netfilter, which drops what is
// not sound and cuts off what fills frames up, even where no rule stands; the bridge itself, where it answers for
// neighbours; or a program that cannot tell otherwise whether a checksum is yet to be completed.

// inspects tells whether the packets of a family are looked at.
func (b *bridging) inspects(ip *layout) bool {
	return callsRuleset(b.snapshot, b.bridge, ip) || b.mayBePartial() || ip.six && b.suppresses()
}

// mayBePartial tells whether frames may carry a checksum that is yet to be completed, and nothing beside the frame says so.
func (b *bridging) mayBePartial() bool { return software(b.port) && !b.knowsPartial() }

// suppresses tells whether the bridge answers for neighbours.
func (b *bridging) suppresses() bool {
	for _, i := range wholeOf(b.snapshot).ports[b.bridge.Index] {
		if port, _ := b.snapshot.Links.Get(i); port.Port.NeighSuppress {
			return true
		}
	}
	return false
}

// inspect looks at the packets of a family.
func (b *bridging) inspect(start, next *ir.Block, ip *layout) {
	if start == next {
		return
	}
	b.Start(start)
	b.ip, b.pkt = ip, packet{}
	if v := leaveBridged(b.snapshot, b.bridge, ip); v.reason != slowpath.None {
		b.Punt(v.reason)
		return
	}
	if b.look(b.inspections(ip)) {
		b.Jump(next)
	}
}

// inspections are the stages of routing that look at what br_netfilter looks at, and more where that does no harm.
func (b *bridging) inspections(ip *layout) (all []stage) {
	if ip.six {
		all = append(all, (*compiler).header6, (*compiler).version6, (*compiler).length)
	} else {
		all = append(all, (*compiler).plain4, (*compiler).length, (*compiler).checksum)
	}
	switch {
	case ip.six && (b.suppresses() || b.mayBePartial()):
		all = append(all, (*compiler).nextHeader)
	case ip.six:
		all = append(all, (*compiler).noHopByHop)
	case b.mayBePartial():
		all = append(all, (*compiler).fragment)
	}
	return append(all, (*compiler).partial)
}

// plain4 wants IPv4 without options.
func (c *compiler) plain4() bool {
	c.GuardImm(ir.Eq, c.Load(atHeader, 1), 0x45, slowpath.Version)
	return true
}

// version6 wants what says itself that it is IPv6.
func (c *compiler) version6() bool {
	c.GuardImm(ir.Eq, c.ArithImm(ir.OpAnd, c.Load(atHeader, 1), 0xf0), 0x60, slowpath.Version)
	return true
}

// noHopByHop leaves options to the kernel that every node looks at.
func (c *compiler) noHopByHop() bool {
	c.GuardImm(ir.Ne, c.Load(atNextHeader, 1), 0, slowpath.NextHeader)
	return true
}

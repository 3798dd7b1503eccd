package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// reversePath is the value of rp_filter that the kernel goes by: the larger one of the interface's and that of all.
func reversePath(s *introspect.Snapshot, l introspect.Link) int32 {
	all, _ := s.Netconf.Get(introspect.AllDevices)
	own, _ := s.Netconf.Get(l.Index)
	return max(all.RPFilter, own.RPFilter)
}

func (c *compiler) rpFilter() int32 { return reversePath(c.snapshot, c.link) }

// sources does what the kernel does with every source address, whatever the filter: martian ones and its own are not
// forwarded. Whatever is in doubt is left to it.
func (c *compiler) sources() bool {
	c.sourceAddress()
	switch filter := c.rpFilter(); {
	case filter > 0 && !c.numbered():
		c.Punt(slowpath.SourceFilter) // the kernel drops everything
		return false
	case filter > 0:
		c.filtered(filter)
	case c.view().Inline:
		c.inlineSources()
	default:
		c.ownSource(c.Lookup(c.Table(c.sourceView().route()), c.pkt.source...))
	}
	return true
}

// sourceView is where own addresses are found: in the routes, unless there are rules.
func (c *compiler) sourceView() ViewShape {
	if v, ok := c.shape.view(tableSource); ok {
		return v
	}
	return c.view()
}

// numbered tells whether the interface has an IPv4 address.
func (c *compiler) numbered() bool {
	for key := range c.snapshot.Addrs.From(introspect.AddrKey{Index: c.link.Index}) {
		if key.Index != c.link.Index {
			break
		}
		if key.Local.Addr().Is4() {
			return true
		}
	}
	return false
}

func (c *compiler) inlineSources() {
	c.unicast4(c.pkt.source, slowpath.SourceMartian)
	if own, ok := c.view().own(); ok {
		c.GuardImm(ir.Eq, c.Lookup(c.Table(own), c.pkt.source...), 0, slowpath.SourceOwn)
	}
}

// unicast4 wants an address in 1/8 to 223/8, and not in 127/8: what martians does not hold.
func (c *compiler) unicast4(addr []*ir.Value, r slowpath.Reason) {
	past := c.ArithImm(ir.OpSub, c.ArithImm(ir.OpShr, addr[0], 24), 1) // the first byte less one
	c.GuardImm(ir.Lt, past, 223, r)
	c.GuardImm(ir.Ne, past, 127-1, r)
}

// ownSource wants a row, that of the source, which says neither that it is the host's own nor that it is martian.
func (c *compiler) ownSource(index *ir.Value) {
	const own = rowOwnLast - rowOwnFirst + 1
	c.GuardImm(ir.Ge, c.ArithImm(ir.OpSub, index, rowOwnFirst), own, slowpath.SourceOwn)
	c.GuardImm(ir.Ne, index, rowMartian, slowpath.SourceMartian)
}

// filtered does what rp_filter asks for: with 1, that packets to the source leave by this interface; with 2, that they
// could leave by any. Rows of own and martian addresses fail either, so that it is told apart afterwards.
func (c *compiler) filtered(filter int32) {
	index := c.pick(backward)
	row := c.Lookup(c.Table(c.shape.nexthop()), index)
	bad, next := c.block("source"), c.block("sourced")
	if filter == 2 {
		c.If(ir.NoneSet, c.Field(row, "flags"), c.Const(flagUnicast), bad, next, true)
	} else {
		c.If(ir.Ne, c.Field(row, "oif"), c.Const(uint64(c.link.Index)), bad, next, true)
	}
	c.Start(bad)
	c.ownSource(index)
	c.Punt(slowpath.SourceFilter)
	c.Start(next)
}

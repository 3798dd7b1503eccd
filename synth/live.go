package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// live asks the kernel's own lookup, which sees routes and neighbours as they are now. It knows nothing of the interface
// that it names, so that this has to be one that was vetted.
//
// Of several nexthops it chooses by the addresses. For an ICMP error the kernel takes those of the packet within, so
// that ICMP is left to it.
func (c *compiler) live() {
	protocol := c.Load(atProtocol, 1)
	c.GuardImm(ir.Ne, protocol, unix.IPPROTO_ICMP, slowpath.LiveLookup)
	none := c.Const(0)
	hop := c.Lookup(c.Table(c.view.live()), c.pkt.source, c.destination(), c.pkt.length, protocol, none, none, c.Load(atTOS, 1))
	c.GuardImm(ir.Eq, c.Field(hop, "ret"), 0, slowpath.LiveLookup)
	oif := c.Field(hop, "oif")
	device := c.Lookup(c.Table(c.shape.device()), oif)
	c.GuardImm(ir.Ne, device, 0, slowpath.LiveDevice)
	c.GuardImm(ir.AnySet, c.Field(device, "flags"), deviceUsable, slowpath.LiveDevice)
	c.Guard(ir.Le, c.pkt.length, c.Field(device, "mtu"), slowpath.MTU)
	c.GuardImm(ir.Ne, oif, uint64(c.link.Index), slowpath.Redirect)
	mac, smac := c.Field(hop, "mac"), c.Field(hop, "smac")
	c.rewrite(mac, smac, ir.CountLive)
	c.Redirect(oif)
}

// martianDest wants a destination that is not martian; the route table says so by itself.
func (c *compiler) martianDest() { c.unicast(c.destination(), slowpath.DestMartian) }

package synth

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// live asks the kernel's own lookup, which sees routes and neighbours as they are now. It knows nothing of the interface
// that it names, so that this has to be one that was vetted.
//
// Of several nexthops it chooses by the addresses. For an ICMP error the kernel takes those of the packet within, so
// that ICMP is left to it; of ICMPv6 no error has come this far. But where the kernel parses packets for its rules, it
// takes the flow label of ICMPv6 with its bytes in another order.
func (c *compiler) live() {
	protocol := c.Load(c.ip.protocol, 1)
	if c.ip.six {
		if c.picks[c.ip].parses {
			c.GuardImm(ir.Ne, protocol, unix.IPPROTO_ICMPV6, slowpath.LiveLookup)
		}
	} else {
		c.GuardImm(ir.Ne, protocol, unix.IPPROTO_ICMP, slowpath.LiveLookup)
	}
	answer := c.ask(protocol)
	c.GuardImm(ir.Eq, c.Field(answer, "ret"), 0, slowpath.LiveLookup)
	oif := c.Field(answer, "oif")
	c.device(oif)
	c.pkt.oif = oif
	c.notBack()
	c.masquerade()
	if !c.pass() {
		return
	}
	c.deliver(hop{mac: c.Field(answer, "mac"), smac: c.Field(answer, "smac"), port: oif, counter: ir.CountLive})
}

// device wants an interface that was vetted, and lets what fits it go.
func (c *compiler) device(oif *ir.Value) {
	row := c.Lookup(c.Table(c.shape.device()), oif)
	c.GuardImm(ir.Ne, row, 0, slowpath.LiveDevice)
	word := c.Field(row, "word")
	c.Guard(ir.Eq, c.ArithImm(ir.OpShr, word, deviceIndex), oif, slowpath.LiveDevice)
	mtu := word
	if c.ip.six {
		mtu = c.ArithImm(ir.OpShr, word, deviceMTU6)
	}
	mtu = c.ArithImm(ir.OpAnd, mtu, maxPacket)
	c.GuardImm(ir.Ne, mtu, 0, slowpath.LiveDevice)
	c.Guard(ir.Le, c.pkt.length, mtu, slowpath.MTU)
}

// ask is the kernel's answer.
func (c *compiler) ask(protocol *ir.Value) *ir.Value {
	sport, dport := c.ports(protocol)
	keys := append(slices.Clone(c.pkt.source), c.destination()...)
	keys = append(keys, c.pkt.length, protocol, sport, dport)
	if c.ip.six {
		return c.Lookup(c.Table(c.view().live()), append(keys, c.flow())...)
	}
	return c.Lookup(c.Table(c.view().live()), append(keys, c.Load(atTOS, 1))...)
}

// martianDest wants a destination that is not martian; the route table says so by itself.
func (c *compiler) martianDest() {
	if c.ip.six {
		c.unicast6(c.destination(), slowpath.DestMartian)
		return
	}
	c.unicast4(c.destination(), slowpath.DestMartian)
}

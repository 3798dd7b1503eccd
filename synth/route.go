package synth

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// find looks the nexthop up in the tables, before it is needed: each step waits for memory that the step before names,
// while the other checks keep the processor busy.
func (c *compiler) find() bool {
	if !translates(c.snapshot, c.ip) { // else the destination is not known yet
		c.found()
	}
	return true
}

// found is find, if that could not be done.
func (c *compiler) found() bool {
	if c.arm == armHot && c.pkt.row == nil {
		c.pkt.row = c.Lookup(c.Table(c.shape.nexthop()), c.pick(forward))
	}
	return true
}

// fit wants a frame that the nexthop takes. One compare tells whatever else there is to say of a row, aside: that frames
// are too long, that the use of the nexthop has to be noted, or that there is none.
func (c *compiler) fit() bool {
	if c.pkt.row == nil {
		return true
	}
	over, next := c.block("over"), c.block("fits")
	c.If(ir.Gt, c.pkt.frame, c.Field(c.pkt.row, "limit"), over, next, true)
	pkt, ip := c.pkt, c.ip
	c.asides = append(c.asides, func() { c.over(over, pkt, ip) })
	c.Start(next)
	return true
}

// over is for frames that are longer than the limit of their row.
func (c *compiler) over(start *ir.Block, pkt packet, ip *layout) {
	c.arm, c.ip, c.pkt = armOver, ip, pkt
	c.Start(start)
	flags := c.Field(pkt.row, "flags")
	slow, usable := c.block("slow"), c.block("usable")
	c.If(ir.NoneSet, flags, c.Const(flagUsable), slow, usable, false)
	c.Start(usable)
	c.Guard(ir.Le, pkt.length, c.Field(pkt.row, "mtu"), slowpath.MTU)
	if c.look(c.ip.leaving()) && c.pass() {
		c.track(pkt.row, flags)
		c.send()
	}
	c.Start(slow)
	c.slow(pkt.row, flags)
}

// elsewhere wants the nexthop on another interface than the one that the packet came from, where that matters.
func (c *compiler) elsewhere() bool {
	if c.pkt.row != nil && c.arm != armChoose {
		c.pkt.oif = c.Field(c.pkt.row, "oif")
		c.notBack()
		c.masquerade()
	}
	return true
}

// notBack wants another outgoing interface than the one that the packet came in by, unless the kernel sends what goes back
// there like anything else.
func (c *compiler) notBack() {
	if c.sendsBack() {
		return
	}
	c.GuardImm(ir.Ne, c.pkt.oif, uint64(c.link.Index), slowpath.Redirect)
}

// sendsBack tells whether packets may leave by the interface that they came in by and nobody is told of a better way. IPv6
// always tells, and so does IPv4 (__mkroute_input) unless sysctls say no; nothing else asks whether the two are the same. For
// members of a VRF and of bridges, packets come in by another interface than the port: there this is left to the kernel.
func (c *compiler) sendsBack() bool {
	_, member := vrfOf(c.snapshot, c.link)
	return !c.ip.six && !member && c.link.Index == c.port.Index && !sendsRedirects(c.snapshot, c.link)
}

// forward sends the packet to the nexthop that was found.
func (c *compiler) forward() {
	if c.pass() {
		c.send()
	}
}

// send is forward for a packet that the ruleset has let pass.
func (c *compiler) send() {
	c.deliver(hop{mac: c.Field(c.pkt.row, "mac"), smac: c.Field(c.pkt.row, "smac"), vid: c.outVLAN(), port: c.outPort(), counter: ir.CountFast})
}

// outPort is where frames to the nexthop leave: the outgoing interface, or the port of a bridge that the nexthop is behind.
func (c *compiler) outPort() *ir.Value {
	if c.shape.Ported {
		return c.Field(c.pkt.row, "port")
	}
	return c.pkt.oif
}

// outVLAN is the VLAN that frames to the nexthop have a tag of, or 0; nil where none has one.
func (c *compiler) outVLAN() *ir.Value {
	if !c.shape.Tagged {
		return nil
	}
	return c.ArithImm(ir.OpShr, c.Field(c.pkt.row, "flags"), flagBits)
}

// hop is where a packet goes, and what counts it.
type hop struct {
	mac, smac, port, vid *ir.Value
	counter              ir.Counter
	name                 string // of the way there
}

// deliver makes the frame what the kernel would send, and sends it.
func (c *compiler) deliver(to hop) {
	c.keep()
	c.translating(to)
	c.begin(to, func() {
		c.countDown()
		c.redirect(to)
	})
}

// track marks a row as used if the kernel wants to know.
func (c *compiler) track(row, flags *ir.Value) {
	mark, next := c.block("mark"), c.block("send")
	c.If(ir.AnySet, flags, c.Const(flagTrack), mark, next, true)
	c.Start(mark)
	c.Mark(row, "used")
	c.Jump(next)
	c.Start(next)
}

func (c *compiler) countDown() {
	if c.ip.six {
		c.countDown6()
	} else {
		c.countDown4()
	}
}

// slow is for rows that are not usable as they are: most say why the kernel has the packet, without any more checks; of
// some the live lookup chooses the nexthop, after all of them.
func (c *compiler) slow(row, flags *ir.Value) {
	reason := c.Field(row, "reason")
	if !c.options.FIBLookup || !c.picks[c.ip].live {
		c.PuntBy(reason)
		return
	}
	live, punt := c.block("choose"), c.block("leave")
	c.If(ir.AnySet, flags, c.Const(flagLive), live, punt, true)
	c.Start(punt)
	c.PuntBy(reason)
	c.Start(live)
	if c.stages(armChoose, c.ip, c.pkt.early) {
		c.track(row, flags)
		c.live()
	}
}

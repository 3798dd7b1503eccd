package synth

import "github.com/hone-net/hone/synth/ir"

// Rules before the kernel finds a packet's connection may say that it is to have none (notrack). Where some do, the chains up
// to there are asked first, and packets go two ways from then on: those that are tracked look for their connection, the others
// go on without one. A packet that is asked about again, by the live lookup, goes on as it was found to be.

// early is what the chains before the tracking have said of the packet.
type early struct {
	asked     bool
	untracked bool
	tallied   bool // they have noted what is to be counted
}

// askEarly asks them. What follows is for packets that are tracked; it tells whether there are any.
func (c *compiler) askEarly() (goesOn bool) {
	path := c.chains[c.ip]
	if path == nil || path.Untracked() == nil || c.pkt.early.asked {
		return true
	}
	if !c.ip.six {
		c.fragment() // which the kernel puts together, unless they are not tracked by then
	}
	c.sourceAddress() // rules may ask for it on one of the two ways only
	c.destination()
	c.tallied = false
	var others *ir.Block
	c.tallying(func() { goesOn, others = path.WriteEarly(c.rules("early")) })
	c.pkt.early = early{asked: true, tallied: c.tallied}
	if others != nil {
		arm, ip, pkt := c.arm, c.ip, c.pkt
		pkt.early.untracked = true
		c.asides = append(c.asides, func() { c.untracked(others, arm, ip, pkt) })
	}
	return goesOn
}

// untracked is for packets that are not tracked: the stages behind that which finds connections.
func (c *compiler) untracked(start *ir.Block, arm string, ip *layout, pkt packet) {
	c.arm, c.ip, c.pkt = arm, ip, pkt
	c.Start(start)
	if c.found() && c.fit() && c.look(ip.leaving()) {
		c.last()
	}
}

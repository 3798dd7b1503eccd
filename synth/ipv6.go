package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places in an IPv6 packet.
const (
	atFlow          = 14 // version, traffic class, flow label
	atPayloadLength = 18
	atNextHeader    = 20
	atHopLimit      = 21
	atSource6       = 22
	atDest6         = 38
	atPayload6      = 54
)

// header6 wants a whole IPv6 header; its version was looked at with the ethertype.
func (c *compiler) header6() bool {
	c.Bound(atPayload6, slowpath.Short)
	return true
}

// nextHeader wants a protocol that stands for itself. Extension headers may ask something of routers, and there are
// ICMPv6 messages that are no router's to forward: both are left to the kernel with whatever is rare.
func (c *compiler) nextHeader() bool {
	next := c.block("next")
	protocol := c.Load(atNextHeader, 1)
	udp, esp, echo := c.block("past-tcp"), c.block("past-udp"), c.block("past-esp")
	c.If(ir.Ne, protocol, c.Const(unix.IPPROTO_TCP), udp, next, false) // so that neither TCP nor UDP goes far
	c.Start(udp)
	c.If(ir.Ne, protocol, c.Const(unix.IPPROTO_UDP), esp, next, true)
	c.Start(esp)
	c.If(ir.Ne, protocol, c.Const(unix.IPPROTO_ESP), echo, next, true)
	c.Start(echo)
	c.GuardImm(ir.Eq, protocol, unix.IPPROTO_ICMPV6, slowpath.NextHeader)
	c.Bound(atPayload6+1, slowpath.Short)
	const echoRequest, kinds = 128, 2 // echo reply is the next number
	kind := c.ArithImm(ir.OpSub, c.Load(atPayload6, 1), echoRequest)
	c.GuardImm(ir.Lt, kind, kinds, slowpath.NextHeader)
	c.Jump(next)
	c.Start(next)
	return true
}

func (c *compiler) hopLimit() bool {
	c.pkt.hops = c.Load(atHopLimit, 1)
	c.GuardImm(ir.Gt, c.pkt.hops, 1, slowpath.TTL)
	return true
}

// sources6 wants a source that may be forwarded. The kernel does not mind one that is its own, and there is no
// rp_filter. The first byte tells of nearly all addresses that they are good.
func (c *compiler) sources6() bool {
	c.pkt.source = c.address(c.ip.source)
	odd, next := c.block("odd"), c.block("source")
	c.If(ir.Ge, c.ArithImm(ir.OpSub, c.Load(atSource6, 1), 1), c.Const(0xfe-1), odd, next, true)
	c.Start(odd)
	c.unicast6(c.pkt.source, slowpath.SourceMartian)
	c.Jump(next)
	c.Start(next)
	return true
}

// unicast6 wants an address that martians6 does not hold.
func (c *compiler) unicast6(addr []*ir.Value, r slowpath.Reason) {
	c.GuardImm(ir.Lt, c.ArithImm(ir.OpSub, addr[0], 1), 0xfe<<56-1, r)
}

// martians6 are the prefixes of which no address is ever a fast packet's: the unspecified, loopback, IPv4-compatible and
// IPv4-mapped ones; link-local, site-local and multicast.
var martians6 = []prefix6{newPrefix6(0, 0, 64), newPrefix6(0xfe<<56, 0, 7)}

// countDown6 takes one from the hop limit.
func (c *compiler) countDown6() {
	c.Store(atHopLimit, 1, c.ArithImm(ir.OpSub, c.pkt.hops, 1))
}

// flow is traffic class and flow label.
func (c *compiler) flow() *ir.Value { return c.ArithImm(ir.OpAnd, c.Load(atFlow, 4), 1<<28-1) }

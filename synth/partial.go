package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places in the headers of TCP and UDP.
const (
	atUDPDest     = atPayload + 2
	atUDPChecksum = atPayload + 6
	endUDP        = atPayload + 8
	atTCPChecksum = atPayload + 16
	endTCP        = atPayload + 20
)

// tunnelPorts are UDP ports under which other packets travel, whose own checksums may be partial: L2TP, GTP-U, IPsec,
// GRE, VXLAN, VXLAN-GPE, GUE, GENEVE, MPLS, VXLAN as Linux first numbered it; and those of PTP, whose frames carry time
// stamps.
var tunnelPorts = []uint64{319, 320, 1701, 2152, 4500, 4754, 4789, 4790, 6080, 6081, 6635, 8472}

// partial leaves packets to the kernel whose checksum somebody has yet to complete. A host that sends by a software device
// leaves that to the hardware, and notes it where programs cannot see; a redirect would lose the note. But then the field
// holds the sum of the pseudo header. A packet that just looks so costs nothing but time.
func (c *compiler) partial() bool {
	if !software(c.link) {
		return true
	}
	tcp, other, udp, next := c.block("tcp"), c.block("not-tcp"), c.block("udp"), c.block("complete")
	protocol := c.Load(atProtocol, 1)
	pseudo := c.pseudo(protocol)
	c.If(ir.Eq, protocol, c.Const(unix.IPPROTO_TCP), tcp, other, false)
	c.Start(tcp)
	c.GuardImm(ir.Ge, c.pkt.length, endTCP-atHeader, slowpath.PartialChecksum)
	c.Bound(endTCP, slowpath.Short)
	c.Guard(ir.Ne, c.LoadLE(atTCPChecksum, 2), pseudo, slowpath.PartialChecksum)
	c.Jump(next)
	c.Start(other)
	c.GuardImm(ir.Eq, protocol, unix.IPPROTO_UDP, slowpath.PartialChecksum)
	c.Jump(udp)
	c.Start(udp)
	c.udp(pseudo)
	c.Jump(next)
	c.Start(next)
	return true
}

func (c *compiler) udp(pseudo *ir.Value) {
	c.GuardImm(ir.Ge, c.pkt.length, endUDP-atHeader, slowpath.PartialChecksum)
	c.Bound(endUDP, slowpath.Short)
	sum := c.LoadLE(atUDPChecksum, 2)
	c.GuardImm(ir.Ne, sum, 0, slowpath.PartialChecksum)
	c.Guard(ir.Ne, sum, pseudo, slowpath.PartialChecksum)
	port := c.Load(atUDPDest, 2)
	for _, tunnel := range tunnelPorts {
		c.GuardImm(ir.Ne, port, tunnel, slowpath.PartialChecksum)
	}
}

// pseudo is the folded sum of the pseudo header: addresses, protocol, length of what follows the IPv4 header.
func (c *compiler) pseudo(protocol *ir.Value) *ir.Value {
	h := c.pkt.header
	payload := c.Arith(ir.OpSwap16, c.ArithImm(ir.OpSub, c.pkt.length, atPayload-atHeader))
	sum := c.Arith(ir.OpAdd, h[(atSource-atHeader)/4], h[(atDest-atHeader)/4])
	sum = c.Arith(ir.OpAdd, sum, c.ArithImm(ir.OpShl, protocol, 8))
	return c.fold(c.Arith(ir.OpAdd, sum, payload))
}

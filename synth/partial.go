package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places in the headers of TCP and UDP, from their beginning.
const (
	atUDPDest     = 2
	atUDPChecksum = 6
	endUDP        = 8
	atTCPChecksum = 16
	endTCP        = 20
)

// tunnelPorts are UDP ports under which other packets travel, whose own checksums may be partial: L2TP, GTP-U, IPsec,
// GRE, VXLAN, VXLAN-GPE, GUE, GENEVE, MPLS, VXLAN as Linux first numbered it; and those of PTP, whose frames carry time
// stamps.
var tunnelPorts = []uint64{319, 320, 1701, 2152, 4500, 4754, 4789, 4790, 6080, 6081, 6635, 8472}

// partial leaves packets to the kernel whose checksum somebody has yet to complete. A host that sends by a software device
// leaves that to the hardware, and notes it beside the frame; a redirect would lose the note. On a veth a native program
// can read it. Elsewhere it cannot, but then the field holds the sum of the pseudo header. A packet that just looks so
// costs nothing but time.
func (c *compiler) partial() bool {
	if !software(c.port) || c.knowsPartial() {
		return true
	}
	tcp, other, udp, next := c.block("tcp"), c.block("not-tcp"), c.block("udp"), c.block("complete")
	protocol, sum := c.Load(c.ip.protocol, 1), c.pseudo()
	c.If(ir.Eq, protocol, c.Const(unix.IPPROTO_TCP), tcp, other, false)
	c.Start(tcp)
	c.above(endTCP)
	c.complete(sum, c.LoadLE(c.ip.end()+atTCPChecksum, 2), unix.IPPROTO_TCP)
	c.Jump(next)
	c.Start(other)
	c.GuardImm(ir.Eq, protocol, unix.IPPROTO_UDP, slowpath.PartialChecksum)
	c.Jump(udp)
	c.Start(udp)
	c.udp(sum)
	c.Jump(next)
	c.Start(next)
	return true
}

// knowsPartial tells whether metadata has said it already.
func (c *compiler) knowsPartial() bool {
	return c.port.Kind == kindVeth && c.options.VethSummed && !c.options.generic()
}

// above wants so many bytes of the protocol above.
func (c *compiler) above(n int) {
	c.GuardImm(ir.Ge, c.pkt.length, uint64(c.ip.header+n), slowpath.PartialChecksum)
	c.Bound(c.ip.end()+n, slowpath.Short)
}

func (c *compiler) udp(pseudo *ir.Value) {
	c.above(endUDP)
	sum := c.LoadLE(c.ip.end()+atUDPChecksum, 2)
	c.GuardImm(ir.Ne, sum, 0, slowpath.PartialChecksum)
	c.complete(pseudo, sum, unix.IPPROTO_UDP)
	port := c.Load(c.ip.end()+atUDPDest, 2)
	for _, tunnel := range tunnelPorts {
		c.GuardImm(ir.Ne, port, tunnel, slowpath.PartialChecksum)
	}
}

// pseudo is the sum, not folded, of what is in the pseudo header beside the protocol: the addresses, and the length that
// the header gives, which for IPv4 includes the header.
func (c *compiler) pseudo() *ir.Value {
	if c.ip.six {
		sum := c.LoadLE(c.ip.total, 2)
		for at := atSource6; at < atPayload6; at += 4 {
			sum = c.Arith(ir.OpAdd, sum, c.LoadLE(at, 4))
		}
		return sum
	}
	h := c.pkt.header
	addrs := c.Arith(ir.OpAdd, h[(atSource-atHeader)/4], h[(atDest-atHeader)/4])
	return c.Arith(ir.OpAdd, addrs, c.LoadLE(atTotal, 2))
}

// complete wants a checksum that is not the folded sum of the pseudo header: their difference must not fold to 0xffff, as
// the multiples of 0xffff do. Words are little-endian, where a byte counts 256 times what it does in network order. A
// checksum of zero, which no sum folds to, passes for 0xffff.
func (c *compiler) complete(pseudo, sum *ir.Value, protocol uint64) {
	const positive = 2 * 0xffff // more than can be taken away, and nothing when folded
	rest := positive + protocol<<8
	if !c.ip.six {
		rest -= uint64(c.ip.header) << 8
	}
	difference := c.Arith(ir.OpSub, c.ArithImm(ir.OpAdd, pseudo, rest), sum)
	c.GuardImm(ir.Ne, c.Arith(ir.OpFold, difference), 0xffff, slowpath.PartialChecksum)
}

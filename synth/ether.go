package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places in the frame.
const (
	atDestMAC   = 0
	atSourceMAC = 8 // the last four bytes of it; the first two stand in one word with the destination
	atEtherType = 12
	atHeader    = 14
	atTOS       = 15
	atTotal     = 16
	atFragment  = 20
	atTTL       = 22
	atHeaderSum = 24
	atProtocol  = 23
	atSource    = 26
	atDest      = 30
	atPayload   = 34
)

const etherHeader = 14

// ether wants a whole header, untagged, and addressed to exactly this interface, which what a bridge takes for its own has been
// found to be already.
func (c *compiler) ether() bool {
	c.Bound(atPayload, slowpath.Short)
	if _, bridged := bridgeOf(c.snapshot, c.port); bridged {
		return true
	}
	mac := c.link.MAC
	c.GuardImm(ir.Eq, c.LoadLE(atDestMAC, 4), uint64(binary.LittleEndian.Uint32(mac[:])), slowpath.OtherHost)
	c.GuardImm(ir.Eq, c.LoadLE(atDestMAC+4, 2), uint64(binary.LittleEndian.Uint16(mac[4:])), slowpath.OtherHost)
	return true
}

// metadata wants nothing beside the frame that a redirect would lose: no VLAN tag, and no checksum that is yet to be
// completed. A frame that was redirected here has no socket buffer, and so neither.
func (c *compiler) metadata() {
	if c.port.Kind != kindVeth {
		return
	}
	buffer, next := c.NewBlock("buffer"), c.NewBlock("bare")
	c.If(ir.Ne, c.Meta(ir.MetaBuffer), c.Const(0), buffer, next, true)
	c.Start(buffer)
	c.GuardImm(ir.Eq, c.Meta(ir.MetaVLAN), 0, slowpath.VLANTag)
	if c.knowsPartial() {
		c.GuardImm(ir.Eq, c.Meta(ir.MetaPartial), 0, slowpath.PartialChecksum)
	}
	c.Jump(next)
	c.Start(next)
}

// version wants IPv4 without options: one compare of the three bytes that say so. Which of them is wrong is found out
// where it costs nothing, and IPv6 goes its own way from there.
func (c *compiler) version() bool {
	if c.left[layout4] != slowpath.None {
		c.others(c.left[layout4])
		return false
	}
	const plain = 0x450008 // 08 00 45 as they stand in the frame
	other, next := c.block("other"), c.block("ipv4")
	three := c.ArithImm(ir.OpAnd, c.LoadLE(atEtherType, 4), 0xffffff)
	c.If(ir.Ne, three, c.Const(plain), other, next, true)
	c.Start(other)
	c.others(slowpath.Version)
	c.Start(next)
	return true
}

// others is for what is not plain IPv4; IPv4 that is not plain is left to the kernel for a Reason, as is what only
// claims to be IPv6.
func (c *compiler) others(four slowpath.Reason) {
	kind := c.Load(atEtherType, 2)
	if c.arm != armChoose { // which begins where IPv6 has gone its way
		const plain, bits = 0x60dd86, 0xf0ffff // 86 dd 6x as they stand in the frame
		six, not := c.block("ipv6"), c.block("not-ipv6")
		c.If(ir.Eq, c.ArithImm(ir.OpAnd, c.LoadLE(atEtherType, 4), bits), c.Const(plain), six, not, false)
		arm := c.arm
		c.asides = append(c.asides, func() { c.ipv6(six, arm) })
		c.Start(not)
		reason := c.left[layout6]
		if reason == slowpath.None {
			reason = slowpath.Version
		}
		c.GuardImm(ir.Ne, kind, layout6.ether, reason)
		c.takeTagged(kind)
	}
	c.GuardImm(ir.Eq, kind, layout4.ether, slowpath.NotIP)
	c.Punt(four)
}

// ipv6 is the arm for IPv6.
func (c *compiler) ipv6(start *ir.Block, arm string) {
	c.Start(start)
	if reason := c.left[layout6]; reason != slowpath.None {
		c.Punt(reason)
	} else if c.stages(arm, layout6, early{}) {
		c.last()
	}
}

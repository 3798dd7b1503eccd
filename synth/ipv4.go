package synth

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// fragment wants a packet that is none: MF clear and no offset.
func (c *compiler) fragment() bool {
	const moreOrOffset = 0xff3f << 16 // 3f ff as they stand in the frame, behind the identification
	c.GuardImm(ir.NoneSet, c.LoadLE(atFragment-2, 4), moreOrOffset, slowpath.Fragment)
	return true
}

// checksum adds up the header in words of four bytes: folded, the sum is that of its halves, 0xffff where all is well.
// Adding does not mind the order of bytes.
func (c *compiler) checksum() bool {
	p := &c.pkt
	sum := (*ir.Value)(nil)
	for i := range p.header {
		p.header[i] = c.LoadLE(atHeader+4*i, 4)
		if sum == nil {
			sum = p.header[i]
		} else {
			sum = c.Arith(ir.OpAdd, sum, p.header[i])
		}
	}
	c.GuardImm(ir.Eq, c.Arith(ir.OpFold, sum), 0xffff, slowpath.HeaderChecksum)
	return true
}

// ttlWord is the word of the header that starts with the TTL: TTL, protocol, checksum.
const ttlWord = (atTTL - atHeader) / 4

func (c *compiler) ttl() bool {
	c.GuardImm(ir.Gt, c.ArithImm(ir.OpAnd, c.pkt.header[ttlWord], 0xff), 1, slowpath.TTL)
	return true
}

// countDown4 takes one from the TTL and mends the checksum as the kernel's ip_decrease_ttl does: it adds one to the half of
// the checksum that holds the TTL's part, and one more where that comes to 0xffff or past it.
func (c *compiler) countDown4() {
	const (
		step  = 1<<16 - 1    // one more in the checksum, one less in the TTL
		carry = 0xfffe << 16 // from here on, one more comes to 0xffff
	)
	word := c.pkt.header[ttlWord]
	add := c.Select(ir.Ge, word, c.Const(carry), c.Const(step+1<<16), c.Const(step))
	c.StoreLE(atTTL, 4, c.Arith(ir.OpAdd, word, add))
}

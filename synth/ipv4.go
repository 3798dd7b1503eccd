package synth

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// leastFrame is the length, without its checksum, to which Ethernet fills up shorter frames.
const leastFrame = 60

// length wants the frame to end where the packet does. A network card's frame may be filled up to the least length; the
// kernel would cut that off, and the next card fill it up again. On a software device nothing fills frames up.
func (c *compiler) length() bool {
	p := &c.pkt
	p.length = c.Load(c.ip.total, 2)
	if c.ip.rest > 0 {
		p.length = c.ArithImm(ir.OpAdd, p.length, c.ip.rest)
	}
	frame, want := c.frameLength(), c.ArithImm(ir.OpAdd, p.length, etherHeader)
	p.frame = want
	if software(c.port) {
		c.Guard(ir.Eq, frame, want, slowpath.Length)
		return true
	}
	filled, next := c.block("filled"), c.block("whole")
	c.If(ir.Ne, frame, want, filled, next, true)
	c.Start(filled)
	c.GuardImm(ir.Le, frame, leastFrame, slowpath.Length)
	c.Guard(ir.Lt, want, frame, slowpath.Length)
	if !c.ip.six {
		c.GuardImm(ir.Ge, p.length, uint64(c.ip.header), slowpath.Length)
	}
	c.Jump(next)
	c.Start(next)
	return true
}

// frameLength is that of the frame, without its tag.
func (c *compiler) frameLength() *ir.Value {
	n := c.Meta(ir.MetaLen)
	if c.Tag != 0 {
		n = c.ArithImm(ir.OpSub, n, uint64(c.Tag))
	}
	return n
}

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

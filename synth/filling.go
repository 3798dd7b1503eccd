package synth

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// leastFrame is the length, without its checksum, to which Ethernet fills up shorter frames.
const leastFrame = 60

// mostCards bounds the network cards that a program tells from other outgoing interfaces.
const mostCards = 32

// fillsUp tells whether a link sends short frames filled up with zeros, as the hardware of Ethernet does (IEEE 802.3, 4.2.8);
// what a hypervisor takes from its guest's driver stays as short as it is.
func fillsUp(l introspect.Link) bool {
	virtual := strings.HasPrefix(l.Bus, "xen") || slices.Contains([]string{"virtio", "vmbus", "vio"}, l.Bus)
	return l.Kind == kindPlain && !virtual
}

// cards are the links that fill frames up.
func cards(s *introspect.Snapshot) (all []introspect.Index) {
	for i, l := range s.Links.All() {
		if fillsUp(l) {
			all = append(all, i)
		}
	}
	return all
}

// length wants the frame to end where the packet does. A network card's frame may be filled up to the least length, which
// is made good when it is sent. On a software device nothing fills frames up.
func (c *compiler) length() bool {
	p := &c.pkt
	p.length = c.Load(c.ip.total, 2)
	if c.ip.rest > 0 {
		p.length = c.ArithImm(ir.OpAdd, p.length, c.ip.rest)
	}
	frame, want := c.frameLength(), c.ArithImm(ir.OpAdd, p.length, etherHeader)
	p.frame = want
	if software(c.port) || len(cards(c.snapshot)) > mostCards {
		c.Guard(ir.Eq, frame, want, slowpath.Length)
		return true
	}
	p.filled = c.Arith(ir.OpSub, frame, want)
	filled, next := c.block("filled"), c.block("whole")
	c.If(ir.Ne, p.filled, c.Const(0), filled, next, true)
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

// redirect sends the frame. The kernel cuts off what fills it up, and the next card fills it up with zeros: to a card it
// goes as that would send it, so that no driver has to know what to do with a frame that is too short.
func (c *compiler) redirect(to hop) {
	if c.pkt.filled == nil {
		c.Redirect(to.port)
		return
	}
	if c.Tag != 0 {
		to.name += "-tagged"
	}
	cut, sent := c.block("cut"+to.name), c.block("sent"+to.name)
	c.If(ir.Ne, c.pkt.filled, c.Const(0), cut, sent, true)
	c.Start(cut)
	var card *ir.Block
	for _, i := range cards(c.snapshot) {
		if card == nil {
			card = c.block("card" + to.name)
		}
		other := c.block("not-" + strconv.Itoa(int(i)) + to.name)
		c.If(ir.Eq, to.port, c.Const(uint64(i)), card, other, false)
		c.Start(other)
	}
	c.Trim(c.pkt.filled, c.Const(0))
	c.Jump(sent)
	if card != nil {
		c.Start(card)
		length, least := c.ArithImm(ir.OpAdd, c.pkt.frame, uint64(c.Tag)), c.Const(leastFrame)
		c.Trim(c.pkt.filled, c.Select(ir.Lt, length, least, c.Arith(ir.OpSub, least, length), c.Const(0)))
		c.Jump(sent)
	}
	c.Start(sent)
	c.Redirect(to.port)
}

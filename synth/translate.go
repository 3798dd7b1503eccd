package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// translating sends packets of connections whose addresses are translated.
func (c *compiler) translating(send hop) {
	if t := c.pkt.connection; t == nil || !t.Table.Tracking.NAT {
		return
	}
	plain, change := c.block("own"), c.block("translate")
	status := c.Field(c.pkt.connection, "status")
	c.If(ir.AnySet, status, c.Const(ir.StatusSourceNAT|ir.StatusDestNAT), change, plain, false)
	c.Start(change)
	tcp, udp := c.block("nat-tcp"), c.block("nat-udp")
	c.If(ir.Eq, c.Load(c.ip.protocol, 1), c.Const(unix.IPPROTO_TCP), tcp, udp, false)
	c.Start(tcp)
	send.name = "-tcp"
	c.Bound(c.ip.end()+endTCP, slowpath.Short)
	at := c.ip.end() + atTCPChecksum
	c.translate(send, at, func(mended *ir.Value) *ir.Value { return mended })
	c.Start(udp)
	send.name = "-udp"
	c.Bound(c.ip.end()+endUDP, slowpath.Short)
	at = c.ip.end() + atUDPChecksum
	none := c.Const(0)
	c.translate(send, at, func(mended *ir.Value) *ir.Value {
		written := c.Select(ir.Eq, mended, none, c.Const(0xffff), mended)
		return c.Select(ir.Eq, c.Load(at, 2), none, none, written)
	})
	c.Start(plain)
}

// translate gives the packet the addresses and ports of its connection, mends the checksums, counts it down and sends it.
// Checksums come out as the kernel's do, whose order of steps does not matter: as long as one is done, the sum that is
// taken from 0xffff is not zero.
func (c *compiler) translate(send hop, atSum int, written func(*ir.Value) *ir.Value) {
	const oneLess = 0xffff - 0x100 // in the word of TTL and protocol
	end, hops := c.ip.end(), c.ArithImm(ir.OpSub, c.Load(c.ip.hops, 1), 1)
	places := append(append([]int{}, c.ip.source...), c.ip.dest...)
	words := append(c.translated("source"), c.translated("dest")...)
	ports := []*ir.Value{c.Field(c.pkt.connection, "sport"), c.Field(c.pkt.connection, "dport")}
	addrs := c.changes(places, words, c.ip.word)
	sum := written(c.mended(atSum, c.Arith(ir.OpAdd, addrs, c.changes([]int{end, end + 2}, ports, 2))))
	var header *ir.Value
	if !c.ip.six {
		header = c.mended(atHeaderSum, c.ArithImm(ir.OpAdd, addrs, oneLess))
	}
	c.begin(send, func() {
		for i, at := range places {
			c.Store(at, c.ip.word, words[i])
		}
		c.Store(c.ip.hops, 1, hops)
		if header != nil {
			c.Store(atHeaderSum, 2, header)
		}
		c.Store(end, 2, ports[0])
		c.Store(end+2, 2, ports[1])
		c.Store(atSum, 2, sum)
		c.redirect(send)
	})
}

// changes adds up what words take away from a checksum's sum and what they add, not folded: each word that stands in the
// packet is exchanged for another.
func (c *compiler) changes(places []int, words []*ir.Value, width uint8) *ir.Value {
	var sum *ir.Value
	add := func(v *ir.Value) {
		if sum == nil {
			sum = v
		} else {
			sum = c.Arith(ir.OpAdd, sum, v)
		}
	}
	for i, at := range places {
		for part := at; part < at+int(width); part += min(int(width), 4) {
			add(c.ArithImm(ir.OpXor, c.Load(part, min(width, 4)), ir.Ones(8*min(int(width), 4))))
		}
		if width <= 4 {
			add(words[i])
			continue
		}
		add(c.ArithImm(ir.OpShr, words[i], 32))
		add(c.ArithImm(ir.OpAnd, words[i], 0xffffffff))
	}
	return sum
}

// mended is the checksum at a place after changes.
func (c *compiler) mended(at int, changes *ir.Value) *ir.Value {
	const nothing = 0xffff // when folded, and not zero
	left := c.ArithImm(ir.OpXor, c.Load(at, 2), 0xffff)
	sum := c.ArithImm(ir.OpAdd, c.Arith(ir.OpAdd, changes, left), nothing)
	return c.ArithImm(ir.OpXor, c.Arith(ir.OpFold, sum), 0xffff)
}

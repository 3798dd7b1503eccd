package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/ir"
)

// translate gives the packet the addresses and ports of its connection, where these are translated, and mends the
// checksums; it counts the packet down as well. Checksums come out as the kernel's do, whose order of steps does not
// matter: as long as one is done, the sum that is taken from 0xffff is not zero.
func (c *compiler) translate() {
	plain, change, next := c.block("own"), c.block("translate"), c.block("redirect")
	status := c.Field(c.pkt.connection, "status")
	c.If(ir.AnySet, status, c.Const(ir.StatusSourceNAT|ir.StatusDestNAT), change, plain, false)
	c.Start(plain)
	c.countDown()
	c.Jump(next)
	c.Start(change)
	protocol, hops := c.Load(c.ip.protocol, 1), c.Load(c.ip.hops, 1)
	places := append(append([]int{}, c.ip.source...), c.ip.dest...)
	words := append(c.translated("source"), c.translated("dest")...)
	addrs := c.changes(places, words, c.ip.word)
	end := c.ip.end()
	ports := []*ir.Value{c.Field(c.pkt.connection, "sport"), c.Field(c.pkt.connection, "dport")}
	sum := c.Arith(ir.OpAdd, addrs, c.changes([]int{end, end + 2}, ports, 2))
	if !c.ip.six {
		const oneLess = 0xffff - 0x100 // in the word of TTL and protocol
		c.Store(atHeaderSum, 2, c.mended(atHeaderSum, c.ArithImm(ir.OpAdd, addrs, oneLess)))
	}
	c.Store(c.ip.hops, 1, c.ArithImm(ir.OpSub, hops, 1))
	tcp, udp := c.block("nat-tcp"), c.block("nat-udp")
	for i, at := range places {
		c.Store(at, c.ip.word, words[i])
	}
	c.Store(end, 2, ports[0])
	c.Store(end+2, 2, ports[1])
	c.If(ir.Eq, protocol, c.Const(unix.IPPROTO_TCP), tcp, udp, false)
	c.Start(tcp)
	c.Store(end+atTCPChecksum, 2, c.mended(end+atTCPChecksum, sum))
	c.Jump(next)
	c.Start(udp)
	none := c.Const(0)
	was, mended := c.Load(end+atUDPChecksum, 2), c.mended(end+atUDPChecksum, sum)
	written := c.Select(ir.Eq, mended, none, c.Const(0xffff), mended)
	c.Store(end+atUDPChecksum, 2, c.Select(ir.Eq, was, none, none, written))
	c.Jump(next)
	c.Start(next)
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

package oracle

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// tagging puts VLAN tags into the frames of a generator: mostly those that a configuration is about, and now and then
// others, several, half of one or none.
type tagging struct {
	packets
	*rand.Rand
	c   vlanRouter
	own net.HardwareAddr // of r0
	mac net.HardwareAddr // whom most frames are for
	mtu int              // of a0
}

func (b *bed) tagging(c vlanRouter, seed uint64) *tagging {
	h := fnv.New64a()
	h.Write([]byte(c.name))
	g := &tagging{packets: b.generator(c.config, seed), Rand: rand.New(rand.NewPCG(seed^h.Sum64(), 2)), c: c, own: b.net.Ports[0].MAC}
	g.mac, _ = net.ParseMAC(c.mac)
	g.mtu = cmp.Or(c.mtu, 1500)
	return g
}

func (g *tagging) frames(n int) [][]byte {
	all := g.packets.frames(n)
	for i, f := range all {
		all[i] = g.frame(f)
	}
	return all
}

// datagrams are frames with nothing odd about their tags.
func (g *tagging) datagrams(n int) [][]byte {
	all := g.packets.datagrams(n)
	for i, f := range all {
		all[i] = g.plain(f, uint16(pick(g.Rand, g.c.in...)))
	}
	return all
}

func (g *tagging) frame(f []byte) []byte {
	vid := uint16(pick(g.Rand, g.c.in...))
	if g.mac != nil && bytes.HasPrefix(f, g.own) && g.IntN(12) > 0 {
		copy(f, g.mac)
	}
	if g.IntN(7) == 0 {
		return sendable(g.odd(f, vid), g.mtu)
	}
	return g.plain(f, vid)
}

// plain tags a frame, with a priority as often as not.
func (g *tagging) plain(f []byte, vid uint16) []byte {
	if vid != 0 {
		f = withTag(f, g.protocol(), vid|uint16(g.IntN(2)*g.IntN(16))<<12)
	}
	return sendable(f, g.mtu)
}

func (g *tagging) protocol() uint16 {
	if g.c.ad {
		return 0x88a8
	}
	return 0x8100
}

// odd makes of a frame one that is in no VLAN, in another one, or in several.
func (g *tagging) odd(f []byte, vid uint16) []byte {
	other := pick(g.Rand, vid+1, vid-1, vid^0x100, 11, 20, 5, 1, 0xfff, 0xffe, uint16(g.IntN(4096))) & 0xfff
	tagged := withTag(f, g.protocol(), vid)
	switch g.IntN(11) {
	case 0:
		return f
	case 1: // of no VLAN, with or without priority
		return withTag(f, g.protocol(), uint16(g.IntN(16))<<12)
	case 2, 3:
		return withTag(f, g.protocol(), other|uint16(g.IntN(16))<<12)
	case 4: // the other kind of tag, and such as are none
		return withTag(f, pick(g.Rand, g.protocol()^0x8100^0x88a8, 0x9100, 0x9200, 0x8101, 0x0081), vid)
	case 5:
		return withTag(tagged, pick(g.Rand, g.protocol(), 0x88a8, 0x8100), pick(g.Rand, vid, other, 0))
	case 6:
		return withTag(withTag(f, pick(g.Rand, g.protocol(), 0x88a8, 0x8100), other), g.protocol(), vid)
	case 7: // cut within the tag, or right behind it
		return tagged[:lab.OffIP+g.IntN(5)]
	case 8:
		return tagged[:min(len(tagged), lab.OffIP+g.IntN(64))]
	case 9:
		tagged = slices.Clone(tagged)
		tagged[g.IntN(lab.OffIP+4)] ^= 1 << g.IntN(8)
	default: // padded as only a tagged frame is
		for len(tagged) < lab.MinFrame+4 || g.IntN(3) == 0 {
			tagged = append(tagged, byte(g.IntN(256)))
		}
	}
	return tagged
}

// withTag is a frame with a tag behind its MACs.
func withTag(f []byte, protocol, tci uint16) []byte {
	tag := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, protocol), tci)
	return slices.Concat(f[:lab.OffEtherType], tag, f[lab.OffEtherType:])
}

// sendable cuts off what a0 would not take: frames of VLANs may be four bytes longer than others.
func sendable(f []byte, mtu int) []byte {
	most := mtu + lab.OffIP
	if f[lab.OffEtherType] == 0x81 && f[lab.OffEtherType+1] == 0 {
		most += 4
	}
	return f[:min(len(f), most)]
}

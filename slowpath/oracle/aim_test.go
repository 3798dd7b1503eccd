package oracle

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
)

// aimed makes packets of both families around the values that a ruleset names: each field is now on a value, now just
// beside it, now anything.
type aimed struct {
	*rand.Rand
	four    *generator
	six     *generator6
	numbers []uint16
}

// fields says where the fields of a frame stand.
type fields struct{ l4, next, ttl, src, dst, size int }

var (
	fields4 = fields{lab.OffL4, lab.OffProtocol, lab.OffTTL, lab.OffSrc, lab.OffDst, 4}
	fields6 = fields{lab.Off6L4, lab.Off6Next, lab.Off6HopLimit, lab.Off6Src, lab.Off6Dst, 16}
)

func newAimed(seed uint64, n *lab.Network, c config) *aimed {
	addresses, numbers := values(c.rules)
	four, six := families(c.targets)
	for _, p := range addresses {
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	g := newGenerator(seed, n, four)
	return &aimed{g.Rand, g, &generator6{generator: newGenerator(seed+1, n, nil), targets: six}, numbers}
}

// values finds the addresses, prefixes and small numbers in a ruleset.
func values(text string) (addresses []netip.Prefix, numbers []uint16) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefx.:/", r) }) {
		if p, err := netip.ParsePrefix(word); err == nil {
			addresses = append(addresses, p)
		} else if a, err := netip.ParseAddr(word); err == nil {
			addresses = append(addresses, netip.PrefixFrom(a, a.BitLen()))
		} else if n, err := strconv.ParseUint(word, 0, 16); err == nil {
			numbers = append(numbers, uint16(n))
		}
	}
	return addresses, append(numbers, 0, 1, 22, 53, 80, 443, 0xffff)
}

func (g *aimed) frames(n int) [][]byte { return g.many(n, g.frame) }

func (g *aimed) datagrams(n int) [][]byte { return g.many(n, g.valid) }

func (g *aimed) many(n int, one func() []byte) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = one()
	}
	return all
}

// frame is mostly sound: what is broken is left to the kernel, whatever the ruleset says.
func (g *aimed) frame() []byte {
	f := g.valid()
	f = f[:min(len(f), g.four.mtu+14)]
	if g.IntN(8) > 0 {
		return f
	}
	if f[lab.OffEtherType] == 8 {
		return g.four.perhaps(f, g.four.broken)
	}
	return g.six.perhaps(f, g.six.broken)
}

func (g *aimed) valid() []byte {
	if g.IntN(2) == 0 {
		return g.aim(g.four.valid(), fields4, g.four.targets, g.four.near)
	}
	return g.aim(g.six.valid(), fields6, g.six.targets, g.six.near)
}

// aim moves fields of a frame to where the ruleset looks.
func (g *aimed) aim(f []byte, l fields, targets []netip.Prefix, near func(netip.Prefix) netip.Addr) []byte {
	f = g.resized(f, l)
	for _, off := range []int{l.src, l.dst} {
		if len(targets) > 0 && g.IntN(2) == 0 {
			copy(f[off:off+l.size], near(targets[g.IntN(len(targets))]).AsSlice())
		}
	}
	if g.IntN(8) == 0 {
		f[l.next] = byte(pick(g.Rand, 6, 17, 33, 47, 50, 51, 132, 136, g.number()))
	}
	if g.IntN(6) == 0 {
		f[l.ttl] = byte(g.number())
	}
	if g.IntN(3) == 0 {
		g.class(f, byte(pick(g.Rand, g.number(), g.number()<<2)))
	}
	if f[l.next] == 6 && g.IntN(3) > 0 {
		f[l.l4+13] = pick(g.Rand, byte(0x10), 0x18, 0x02, 0x12, 0x11, 0x04, 0x14, 0x01, 0, 0x3f, 0xd0)
	}
	for _, off := range []int{l.l4, l.l4 + 2} {
		if f[l.next] != 1 && f[l.next] != 58 && g.IntN(4) > 0 {
			binary.BigEndian.PutUint16(f[off:], g.number())
		}
	}
	if l.size == 4 {
		lab.SetHeaderChecksum(f)
	}
	lab.SetL4Checksum(f)
	return f
}

// number is one of the ruleset, or a neighbour of one, or any.
func (g *aimed) number() uint16 {
	n := g.numbers[g.IntN(len(g.numbers))]
	switch g.IntN(8) {
	case 0:
		return n + 1
	case 1:
		return n - 1
	case 2:
		return uint16(g.Uint32())
	}
	return n
}

// class writes the TOS or traffic class.
func (g *aimed) class(f []byte, class byte) {
	if f[lab.OffEtherType] == 8 {
		f[lab.OffIP+1] = class
		return
	}
	f[lab.OffIP] = f[lab.OffIP]&0xf0 | class>>4
	f[lab.OffIP+1] = f[lab.OffIP+1]&0x0f | class<<4
}

// resized makes some frames as long as a number of the ruleset says.
func (g *aimed) resized(f []byte, l fields) []byte {
	n := int(g.number())
	if g.IntN(5) > 0 || n < l.l4-lab.OffIP+24 || n > 1500 {
		return f
	}
	for len(f) < lab.OffIP+n {
		f = append(f, 0)
	}
	f = f[:max(lab.OffIP+n, lab.MinFrame)]
	if l.size == 4 {
		binary.BigEndian.PutUint16(f[lab.OffTotal:], uint16(n))
	} else {
		binary.BigEndian.PutUint16(f[lab.Off6Length:], uint16(n-40))
	}
	if f[l.next] == 17 {
		binary.BigEndian.PutUint16(f[l.l4+4:], uint16(n-(l.l4-lab.OffIP)))
	}
	return f
}

package synth

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/hone-net/hone/synth/ir"
)

// prefix is an IPv4 prefix as one number: the address and, in the low byte, the length.
type prefix uint64

func prefixOf(p netip.Prefix) prefix { return newPrefix(addr4(p.Addr()), p.Bits()) }

func newPrefix(addr uint32, length int) prefix {
	return prefix(addr&maskOf(length))<<8 | prefix(length)
}

func hostPrefix(a netip.Addr) prefix { return newPrefix(addr4(a), 32) }

func (p prefix) addr() uint32  { return uint32(p >> 8) }
func (p prefix) len() int      { return int(p & 0xff) }
func (p prefix) width() int    { return 32 }
func (p prefix) ir() ir.Prefix { return ir.Prefix{Addr: p.addr(), Len: p.len()} }

func (p prefix) cut(length int) prefix { return newPrefix(p.addr(), length) }

func (p prefix) compare(q prefix) int { return cmp.Compare(p, q) }

// covers tells whether every address of q is one of p.
func (p prefix) covers(q prefix) bool {
	return p.len() <= q.len() && q.addr()&maskOf(p.len()) == p.addr()
}

func (p prefix) netip() netip.Prefix { return netip.PrefixFrom(netipAddr(p.addr()), p.len()) }

// String gives the prefix in the usual notation.
func (p prefix) String() string { return fmt.Sprint(p.netip()) }

func maskOf(length int) uint32 { return uint32(0xffffffff << (32 - length) & 0xffffffff) }

func addr4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func netipAddr(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// martians are the prefixes of which no address is ever a fast packet's: "this" network, loopback, multicast, reserved.
var martians = []prefix{newPrefix(0, 8), newPrefix(127<<24, 8), newPrefix(224<<24, 3)}

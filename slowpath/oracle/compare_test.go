package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
)

// comparable gives the part of a frame that the kernel decides alike each time, nil if there is none: not the ARP
// requests, which come by time, not ICMP redirects, which are rare by time, and of the router's own packets neither the
// identification, which it counts up, nor the checksum over it.
//
// What follows the datagram in a frame of the least length is padding: the kernel cuts it off, and the next Ethernet
// device, which has no choice, puts it there again.
func (b *bed) comparable(port uint32, f []byte) []byte {
	if len(f) < lab.OffIP {
		return f
	}
	switch binary.BigEndian.Uint16(f[lab.OffEtherType:]) {
	case 0x0806:
		if len(f) >= 22 && f[21] == 1 {
			return nil
		}
	case 0x0800:
		if len(f) >= lab.OffL4 {
			return b.comparableIP(port, f)
		}
	case 0x86dd:
		if len(f) >= lab.Off6L4 {
			return b.comparableIP6(port, f)
		}
	case 0x8100, 0x88a8:
		if len(f) >= lab.OffIP+4 {
			return b.comparableTagged(port, f)
		}
	}
	return f
}

// comparableTagged gives the part of a frame behind a VLAN tag that the kernel decides alike each time, and the tag.
func (b *bed) comparableTagged(port uint32, f []byte) []byte {
	tag, bare := slices.Clone(f[lab.OffEtherType:lab.OffIP+2]), slices.Concat(f[:lab.OffEtherType], f[lab.OffIP+2:])
	if bare = b.comparable(port, bare); bare == nil || b.beside {
		return bare
	}
	return slices.Concat(bare[:lab.OffEtherType], tag, bare[lab.OffEtherType:])
}

func (b *bed) comparableIP(port uint32, f []byte) []byte {
	if end := lab.OffIP + int(binary.BigEndian.Uint16(f[lab.OffTotal:])); end < len(f) && len(f) <= lab.MinFrame && end >= lab.OffL4 {
		f = f[:end]
	}
	if f[lab.OffIP] > 0x45 {
		return withoutOptions(f)
	}
	if in := tunnelled(f); len(in) >= lab.OffL4 && (in[lab.OffIP] > 0x45 || bounded(in) || b.comparable(port, in) == nil) {
		return nil // options may hold a time
	}
	if !b.own[netip.AddrFrom4([4]byte(f[lab.OffSrc:lab.OffDst]))] && !answers(port, f) {
		return f
	}
	if bounded(f) {
		return nil
	}
	f = slices.Clone(f)
	clear(f[lab.OffID : lab.OffID+2])
	clear(f[lab.OffChecksum : lab.OffChecksum+2])
	if timed(f) {
		clear(f[lab.OffL4+2:])
	}
	return f
}

// bounded tells whether a message of the kernel's own comes by time, or not when it has had enough of it: redirects, that
// the rest of fragments did not come, and unreachable routes, of which a receiver gets five at a time and one a second from
// then on. The hosts in 100.64/10 send one packet or two.
func bounded(f []byte) bool {
	if f[lab.OffProtocol] != 1 || len(f) < lab.OffL4+2 {
		return false
	}
	kind, code := f[lab.OffL4], f[lab.OffL4+1]
	often := f[lab.OffDst] != 100 || f[lab.OffDst+1]&0xc0 != 64
	return kind == 5 || kind == 11 && code == 1 || kind == 3 && (code <= 1 || code == 13) && often
}

// tunnelled gives the frame in a packet of IPIP, with room for an Ethernet header, or of Ethernet over GRE, VXLAN or
// Geneve; nil if f is none.
func tunnelled(f []byte) []byte {
	const gre = lab.OffL4 + 4
	const outer = lab.OffL4 + 8 + 8 // UDP, and the tunnel's header
	switch {
	case f[lab.OffProtocol] == 4:
		return append(make([]byte, lab.OffIP), f[lab.OffL4:]...)
	case f[lab.OffProtocol] == 47 && len(f) > gre:
		return f[gre:]
	case f[lab.OffProtocol] == 17 && len(f) > outer:
		if port := binary.BigEndian.Uint16(f[lab.OffL4+2:]); port == 4789 || port == 6081 {
			return f[outer:]
		}
	}
	return nil
}

// answers tells whether a packet may be the router's although its source is none of the addresses of its devices: where
// a whole prefix is local, all that goes back to A, and ICMP that has just begun.
func answers(port uint32, f []byte) bool {
	return port == 0 && f[lab.OffProtocol] <= 6 || f[lab.OffProtocol] == 1 && f[lab.OffTTL] == 64
}

// timed tells whether a packet of the router's own carries a time, or another packet that may carry one: timestamp
// replies, errors about packets with options, and VXLAN.
func timed(f []byte) bool {
	if len(f) < lab.OffL4+4 {
		return false
	}
	if f[lab.OffProtocol] == 1 {
		kind := f[lab.OffL4]
		quotesOptions := (kind == 3 || kind == 11 || kind == 12) && len(f) > lab.OffL4+8 && f[lab.OffL4+8] > 0x45
		return kind == 14 || quotesOptions
	}
	return f[lab.OffProtocol] == 17 && binary.BigEndian.Uint16(f[lab.OffL4+2:]) == 4789
}

// withoutOptions wipes the options, into which the kernel may have written the time, and the checksum over them; of
// ICMP errors about such packets, too, what they quote. IGMP reports of the router go altogether.
func withoutOptions(f []byte) []byte {
	end := lab.OffIP + int(f[lab.OffIP]&15)*4
	if f[lab.OffProtocol] == 2 && f[lab.OffDst] == 224 || end > len(f) {
		return nil
	}
	f = slices.Clone(f)
	if f[lab.OffProtocol] == 1 && f[lab.OffTTL] >= 63 {
		end = len(f)
		clear(f[lab.OffID : lab.OffID+2])
	}
	clear(f[lab.OffL4:end])
	clear(f[lab.OffChecksum : lab.OffChecksum+2])
	return f
}

// describe shows what differs between two runs of the same frames.
func describe(kernel, fast arrivals) string {
	var out strings.Builder
	show := func(who string, mine, other arrivals) {
		shown := 0
		for _, a := range mine {
			if !slices.Contains(other, a) && shown < 3 {
				shown++
				fmt.Fprintf(&out, "  only the %s: port %d %s\n", who, a[0], hex.EncodeToString([]byte(a[1:])))
			}
		}
	}
	show("kernel", kernel, fast)
	show("fast path", fast, kernel)
	if out.Len() == 0 {
		return fmt.Sprintf("  kernel %d frames, fast path %d, of the same bytes\n", len(kernel), len(fast))
	}
	return out.String()
}

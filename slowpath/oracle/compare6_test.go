package oracle

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// comparableIP6 gives the part of an IPv6 frame that the kernel decides alike each time, nil if there is none: of the
// router's own, not what comes by time (solicitations, reports of multicast listeners) or is rare by time (redirects),
// and neither flow labels nor the identification of fragments.
func (b *bed) comparableIP6(port uint32, f []byte) []byte {
	length := int(binary.BigEndian.Uint16(f[lab.Off6Length:]))
	if end := lab.Off6L4 + length; end < len(f) && len(f) <= lab.MinFrame {
		f = f[:end]
	}
	source := netip.AddrFrom16([16]byte(f[lab.Off6Src:lab.Off6Dst]))
	own := b.own[source] || source.IsUnspecified() && f[0]&1 != 0 // to a group, from a device without an address
	// A device that comes up makes its link-local address in its own time.
	if (own || source.IsLinkLocalUnicast()) && timed6(f) {
		return nil
	}
	if !own && !(port == 0 && answers6(f)) {
		return f
	}
	f = slices.Clone(f)
	f[lab.OffIP+1] &= 0xf0
	clear(f[lab.OffIP+2 : lab.OffIP+4])
	if f[lab.Off6Next] == 44 && len(f) >= lab.Off6L4+8 {
		clear(f[lab.Off6L4+4 : lab.Off6L4+8])
	}
	return f
}

// timed6 tells whether a message of the router's own comes by time: neighbour and router solicitations, advertisements to
// all, redirects, that the rest of fragments did not come, and what has a hop-by-hop header, which are the reports of its
// multicast groups.
func timed6(f []byte) bool {
	if f[lab.Off6Next] == 0 {
		return true
	}
	if f[lab.Off6Next] != 58 || len(f) < lab.Off6L4+2 {
		return false
	}
	kind, code := f[lab.Off6L4], f[lab.Off6L4+1]
	return kind == 133 || kind == 135 || kind == 136 && f[0]&1 != 0 || kind == 137 || kind == 3 && code == 1
}

// answers6 tells whether a packet back to A may be the router's although its source is none of the addresses of its
// devices: where a whole prefix is local.
func answers6(f []byte) bool {
	return slices.Contains([]byte{6, 44, 58}, f[lab.Off6Next])
}

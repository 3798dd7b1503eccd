package oracle

import (
	"net/netip"
	"testing"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestComparableLeavesOutTime tells apart what the router says by time and the same words of somebody else, which have to
// be compared.
func TestComparableLeavesOutTime(t *testing.T) {
	router, stranger := netip.MustParseAddr("10.2.0.254"), netip.MustParseAddr("10.2.0.9")
	router6, stranger6 := netip.MustParseAddr("2001:db8:2::fe"), netip.MustParseAddr("2001:db8:2::9")
	b := &bed{own: map[netip.Addr]bool{router: true, router6: true}}
	group, host := netip.MustParseAddr("ff02::1"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		name string
		f    []byte
		kept bool
	}{
		{"fragments that did not come", icmp4(router, 11, 1), false},
		{"fragments of somebody else", icmp4(stranger, 11, 1), true},
		{"time exceeded", icmp4(router, 11, 0), true},
		{"echo reply", icmp4(router, 0, 0), true},
		{"ip6 fragments that did not come", icmp6(router6, host, 3, 1), false},
		{"ip6 fragments of somebody else", icmp6(stranger6, host, 3, 1), true},
		{"ip6 time exceeded", icmp6(router6, host, 3, 0), true},
		{"solicitation from an address that came late", icmp6(netip.MustParseAddr("fe80::77"), group, 135, 0), false},
		{"solicitation of somebody else", icmp6(stranger6, group, 135, 0), true},
		{"advertisement to all", icmp6(router6, group, 136, 0), false},
		{"advertisement to one", icmp6(router6, host, 136, 0), true},
		{"echo reply from a link-local address", icmp6(netip.MustParseAddr("fe80::77"), host, 129, 0), true},
	} {
		if kept := b.comparable(1, c.f) != nil; kept != c.kept {
			t.Errorf("%s: compared %v", c.name, kept)
		}
	}
}

// icmp4 is a message with a TTL that no host starts with.
func icmp4(from netip.Addr, kind, code byte) []byte {
	f := make([]byte, 100)
	f[lab.OffEtherType], f[lab.OffIP], f[lab.OffTotal+1], f[lab.OffTTL], f[lab.OffProtocol] = 8, 0x45, 86, 60, 1
	copy(f[lab.OffSrc:], from.AsSlice())
	copy(f[lab.OffDst:], []byte{192, 0, 2, 1})
	f[lab.OffL4], f[lab.OffL4+1], f[lab.OffL4+8] = kind, code, 0x45
	return f
}

func icmp6(from, to netip.Addr, kind, code byte) []byte {
	f := make([]byte, 100)
	f[0] = to.AsSlice()[0] & 1 // 33:33 for groups
	f[lab.OffEtherType], f[lab.OffEtherType+1], f[lab.OffIP], f[lab.Off6Length+1], f[lab.Off6Next] = 0x86, 0xdd, 0x60, 46, 58
	copy(f[lab.Off6Src:], from.AsSlice())
	copy(f[lab.Off6Dst:], to.AsSlice())
	f[lab.Off6L4], f[lab.Off6L4+1] = kind, code
	return f
}

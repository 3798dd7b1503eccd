package oracle

import (
	"net/netip"
	"strings"
)

// common6 gives every router IPv6: addresses that are usable at once, routes behind every port, and neighbours that need
// no time to fail and all the time there is to be used.
func (b *bed) common6() error {
	for _, device := range []string{"default", "r0", "r1", "r2", "r3"} {
		for name, value := range map[string]string{"accept_dad": "0", "dad_transmits": "0", "router_solicitations": "0",
			"addr_gen_mode": "1"} {
			if err := b.net.R.Sysctl("ipv6/conf/"+device+"/"+name, value); err != nil {
				return err
			}
		}
	}
	for _, s := range [][2]string{{"accept_dad", "0"}, {"forwarding", "1"}, {"disable_ipv6", "0"}} {
		if err := b.net.R.Sysctl("ipv6/conf/all/"+s[0], s[1]); err != nil {
			return err
		}
	}
	if err := b.patientNeighbours("ipv6", false); err != nil {
		return err
	}
	return b.net.R.Batch(strings.Split(strings.TrimSpace(commonLines6), "\n"))
}

// commonLines6 are commonLines for IPv6; the gateway fe80::b is behind every port.
const commonLines6 = `
addr add 2001:db8::fe/64 dev r0 nodad
addr add 2001:db8:2::fe/64 dev r1 nodad
addr add 2001:db8:3::fe/64 dev r2 nodad
addr add 2001:db8:4::fe/64 dev r3 nodad
addr add fe80::1:0/64 dev r0 nodad
addr add fe80::1:1/64 dev r1 nodad
addr add fe80::1:2/64 dev r2 nodad
addr add fe80::1:3/64 dev r3 nodad
neigh add 2001:db8::1 lladdr 02:00:00:00:0a:00 nud permanent dev r0
neigh add 2001:db8::2 lladdr 02:00:00:00:0c:12 nud permanent dev r0
neigh add 2001:db8:2::1 lladdr 02:00:00:00:0b:00 nud permanent dev r1
neigh add 2001:db8:3::1 lladdr 02:00:00:00:0b:01 nud permanent dev r2
neigh add 2001:db8:4::1 lladdr 02:00:00:00:0b:02 nud permanent dev r3
neigh add fe80::b lladdr 02:00:00:00:0a:00 nud permanent dev r0
neigh add fe80::b lladdr 02:00:00:00:0b:00 nud permanent dev r1
neigh add fe80::b lladdr 02:00:00:00:0b:01 nud permanent dev r2
neigh add fe80::b lladdr 02:00:00:00:0b:02 nud permanent dev r3
neigh add 2001:db8:2::2 lladdr 02:00:00:00:0c:02 nud permanent dev r1
neigh add 2001:db8:2::4 lladdr 02:00:00:00:0c:04 nud noarp dev r1
neigh add 2001:db8:2::5 lladdr 02:00:00:00:0c:05 nud stale dev r1
neigh add 2001:db8:2::6 lladdr 02:00:00:00:0c:06 nud reachable dev r1
neigh add 2001:db8:2::7 nud failed dev r1
route add 2001:db8:6400::/40 via 2001:db8::1
route add 2001:db8:1600::/40 via 2001:db8:2::1
route add 2001:db8:1605::/48 via 2001:db8:3::1
route add 2001:db8:1605:8000::/49 via 2001:db8:4::1
route add 2001:db8:1609::9/128 via 2001:db8:4::1
route add 2001:db8:1640::/42 via fe80::b dev r2`

// masked6 writes a prefix without the bits behind it.
func masked6(address string, bits int) string {
	return netip.PrefixFrom(netip.MustParseAddr(address), bits).Masked().String()
}

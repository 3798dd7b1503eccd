package bench

import (
	"errors"
	"fmt"
	"net/netip"
)

// enable6 gives the router IPv6 on its first two ports, and the gateways. The other ends have none: their frames are made
// and caught by programs.
func (r *rig) enable6() error {
	for _, s := range []string{"all/disable_ipv6", "default/disable_ipv6", "r0/disable_ipv6", "r1/disable_ipv6"} {
		if err := r.R.Sysctl("ipv6/conf/"+s, "0"); err != nil {
			return err
		}
	}
	if err := r.R.Sysctl("ipv6/conf/all/forwarding", "1"); err != nil {
		return err
	}
	lines := []string{"addr add 2001:db8::fe/64 dev r0 nodad", "addr add 2001:db8:2::fe/64 dev r1 nodad",
		fmt.Sprintf("neigh replace %s lladdr %s dev r0 nud permanent", ipv6.source, r.Ports[0].Peer.MAC)}
	return r.R.Batch(append(lines, gatewayLines(true)...))
}

// newRouter6 builds a rig of two ports with n prefixes 2001:db8:8000+i::/48 that are routed to the first sink, and sends
// to one address in each. It has room for more targets, if room is not 0.
func newRouter6(n, room int) (*rig, error) {
	var dsts []netip.Addr
	var lines []string
	for i := range n {
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0x80, byte(i)}), 48)
		dsts = append(dsts, within(p))
		lines = append(lines, fmt.Sprintf("route add %s via %s", p, gateway(true, 0)))
	}
	r, err := newRig(2, traffic{format: ipv6, dsts: dsts, room: room})
	if err != nil {
		return nil, err
	}
	if err := r.enable6(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	if err := r.R.Batch(lines); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// gateway is the sink's address number i, all on one link.
func gateway(six bool, i int) netip.Addr {
	last := byte(1 + i%gateways)
	if six {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 2, 15: last})
	}
	return netip.AddrFrom4([4]byte{10, 2, 0, last})
}

// gatewayLines make the gateways neighbours; the last byte of their MACs tells the sink which it was.
func gatewayLines(six bool) (lines []string) {
	for i := range gateways {
		lines = append(lines, fmt.Sprintf("neigh replace %s lladdr 02:00:00:00:0b:%02x dev r1 nud permanent", gateway(six, i), i))
	}
	return lines
}

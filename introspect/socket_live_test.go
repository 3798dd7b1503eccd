package introspect

import (
	"net"
	"net/netip"
	"testing"
)

// TestBound takes an address away under a socket, and sees that it is known as long as the socket is there.
func TestBound(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`ip link set lo up
			ip addr add 10.9.9.9/32 dev lo
			ip -6 addr add fd09::9/128 dev lo`)
		w := watchHere(t)
		defer w.Close()
		var open []net.Conn
		for from, to := range map[string]string{"10.9.9.9:5000": "127.0.0.1:4000", "[fd09::9]:5000": "[::1]:4000"} {
			c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from)), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			open = append(open, c)
		}
		if n := settle(t, w).Bound.Len(); n != 0 {
			t.Errorf("%d addresses that are not the host's, while all are", n)
		}
		run("ip addr del 10.9.9.9/32 dev lo\nip -6 addr del fd09::9/128 dev lo")
		s := settle(t, w)
		for _, a := range []string{"10.9.9.9", "fd09::9"} {
			if _, ok := s.Bound.Get(Address(netip.MustParseAddr(a))); !ok {
				t.Errorf("%s is not known to be a socket's", a)
			}
		}
		for _, c := range open {
			c.Close()
		}
		before := w.ledger.moved()
		if err := w.looker(readBound)(); err != nil || w.s.Bound.Len() != 0 || w.ledger.moved() == before {
			t.Errorf("%d addresses are left without sockets: %v", w.s.Bound.Len(), err)
		}
		same(t, w)
	})
}

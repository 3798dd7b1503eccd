package oracle

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// connect opens a UDP socket with an address that need not be the router's.
func connect(from, to netip.AddrPort) error {
	family, level, free := unix.AF_INET, unix.IPPROTO_IP, unix.IP_TRANSPARENT
	if from.Addr().Is6() {
		family, level, free = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	held = append(held, func() { unix.Close(fd) })
	return errors.Join(unix.SetsockoptInt(fd, level, free, 1), unix.Bind(fd, place(from)), unix.Connect(fd, place(to)))
}

func place(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// TestSockets sends packets to addresses that sockets of the router have, though they are not the router's, or no more: the
// kernel finds the socket, and drops them.
func TestSockets(t *testing.T) {
	needRoot(t)
	needTags(t)
	for _, c := range []struct {
		config
		local, remote string
	}{
		{config{name: "socket of another address"}, "172.16.1.5:5000", "100.64.0.7:4000"},
		{of6(config{name: "ip6 socket of another address"}), "[2001:db8:1609::9]:5000", "[2001:db8:6400::7]:4000"},
		{config{name: "socket whose address goes", setup: []string{"ip addr add 10.2.0.253/24 dev r1"},
			alter: []string{"ip addr del 10.2.0.253/24 dev r1", "ip neigh replace 10.2.0.253 lladdr 02:00:00:00:0d:53 nud permanent dev r1"}},
			"10.2.0.253:5000", "100.64.0.7:4000"},
		{of6(config{name: "ip6 socket whose address goes", setup: []string{"ip -6 addr add 2001:db8:2::fd/64 dev r1 nodad"},
			alter: []string{"ip -6 addr del 2001:db8:2::fd/64 dev r1",
				"ip -6 neigh replace 2001:db8:2::fd lladdr 02:00:00:00:0d:53 nud permanent dev r1"}}), "[2001:db8:2::fd]:5000", "[2001:db8:6400::7]:4000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			local, remote := netip.MustParseAddrPort(c.local), netip.MustParseAddrPort(c.remote)
			c.open = func() error { return connect(local, remote) }
			b := start(t, c.config)
			var frames [][]byte
			for i := range 40 {
				p := lab.Packet{DstMAC: b.net.Ports[0].MAC, SrcMAC: b.net.Ports[0].Peer.MAC, Src: remote.Addr(), Dst: local.Addr(),
					SrcPort: remote.Port(), DstPort: local.Port() + uint16(i%2), Payload: append(make([]byte, 31), byte(i))}
				frames = append(frames, p.Frame())
			}
			o, err := b.judge(c.config, fault{}, frames, frames)
			if err != nil || o.refused != slowpath.None {
				t.Fatalf("refused for %s: %v", o.refused, err)
			}
			for _, f := range o.findings {
				t.Error(f)
			}
		})
	}
}

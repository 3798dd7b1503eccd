package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Layout says how a Network looks. The zero value is a router with two ports.
type Layout struct {
	// Ports of the router, at least 2 and at most 16.
	Ports int
	// Dynamic leaves the neighbours to ARP; otherwise every end and every port of the router is a permanent entry.
	Dynamic bool
	// Partial leaves checksum offload on at the ends, so that frames of their own stacks carry partial checksums.
	Partial bool
	// Idle leaves GRO off at the sinks, so that the router's ports cannot take redirected frames before a program is
	// attached there.
	Idle bool
}

// Network is a generator A, a router R and the sinks B. Port 0 leads to A, the others to B.
type Network struct {
	A, R, B *Namespace
	Ports   []Port
}

// Port is a port of the router and its other end.
type Port struct {
	Name  string // r0, r1 ...
	Index int    // in R
	MAC   net.HardwareAddr
	Addr  netip.Prefix
	Peer  End
}

// End is what a port of the router is connected to.
type End struct {
	Net   *Namespace
	Name  string // a0, b0, b1 ...
	Index int    // in Net
	MAC   net.HardwareAddr
	Addr  netip.Prefix
}

// NewNetwork builds a Network: forwarding on, rp_filter off, ICMP errors without limit.
func NewNetwork(l Layout) (_ *Network, err error) {
	l.Ports = min(max(l.Ports, 2), 16)
	n := &Network{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for _, ns := range []**Namespace{&n.A, &n.R, &n.B} {
		if *ns, err = New(); err != nil {
			return nil, err
		}
	}
	if err := n.tune(); err != nil {
		return nil, err
	}
	for i := range l.Ports {
		if err := n.plug(i); err != nil {
			return nil, err
		}
	}
	for i := range n.Ports {
		if err := n.connect(&n.Ports[i], l); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// tune sets what a router has set, and lifts what would make the kernel's answers depend on time.
func (n *Network) tune() error {
	for _, s := range [][2]string{
		{"ipv4/ip_forward", "1"},
		{"ipv4/conf/all/rp_filter", "0"},
		{"ipv4/conf/default/rp_filter", "0"},
		{"ipv4/icmp_ratelimit", "0"},
		{"ipv4/icmp_ratemask", "0"},
		{"ipv6/icmp/ratelimit", "0"},
		{"ipv6/icmp/ratemask", "\n"},
	} {
		if err := n.R.Sysctl(s[0], s[1]); err != nil && s[0] == "ipv4/ip_forward" {
			return err
		}
	}
	return nil
}

// plug makes the veth pair of port i.
func (n *Network) plug(i int) error {
	ns, name, subnet := n.A, "a0", byte(0)
	if i > 0 {
		ns, name, subnet = n.B, fmt.Sprintf("b%d", i-1), byte(i+1)
	}
	p := Port{
		Name: fmt.Sprintf("r%d", i),
		MAC:  net.HardwareAddr{2, 0, 0, 0, 1, byte(i)},
		Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, subnet, 0, 254}), 24),
		Peer: End{Net: ns, Name: name, MAC: net.HardwareAddr{2, 0, 0, 0, 0x0a, 0},
			Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, subnet, 0, 1}), 24)},
	}
	if i > 0 {
		p.Peer.MAC = net.HardwareAddr{2, 0, 0, 0, 0x0b, byte(i - 1)}
	}
	err := n.R.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr, attrs.NumTxQueues, attrs.NumRxQueues = p.Name, p.MAC, 1, 1
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: name, PeerHardwareAddr: p.Peer.MAC,
			PeerNamespace: netlink.NsFd(ns.FD()), PeerNumTxQueues: 1, PeerNumRxQueues: 1})
	})
	if err != nil {
		return fmt.Errorf("lab: make port %s: %w", p.Name, err)
	}
	n.Ports = append(n.Ports, p)
	return nil
}

// connect gives both ends of a port their addresses and neighbours and switches them on. GRO comes last: a veth that
// learns of it before it is up does not tell its peer.
func (n *Network) connect(p *Port, l Layout) error {
	var err error
	if p.Index, err = raise(n.R, p.Name, p.Addr); err != nil {
		return err
	}
	if p.Peer.Index, err = raise(p.Peer.Net, p.Peer.Name, p.Peer.Addr); err != nil {
		return err
	}
	if !l.Dynamic {
		if err := n.acquaint(p); err != nil {
			return err
		}
	}
	return p.Peer.Net.Do(func() error {
		if !l.Partial {
			for _, o := range []Offload{TSO, GSO, TxChecksum} {
				if err := SetOffload(p.Peer.Name, o, false); err != nil {
					return err
				}
			}
		}
		if l.Idle {
			return nil
		}
		return SetOffload(p.Peer.Name, GRO, true)
	})
}

// raise gives a device its address, switches it on and tells its index.
func raise(ns *Namespace, name string, addr netip.Prefix) (index int, err error) {
	return index, ns.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("lab: find %s: %w", name, err)
		}
		index = link.Attrs().Index
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("lab: switch on %s: %w", name, err)
		}
		if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(addr)}); err != nil {
			return fmt.Errorf("lab: give %s to %s: %w", addr, name, err)
		}
		return nil
	})
}

// acquaint makes a port and its end permanent neighbours and the port the end's gateway.
func (n *Network) acquaint(p *Port) error {
	if err := SetNeighbour(n.R, p.Index, p.Peer.Addr.Addr(), p.Peer.MAC); err != nil {
		return err
	}
	return SetNeighbour(p.Peer.Net, p.Peer.Index, p.Addr.Addr(), p.MAC)
}

// SetNeighbour makes a permanent neighbour.
func SetNeighbour(ns *Namespace, ifindex int, addr netip.Addr, mac net.HardwareAddr) error {
	err := ns.Do(func() error {
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: ifindex, Family: unix.AF_INET, State: netlink.NUD_PERMANENT,
			IP: addr.AsSlice(), HardwareAddr: mac})
	})
	if err != nil {
		return fmt.Errorf("lab: set neighbour %s: %w", addr, err)
	}
	return nil
}

// Route makes the end's router its gateway to everything else.
func (n *Network) Route(p Port) error {
	err := p.Peer.Net.Do(func() error {
		return netlink.RouteReplace(&netlink.Route{LinkIndex: p.Peer.Index, Gw: p.Addr.Addr().AsSlice()})
	})
	if err != nil {
		return fmt.Errorf("lab: route by %s: %w", p.Addr.Addr(), err)
	}
	return nil
}

// Close lets go of the namespaces, and with them of everything in them.
func (n *Network) Close() error { return errors.Join(n.A.Close(), n.R.Close(), n.B.Close()) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

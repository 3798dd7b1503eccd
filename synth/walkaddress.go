package synth

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Which address of an interface the kernel takes for a translation. The order in which it keeps them is not part of a
// Snapshot: where that matters, nobody knows.

// Flags of addresses (IFA_F_*).
const (
	addrSecondary  = unix.IFA_F_SECONDARY
	addrOptimistic = unix.IFA_F_OPTIMISTIC
	addrPassedOver = unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE
)

// addressesOf lists the addresses of an interface and of the packet's family.
func (t *trial) addressesOf(index introspect.Index, six bool) (all []introspect.Addr) {
	for key, a := range t.snapshot.Addrs.From(introspect.AddrKey{Index: index}) {
		if key.Index != index {
			break
		}
		if key.Local.Addr().Is6() == six {
			all = append(all, a)
		}
	}
	return all
}

// ownAddresses are those of which a packet that is redirected gets one (nf_nat_redirect_ipv4, nf_nat_redirect_ipv6): the first one
// of the interface that it came in by. They stand by their scope: those of IPv4 the nearest first, those of IPv6 the widest.
func (t *trial) ownAddresses() []netip.Addr {
	var all []netip.Addr
	var scope uint8
	for _, a := range t.addressesOf(t.link.Index, t.ip.six) {
		tentative := a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&addrOptimistic == 0
		if t.ip.six && tentative || !t.ip.six && a.Flags&addrSecondary != 0 {
			continue
		}
		if len(all) > 0 && a.Scope != scope {
			if t.ip.six == (a.Scope > scope) {
				continue
			}
			all = nil
		}
		all, scope = append(all, a.Key.Local.Addr()), a.Scope
	}
	return all
}

// masquerade is the source that a packet gets; not valid if that is not known.
func (t *trial) masquerade() netip.Addr {
	if t.oif == 0 {
		return netip.Addr{}
	}
	if t.ip.six {
		return t.masquerade6()
	}
	return t.masquerade4()
}

// masquerade4 is inet_select_addr: of the addresses of the interface, the first one that has the neighbour in its net, or the
// first one.
func (t *trial) masquerade4() netip.Addr {
	to := t.address(t.ip.dest)
	if t.hops[0].Via.Is4() {
		to = t.hops[0].Via
	}
	var near, all []netip.Addr
	for _, a := range t.addressesOf(introspect.Index(t.oif), false) {
		if a.Flags&addrSecondary != 0 || a.Scope != unix.RT_SCOPE_UNIVERSE {
			continue
		}
		local := a.Key.Local
		all = append(all, local.Addr())
		net := netip.PrefixFrom(local.Addr(), local.Bits())
		if a.Key.Peer.IsValid() {
			net = netip.PrefixFrom(a.Key.Peer, local.Bits())
		}
		if net.Contains(to) {
			near = append(near, local.Addr())
		}
	}
	if len(near) > 0 && len(t.hops) == 1 {
		all = near
	}
	return single(all)
}

// masquerade6 is ipv6_dev_get_saddr as far as that is simple: to a global address, a preferred global one of the interface comes
// before those of other interfaces.
func (t *trial) masquerade6() netip.Addr {
	var all []netip.Addr
	for _, a := range t.addressesOf(introspect.Index(t.oif), true) {
		if a.Scope == unix.RT_SCOPE_UNIVERSE && a.Flags&addrPassedOver == 0 {
			all = append(all, a.Key.Local.Addr())
		}
	}
	return single(all)
}

func single(all []netip.Addr) netip.Addr {
	if len(all) != 1 {
		return netip.Addr{}
	}
	return all[0]
}

// leaves names who has the address that a packet gets: the interface that it leaves by, or, where that has none, any other.
func (t *trial) leaves() string {
	link, ok := t.snapshot.Links.Get(introspect.Index(t.oif))
	if !ok || len(t.addressesOf(link.Index, t.ip.six)) == 0 {
		return "the host"
	}
	return link.Name
}

// addressType is what kind of address one of the packet's is to the host (inet_addr_type, nft_fib6_eval_type); false where that
// depends on what is not known of the routing tables.
func (t *trial) addressType(at []int) (uint64, bool) {
	a := t.address(at)
	switch {
	case a.IsMulticast():
		return unix.RTN_MULTICAST, true
	case a.Is4() && (a.As4()[0] == 0 || a.As4() == [4]byte{255, 255, 255, 255}):
		return unix.RTN_BROADCAST, true
	}
	m := met{ip: t.ip, dest: a}
	best, found := m.longest(t.snapshot, lookup{table: tableLocal, suppress: suppressNothing})
	switch {
	case found && best.Key.Dst.IsSingleIP():
		return uint64(best.Type), true
	case found && !best.Key.Dst.Addr().IsLoopback(), a.Is6() && routing(t.snapshot, t.ip).parted:
		return 0, false
	case found:
		return uint64(best.Type), true
	case a.Is4():
		return unix.RTN_UNICAST, true
	}
	best, found = m.longest(t.snapshot, lookup{table: tableMain, suppress: suppressNothing})
	return uint64(best.Type), found && best.Type == unix.RTN_UNICAST
}

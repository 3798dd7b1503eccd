package introspect

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The kernel looks for an established socket of the host before it looks for a route (early demux), and does not forward
// what it has found one for. So where an address was taken away from the host under its connections, or sockets have
// addresses that never were the host's, some packets to these are the sockets'. Nobody announces sockets.

// Numbers of linux/inet_diag.h and net/tcp_states.h.
const (
	sizeofInetReq  = 56
	inetReqStates  = 4
	inetSource     = 8 // in struct inet_diag_msg
	stateConnected = 1 << 1
	stateFound     = 0x1ffe &^ (1<<7 | 1<<10) // all but closed ones and those that listen
)

// boundRequests ask for the sockets that the kernel finds so.
func boundRequests() (all []request) {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for protocol, states := range map[byte]uint32{unix.IPPROTO_TCP: stateFound, unix.IPPROTO_UDP: stateConnected} {
			b := header(sizeofInetReq, family)
			b[1] = protocol
			native.PutUint32(b[inetReqStates:], states)
			all = append(all, request{sockDiagByFamily, b})
		}
	}
	return all
}

// readBound reads the addresses of sockets anew that are none of the host's.
func readBound(s *Snapshot) (*Snapshot, error) {
	c, err := dialOptional(unix.NETLINK_SOCK_DIAG)
	if err != nil || c == nil {
		return s, err
	}
	bound, err := dumpBound(c, s.ownAddresses())
	if err = errors.Join(err, c.Close()); err != nil {
		return s, fmt.Errorf("introspect: dump sockets: %w", err)
	}
	n := *s
	n.Bound = become(s.Bound, bound)
	return changed(s, &n), nil
}

func (s *Snapshot) ownAddresses() map[netip.Addr]bool {
	own := map[netip.Addr]bool{netip.IPv4Unspecified(): true, netip.IPv6Unspecified(): true}
	for k := range s.Addrs.All() {
		own[k.Local.Addr()] = true
	}
	return own
}

// dumpBound lists the addresses of sockets but for some.
func dumpBound(c *netlink.Conn, own map[netip.Addr]bool) (map[Address]Exception, error) {
	bound := map[Address]Exception{}
	for _, r := range boundRequests() {
		err := ask(c, r, func() {}, func(m netlink.Message) error {
			a, ok := decodeBound(m.Data)
			if ok && !own[a] && !a.IsLoopback() {
				bound[Address(a)] = Exception{a}
			}
			return nil
		})
		if err != nil && !absent(err) {
			return nil, err
		}
	}
	return bound, nil
}

// decodeBound reads the address of a socket out of struct inet_diag_msg.
func decodeBound(b []byte) (a netip.Addr, ok bool) {
	if len(b) < inetSource+16 {
		return a, false
	}
	size, ok := addressSize(b[0])
	if !ok {
		return a, false
	}
	a, ok = netip.AddrFromSlice(b[inetSource : inetSource+size])
	return a.Unmap(), ok
}

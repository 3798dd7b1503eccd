package introspect

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// IPv6 keeps what it learns of the way to a destination beside the route, and looks there for forwarded packets, too
// (rt6_find_cached_rt in ip6_pol_route): a packet longer than such a path's MTU is answered with "packet too big", however
// large the outgoing interface's MTU is. Anybody can teach the host one, for what it is told of by ICMPv6 is not
// announced. But the kernel counts them.

// learnedRequest asks for routes of a family that were learned, and for no others.
func learnedRequest(family byte) request {
	b := header(unix.SizeofRtMsg, family)
	native.PutUint32(b[8:], unix.RTM_F_CLONED)
	return request{unix.RTM_GETROUTE, b}
}

// readLearned reads what was learned anew. As long as nothing is, that is to read one number.
func readLearned(s *Snapshot) (*Snapshot, error) {
	const at = 4
	count, err := countedRoutes(at)
	if err != nil {
		return s, err
	}
	learned := map[Address]Exception{}
	if count > 0 {
		if learned, err = dumpLearned(unix.AF_INET6); err != nil {
			return s, fmt.Errorf("introspect: dump learned routes: %w", err)
		}
	}
	n := *s
	n.Learned6 = become(s.Learned6, learned)
	return changed(s, &n), nil
}

// readLocked reads the destinations of which IPv4 has learned a path MTU below the least: then it is as if the route's were
// locked, and forwarded packets are held to it (ip_mtu_locked in ip_dst_mtu_maybe_forward). The kernel walks all its routes
// for that, and shows what some packet has used since.
func readLocked(s *Snapshot) (*Snapshot, error) {
	learned, err := dumpLearned(unix.AF_INET)
	if err != nil {
		return s, fmt.Errorf("introspect: dump learned routes: %w", err)
	}
	n := *s
	n.Learned4 = become(s.Learned4, learned)
	return changed(s, &n), nil
}

func dumpLearned(family byte) (learned map[Address]Exception, err error) {
	c, err := dialRoute()
	if err != nil {
		return nil, err
	}
	err = ask(c, learnedRequest(family), func() { learned = map[Address]Exception{} }, func(m netlink.Message) error {
		e, ok, err := decodeException(m.Data)
		if ok {
			learned[Address(e.Dst)] = e
		}
		return err
	})
	return learned, errors.Join(err, c.Close())
}

// decodeException reads the payload of RTM_NEWROUTE: only routes that were learned are ok, of IPv4 those with a locked MTU.
func decodeException(b []byte) (e Exception, ok bool, err error) {
	if len(b) < unix.SizeofRtMsg {
		return e, false, errShort
	}
	four := b[0] == unix.AF_INET
	if !four && b[0] != unix.AF_INET6 || native.Uint32(b[8:])&unix.RTM_F_CLONED == 0 {
		return e, false, nil
	}
	locked := false
	err = attributes(b[unix.SizeofRtMsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.RTA_DST:
			return set(&e.Dst, readAddr, data)
		case unix.RTA_METRICS:
			return attributes(data, func(kind uint16, data []byte) error {
				locked = locked || kind == unix.RTAX_LOCK && len(data) == 4 && native.Uint32(data)&(1<<unix.RTAX_MTU) != 0
				return nil
			})
		}
		return nil
	})
	return e, err == nil && (four && locked && e.Dst.Is4() || !four && e.Dst.Is6()), err
}

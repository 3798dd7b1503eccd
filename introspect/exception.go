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

// learnedRequest asks for routes that were learned, and for no others.
func learnedRequest() request {
	b := header(unix.SizeofRtMsg, unix.AF_INET6)
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
		if learned, err = dumpLearned(); err != nil {
			return s, fmt.Errorf("introspect: dump learned routes: %w", err)
		}
	}
	n := *s
	n.Learned6 = become(s.Learned6, learned)
	return changed(s, &n), nil
}

func dumpLearned() (learned map[Address]Exception, err error) {
	c, err := dialRoute()
	if err != nil {
		return nil, err
	}
	err = ask(c, learnedRequest(), func() { learned = map[Address]Exception{} }, func(m netlink.Message) error {
		e, ok, err := decodeException(m.Data)
		if ok {
			learned[Address(e.Dst)] = e
		}
		return err
	})
	return learned, errors.Join(err, c.Close())
}

// decodeException reads the payload of RTM_NEWROUTE: only routes that were learned are ok.
func decodeException(b []byte) (e Exception, ok bool, err error) {
	if len(b) < unix.SizeofRtMsg {
		return e, false, errShort
	}
	if b[0] != unix.AF_INET6 || native.Uint32(b[8:])&unix.RTM_F_CLONED == 0 {
		return e, false, nil
	}
	err = attributes(b[unix.SizeofRtMsg:], func(kind uint16, data []byte) error {
		if kind == unix.RTA_DST {
			return set(&e.Dst, readAddr, data)
		}
		return nil
	})
	return e, err == nil && e.Dst.Is6(), err
}

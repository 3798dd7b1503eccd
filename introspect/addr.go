package introspect

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// decodeAddr reads the payload of RTM_NEWADDR or RTM_DELADDR: IPv4 ones are ok. An address has no Unknown list: every
// attribute that could be added describes the host's own traffic, and the routes of the local table say the rest.
func decodeAddr(b []byte) (a Addr, ok bool, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false, errShort
	}
	if b[0] != unix.AF_INET {
		return a, false, nil
	}
	a = Addr{Flags: uint32(b[2]), Scope: b[3], Key: AddrKey{Index: Index(int32(native.Uint32(b[4:])))}}
	var local netip.Addr
	err = attributes(b[unix.SizeofIfAddrmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.IFA_LOCAL:
			return set(&local, readAddr4, data)
		case unix.IFA_ADDRESS:
			return set(&a.Key.Peer, readAddr4, data)
		case unix.IFA_BROADCAST:
			return set(&a.Broadcast, readAddr4, data)
		case unix.IFA_FLAGS:
			return set(&a.Flags, readU32, data)
		}
		return nil
	})
	if err != nil {
		return Addr{}, false, err
	}
	if a.Key.Local, err = prefix4(local, b[1]); err != nil {
		return Addr{}, false, err
	}
	return a, true, nil
}

func foldAddr(s *Snapshot, m message, resync *Kind) (bool, error) {
	a, ok, err := decodeAddr(m.data)
	if err != nil || !ok {
		return false, err
	}
	switch {
	case m.gone:
		*resync |= Routes // those with it as their preferred source go in silence, all of the device with the last address
	case !s.hasAddr(a.Key.Index):
		*resync |= s.affected(a.Key.Index, func(state uint8) bool { return state != 0 }) // the first address revives dead nexthops
	}
	return put(&s.Addrs, m.gone, a.Key, a), nil
}

func (s *Snapshot) hasAddr(i Index) bool {
	for k := range s.Addrs.From(AddrKey{Index: i}) {
		return k.Index == i
	}
	return false
}

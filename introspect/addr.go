package introspect

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// decodeAddr reads the payload of RTM_NEWADDR or RTM_DELADDR. An address has no Unknown list: every
// attribute that could be added describes the host's own traffic, and the routes of the local table say the rest.
func decodeAddr(b []byte) (a Addr, ok bool, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false, errShort
	}
	if _, ip := addressSize(b[0]); !ip {
		return a, false, nil
	}
	a = Addr{Flags: uint32(b[2]), Scope: b[3], Key: AddrKey{Index: Index(int32(native.Uint32(b[4:])))}}
	var local netip.Addr
	err = attributes(b[unix.SizeofIfAddrmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.IFA_LOCAL:
			return set(&local, readAddr, data)
		case unix.IFA_ADDRESS:
			return set(&a.Key.Peer, readAddr, data)
		case unix.IFA_BROADCAST:
			return set(&a.Broadcast, readAddr, data)
		case unix.IFA_FLAGS:
			return set(&a.Flags, readU32, data)
		}
		return nil
	})
	if err != nil {
		return Addr{}, false, err
	}
	if !local.IsValid() && b[0] == unix.AF_INET6 {
		local = a.Key.Peer // IPv6 tells the two apart only where there is a peer
	}
	if a.Key.Local, err = prefix(b[0], local, b[1]); err != nil {
		return Addr{}, false, err
	}
	return a, true, nil
}

func foldAddr(s *Snapshot, m message, e *Effect) (bool, error) {
	a, ok, err := decodeAddr(m.data)
	if err != nil || !ok {
		return false, err
	}
	if a.Key.Local.Addr().Is4() {
		e.addressed4(s, a.Key, m.gone)
	} else if _, known := s.Addrs.Get(a.Key); known {
		e.Resync |= Routes6 // those with it as their preferred source lose it in silence; its own gets or loses an end
	}
	return put(&s.Addrs, m.gone, a.Key, a), nil
}

// addressed4 notes what follows in silence when an IPv4 address comes or goes.
func (e *Effect) addressed4(s *Snapshot, k AddrKey, gone bool) {
	switch {
	case gone: // those with it as their preferred source go, all of the device with the last address
		e.Over = append(e.Over, k.Index)
		links, all := s.sourcesOver(k.Local.Addr())
		if e.Over = append(e.Over, links...); !all {
			e.Resync |= Routes4
		}
	case !s.hasAddr4(k.Index):
		e.affects(s, k.Index, func(state uint8) bool { return state != 0 }) // the first address revives dead nexthops
	}
}

// hasAddr4 tells whether a device has an IPv4 address: they come before those of IPv6.
func (s *Snapshot) hasAddr4(i Index) bool {
	for k := range s.Addrs.From(AddrKey{Index: i}) {
		return k.Index == i && k.Local.Addr().Is4()
	}
	return false
}

package introspect

import "golang.org/x/sys/unix"

// sizeofNetconfmsg is one byte; its attributes stand aligned behind it.
const sizeofNetconfmsg = 1

// netconfDefault is the Index of net/ipv4/conf/default (NETCONFA_IFINDEX_DEFAULT).
const netconfDefault Index = -2

// NETCONFA_*
const (
	netconfaUnspec = iota
	netconfaIfindex
	netconfaForwarding
	netconfaRPFilter
	netconfaMCForwarding
	netconfaProxyNeigh
	netconfaIgnoreLinkdown
	netconfaInput
	netconfaBCForwarding
	netconfaForceForwarding
)

// decodeNetconf applies the payload of RTM_NEWNETCONF or RTM_DELNETCONF to what find knows of the device: a message may
// say all or only what has changed. Those of IP are ok.
func decodeNetconf(b []byte, find func(Index) Netconf) (n Netconf, ok bool, err error) {
	if len(b) < 1 {
		return n, false, errShort
	}
	if _, ip := addressSize(b[0]); !ip {
		return n, false, nil
	}
	b = b[min(align4(sizeofNetconfmsg), len(b)):]
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind == netconfaIfindex {
			ok = true
			return set(&n.Index, readIndex, data)
		}
		return nil
	})
	if err != nil || !ok {
		return Netconf{}, false, err
	}
	index := n.Index
	n = find(index)
	n.Index, n.Unknown = index, nil
	if err := attributes(b, n.attribute); err != nil {
		return Netconf{}, false, err
	}
	return n, true, nil
}

func (n *Netconf) attribute(kind uint16, data []byte) error {
	switch kind {
	case netconfaUnspec, netconfaIfindex:
	case netconfaBCForwarding: // harmless, for every broadcast route is left to the kernel; it changes in silence
	case netconfaForwarding:
		return set(&n.Forwarding, readBool, data)
	case netconfaRPFilter:
		return set(&n.RPFilter, readS32, data)
	case netconfaMCForwarding:
		return set(&n.MCForwarding, readBool, data)
	case netconfaProxyNeigh:
		return set(&n.ProxyNeigh, readBool, data)
	case netconfaIgnoreLinkdown:
		return set(&n.IgnoreLinkdown, readBool, data)
	case netconfaInput:
		return set(&n.Input, readBool, data)
	case netconfaForceForwarding:
		return set(&n.ForceForwd, readBool, data)
	default:
		n.Unknown = append(n.Unknown, unknownAttribute(kind))
	}
	return nil
}

func foldNetconf(s *Snapshot, m message, e *Effect) (bool, error) {
	all, routes := &s.Netconf, Routes4
	six := len(m.data) > 0 && m.data[0] == unix.AF_INET6
	if six {
		all, routes = &s.Netconf6, Routes6
	}
	var old Netconf
	n, ok, err := decodeNetconf(m.data, func(i Index) Netconf {
		old, _ = all.Get(i)
		return old
	})
	if err != nil || !ok {
		return false, err
	}
	if n.Index == netconfDefault {
		if !six {
			e.Resync |= Netconfs // devices that still follow conf/default change with it in silence
		}
		return false, nil
	}
	if old.IgnoreLinkdown != n.IgnoreLinkdown {
		e.Resync |= routes | Nexthops // whose hops over links without carrier die or revive
	}
	if six && old.ProxyNeigh != n.ProxyNeigh {
		e.Resync |= Neighs // proxy entries are looked at only where they matter
	}
	return put(all, m.gone, n.Index, n), nil
}

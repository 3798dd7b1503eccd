package introspect

import "golang.org/x/sys/unix"

const (
	sizeofNdmsg = 12
	ndaProtocol = 12
	ndaFlagsExt = 15
)

// harmlessNeigh are the attributes of a neighbour that forwarding does not depend on: ages, probes, who made it.
var harmlessNeigh = setOf(unix.NDA_UNSPEC, unix.NDA_CACHEINFO, unix.NDA_PROBES, ndaProtocol, ndaFlagsExt)

// The states of a neighbour that frames are sent to, and those of them in which it is in doubt. The kernel does not
// announce every step between these, and between the others none of the first: an attempt to resolve an address.
const (
	nudValid = unix.NUD_PERMANENT | unix.NUD_NOARP | unix.NUD_REACHABLE | nudDoubt
	nudDoubt = unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE
)

// decodeNeigh reads the payload of RTM_NEWNEIGH or RTM_DELNEIGH: IPv4 and IPv6 neighbours are ok. A bridge's forwarding
// database is not, nor are proxy entries of IPv4, by which the kernel answers requests and forwards nothing; what is sent
// to one of IPv6 the kernel looks at. One in doubt is stale.
func decodeNeigh(b []byte) (n Neigh, ok bool, err error) {
	if len(b) < sizeofNdmsg {
		return n, false, errShort
	}
	if b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return n, false, nil
	}
	n = Neigh{State: native.Uint16(b[8:]), Flags: b[10], Type: b[11]}
	if n.Key.Proxy = n.Flags&unix.NTF_PROXY != 0; n.Key.Proxy && b[0] == unix.AF_INET {
		return Neigh{}, false, nil
	}
	if n.State&nudDoubt != 0 {
		n.State = unix.NUD_STALE
	}
	n.Key.Index = Index(int32(native.Uint32(b[4:])))
	err = attributes(b[sizeofNdmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.NDA_DST:
			return set(&n.Key.Addr, readAddr, data)
		case unix.NDA_LLADDR:
			n.HasMAC = len(data) == len(MAC{})
			return set(&n.MAC, readMAC, data)
		}
		harmlessNeigh.note(&n.Unknown, kind)
		return nil
	})
	if err != nil || !n.Key.Addr.IsValid() {
		return Neigh{}, false, err
	}
	return n, true, nil
}

// automatic tells of an entry that the kernel makes in silence as soon as somebody sends to a multicast, broadcast or own
// address. Nothing is forwarded to it.
func (n Neigh) automatic() bool { return n.State == unix.NUD_NOARP && n.Type != unix.RTN_UNICAST }

// foldNeigh keeps the neighbours that can be sent to. Whoever makes the kernel resolve thousands of addresses in vain
// changes nothing.
func foldNeigh(s *Snapshot, m message, e *Effect) (bool, error) {
	if len(m.data) > 0 && m.data[0] == unix.AF_BRIDGE {
		return foldFDB(s, m, e)
	}
	n, ok, err := decodeNeigh(m.data)
	if err != nil || !ok {
		return false, err
	}
	return put(&s.Neighs, m.gone || !n.Key.Proxy && (n.automatic() || n.State&nudValid == 0), n.Key, n), nil
}

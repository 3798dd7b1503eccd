package introspect

import "golang.org/x/sys/unix"

const (
	sizeofNdmsg = 12
	ndaProtocol = 12
	ndaFlagsExt = 15
)

// harmlessNeigh are the attributes of a neighbour that forwarding does not depend on: ages, probes, who made it.
var harmlessNeigh = setOf(unix.NDA_UNSPEC, unix.NDA_CACHEINFO, unix.NDA_PROBES, ndaProtocol, ndaFlagsExt)

// decodeNeigh reads the payload of RTM_NEWNEIGH or RTM_DELNEIGH: IPv4 and IPv6 neighbours are ok, a bridge's forwarding
// database is not.
func decodeNeigh(b []byte) (n Neigh, ok bool, err error) {
	if len(b) < sizeofNdmsg {
		return n, false, errShort
	}
	if b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return n, false, nil
	}
	n = Neigh{State: native.Uint16(b[8:]), Flags: b[10], Type: b[11]}
	n.Key.Index, n.Key.Proxy = Index(int32(native.Uint32(b[4:]))), n.Flags&unix.NTF_PROXY != 0
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

func foldNeigh(s *Snapshot, m message, _ *Kind) (bool, error) {
	n, ok, err := decodeNeigh(m.data)
	if err != nil || !ok {
		return false, err
	}
	return put(&s.Neighs, m.gone || n.automatic(), n.Key, n), nil
}

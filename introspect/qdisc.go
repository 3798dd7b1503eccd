package introspect

import "golang.org/x/sys/unix"

const sizeofTcmsg = 20

// decodeTC reads the payload of a message about a queueing discipline or filter: its place and its kind.
func decodeTC(b []byte) (index Index, handle, parent uint32, kind string, err error) {
	if len(b) < sizeofTcmsg {
		return 0, 0, 0, "", errShort
	}
	index = Index(int32(native.Uint32(b[4:])))
	handle, parent = native.Uint32(b[8:]), native.Uint32(b[12:])
	err = attributes(b[sizeofTcmsg:], func(attr uint16, data []byte) error {
		if attr == unix.TCA_KIND {
			return set(&kind, readString, data)
		}
		return nil // a kind is compiled past or it is not, whatever its options
	})
	return index, handle, parent, kind, err
}

// decodeQdisc reads the payload of RTM_NEWQDISC or RTM_DELQDISC.
func decodeQdisc(b []byte) (Qdisc, error) {
	index, handle, parent, kind, err := decodeTC(b)
	if err != nil {
		return Qdisc{}, err
	}
	return Qdisc{QdiscKey{index, handle, parent}, kind}, nil
}

func foldQdisc(s *Snapshot, m message, e *Effect) (bool, error) {
	q, err := decodeQdisc(m.data)
	if err != nil {
		return false, err
	}
	if m.gone {
		e.Resync |= Qdiscs | Filters // what stood on it goes with it; a default one may take its place
	}
	return put(&s.Qdiscs, m.gone, q.Key, q), nil
}

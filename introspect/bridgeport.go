package introspect

import "golang.org/x/sys/unix"

// portMessage is what a bridge announces about one of its ports, or about itself (AF_BRIDGE, RTM_NEWLINK).
type portMessage struct {
	index  Index
	port   BridgePort
	isPort bool // it tells of a port
}

// decodePort reads the payload of RTM_NEWLINK or RTM_DELLINK of AF_BRIDGE. A bridge tells of a port's state and flags here
// alone where it changes them by itself.
func decodePort(b []byte) (m portMessage, ok bool, err error) {
	if len(b) < sizeofIfInfomsg {
		return m, false, errShort
	}
	if b[0] != unix.AF_BRIDGE {
		return m, false, nil
	}
	if m.index = Index(int32(native.Uint32(b[4:]))); m.index <= 0 {
		return m, false, errShort
	}
	err = attributes(b[sizeofIfInfomsg:], func(kind uint16, data []byte) error {
		if kind != unix.IFLA_PROTINFO || len(data) < unix.SizeofNlAttr {
			return nil
		}
		m.isPort = true
		return attributes(data, m.port.attribute)
	})
	return m, err == nil, err
}

// foldPort takes what a bridge says of its port. Some of it is told after the lock was left under which it was changed, so
// the port is asked for, too. What has left the bridge takes things with it: the entries one by one, the rest in silence.
func foldPort(s *Snapshot, m message, e *Effect) (bool, error) {
	p, ok, err := decodePort(m.data)
	if err != nil || !ok {
		return false, err
	}
	e.Resync |= s.vlansOf(p.index)
	if m.gone {
		e.Resync |= Links
		p.port, p.isPort = BridgePort{}, true
	} else {
		e.Ports = append(e.Ports, p.index)
	}
	l, known := s.Links.Get(p.index)
	if !known || !p.isPort {
		return false, nil
	}
	l.Port = p.port
	return put(&s.Links, false, l.Index, l), nil
}

// vlansOf is VLANs where a link has some, of which the bridge does not tell everything.
func (s *Snapshot) vlansOf(i Index) Kind {
	for k := range s.VLANs.From(VLANKey{Index: i}) {
		if k.Index == i {
			return VLANs
		}
		break
	}
	return 0
}

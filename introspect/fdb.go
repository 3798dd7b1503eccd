package introspect

import (
	"errors"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	ntfSticky    = 1 << 6 // NTF_STICKY
	ntfExtLocked = 1 << 1 // NTF_EXT_LOCKED of NDA_FLAGS_EXT
)

// harmlessFDB are the attributes of an entry that forwarding does not depend on. That it is in the hardware of a switch
// comes and goes in silence; ports of such a switch are known by its id.
var harmlessFDB = setOf(unix.NDA_UNSPEC, unix.NDA_CACHEINFO, ndaProtocol)

// decodeFDB reads the payload of RTM_NEWNEIGH or RTM_DELNEIGH of AF_BRIDGE: the entries of bridges are ok, those that a
// device has for itself are not.
func decodeFDB(b []byte) (f FDBEntry, ok bool, err error) {
	if len(b) < sizeofNdmsg {
		return f, false, errShort
	}
	if b[0] != unix.AF_BRIDGE {
		return f, false, nil
	}
	f.Port = Index(int32(native.Uint32(b[4:])))
	state, flags := native.Uint16(b[8:]), b[10]
	f.Local = state&unix.NUD_PERMANENT != 0
	f.Static = state&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0
	f.Sticky = flags&ntfSticky != 0
	f.External = flags&unix.NTF_EXT_LEARNED != 0
	hasMAC := false
	err = attributes(b[sizeofNdmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.NDA_LLADDR:
			hasMAC = len(data) == len(MAC{})
			return set(&f.Key.MAC, readMAC, data)
		case unix.NDA_MASTER:
			return set(&f.Key.Bridge, readIndex, data)
		case unix.NDA_VLAN:
			return set(&f.Key.VLAN, readU16, data)
		case ndaFlagsExt:
			return f.more(data)
		}
		harmlessFDB.note(&f.Unknown, kind)
		return nil
	})
	if f.Local {
		f.Port = 0
	}
	return f, err == nil && hasMAC && f.Key.Bridge > 0 && flags&unix.NTF_SELF == 0, err
}

// more reads the flags that found no room in the header.
func (e *FDBEntry) more(data []byte) error {
	flags, err := readU32(data)
	e.Locked = flags&ntfExtLocked != 0
	if flags&^ntfExtLocked != 0 {
		e.Unknown = append(e.Unknown, "flags")
	}
	return err
}

// foldFDB takes an entry. Those that the kernel makes and deletes it announces under the lock that orders them; that one
// moved it says later, so that this may come too late, and is asked for.
func foldFDB(s *Snapshot, m message, e *Effect) (bool, error) {
	f, ok, err := decodeFDB(m.data)
	if err != nil || !ok {
		return false, err
	}
	if old, known := s.FDB.Get(f.Key); known && !m.gone && !old.Equal(f) {
		e.Entries = append(e.Entries, f.Key)
	}
	return put(&s.FDB, m.gone, f.Key, f), nil
}

// reloadFDB builds the tree of all entries at once.
func (s *Snapshot) reloadFDB(c *netlink.Conn) error {
	var entries []FDBEntry
	parts := 0
	err := askParts(c, requests[FDB][0], func() { entries, parts = entries[:0], 0 }, func(m netlink.Message) error {
		f, ok, err := decodeFDB(m.Data)
		if err == nil && ok {
			entries = append(entries, f)
		}
		return err
	}, func(bool) { parts++ })
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b FDBEntry) int { return a.Key.Compare(b.Key) })
	var p spine[FDBKey, FDBEntry]
	for i, f := range entries {
		if i+1 < len(entries) && entries[i+1].Key == f.Key {
			continue // an entry that moved during the dump is shown twice
		}
		p.add(leaf(f.Key, f))
	}
	s.FDB, s.piecesFDB = Map[FDBKey, FDBEntry]{chain(p)}.onto(s.FDB), parts > 1
	return nil
}

// readEntry asks for one entry.
func readEntry(c *netlink.Conn, s *Snapshot, k FDBKey) (*Snapshot, error) {
	answers, err := c.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request},
		Data: entryRequest(k)})
	n := *s
	switch {
	case gone(err) || errors.Is(err, unix.EINVAL): // no such bridge any more
		n.FDB = n.FDB.Without(k)
		return changed(s, &n), nil
	case err != nil:
		return s, err
	}
	for _, a := range answers {
		f, ok, err := decodeFDB(a.Data)
		if err != nil {
			return s, err
		}
		if ok && f.Key == k {
			n.FDB = n.FDB.With(k, f)
		}
	}
	return changed(s, &n), nil
}

func entryRequest(k FDBKey) []byte {
	b := header(sizeofNdmsg, unix.AF_BRIDGE)
	b = append(b, attribute32(unix.NDA_MASTER, uint32(k.Bridge))...)
	b = native.AppendUint16(native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(k.MAC))), unix.NDA_LLADDR)
	b = append(append(b, k.MAC[:]...), 0, 0)
	if k.VLAN != 0 {
		b = native.AppendUint16(native.AppendUint16(b, unix.SizeofNlAttr+2), unix.NDA_VLAN)
		b = append(native.AppendUint16(b, k.VLAN), 0, 0)
	}
	return b
}

package introspect

import "golang.org/x/sys/unix"

const (
	sizeofVLANMsg = 8
	rtmGetVLAN    = 0x72

	vlanEntry = 1 // BRIDGE_VLANDB_ENTRY

	vlanInfo          = 1 // BRIDGE_VLANDB_ENTRY_*
	vlanRange         = 2
	vlanState         = 3
	vlanTunnel        = 4
	vlanStats         = 5
	vlanMcastRouter   = 6
	vlanMcastGroups   = 7
	vlanMcastMax      = 8
	vlanNeighSuppress = 9

	vlanInfoPVID     = 2 // BRIDGE_VLAN_INFO_*
	vlanInfoUntagged = 4

	lastVLAN = 4094
)

// harmlessVLAN are the attributes of a VLAN that forwarding of unicast does not depend on.
var harmlessVLAN = setOf(0, vlanStats, vlanMcastRouter, vlanMcastGroups, vlanMcastMax)

// decodeVLANs reads the payload of RTM_NEWVLAN, and calls f for each VLAN in it: a range is told of once.
func decodeVLANs(b []byte, f func(VLAN)) error {
	if len(b) < sizeofVLANMsg {
		return errShort
	}
	if b[0] != unix.AF_BRIDGE {
		return nil
	}
	index := Index(int32(native.Uint32(b[4:])))
	return attributes(b[sizeofVLANMsg:], func(kind uint16, data []byte) error {
		if kind != vlanEntry {
			return nil // of the bridge as a whole: spanning trees and multicast
		}
		v := VLAN{Key: VLANKey{Index: index}}
		last := uint16(0)
		if err := attributes(data, func(kind uint16, data []byte) error { return v.attribute(kind, data, &last) }); err != nil {
			return err
		}
		for last = min(max(last, v.Key.VID), lastVLAN); v.Key.VID > 0 && v.Key.VID <= last; v.Key.VID++ {
			f(v)
		}
		return nil
	})
}

func (v *VLAN) attribute(kind uint16, data []byte, last *uint16) error {
	switch kind {
	case vlanInfo:
		if err := wantSize(data, 4); err != nil {
			return err
		}
		flags := native.Uint16(data)
		v.PVID, v.Untagged = flags&vlanInfoPVID != 0, flags&vlanInfoUntagged != 0
		v.Key.VID = native.Uint16(data[2:])
		return nil
	case vlanRange:
		return set(last, readU16, data)
	case vlanState:
		return set(&v.State, readU8, data)
	case vlanTunnel:
		v.Tunnel = true
		return nil
	case vlanNeighSuppress:
		return set(&v.NeighSuppress, readFlag, data)
	}
	harmlessVLAN.note(&v.Unknown, kind)
	return nil
}

// foldVLAN takes the VLANs of a dump. A notification only asks for a new dump: a VLAN that becomes the one of untagged
// frames takes that from another, of which nothing is said.
func foldVLAN(s *Snapshot, m message, e *Effect) (bool, error) {
	before := s.VLANs
	err := decodeVLANs(m.data, func(v VLAN) {
		if !m.gone {
			s.VLANs = s.VLANs.With(v.Key, v)
		}
	})
	e.Resync |= VLANs
	return s.VLANs.root != before.root, err
}

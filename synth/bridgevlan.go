package synth

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// Where a bridge filters VLANs, an untagged frame belongs to the one that its port names for such (the PVID), entries are of
// a VLAN, and a port carries those that it is a member of. Programs know untagged frames: who takes tags off is not known,
// since a VLAN device on a port may be in another namespace.

// untaggedVLAN is the VLAN of the untagged frames of a port, or of a bridge itself: 0 where the bridge does not filter
// VLANs; false if there is none, or it does not forward.
func untaggedVLAN(s *introspect.Snapshot, b introspect.Bridge, port introspect.Index) (vid uint16, ok bool) {
	if !b.VLANFiltering {
		return 0, true
	}
	for key, v := range s.VLANs.From(introspect.VLANKey{Index: port}) {
		if key.Index != port {
			break
		}
		if v.PVID {
			return key.VID, forwards(v)
		}
	}
	return 0, false
}

// forwards tells whether a VLAN of a port does no more than forward.
func forwards(v introspect.VLAN) bool {
	return v.State == introspect.PortForwarding && !v.Tunnel && len(v.Unknown) == 0
}

// vlanReason tells why untagged frames of a VLAN do not leave by a port, or by a bridge itself, as they are.
func vlanReason(s *introspect.Snapshot, port introspect.Index, vid uint16) slowpath.Reason {
	switch v, ok := s.VLANs.Get(introspect.VLANKey{Index: port, VID: vid}); {
	case vid == 0:
		return slowpath.None
	case !ok || !forwards(v):
		return slowpath.PortVLAN
	case !v.Untagged:
		return slowpath.BridgeTag
	}
	return slowpath.None
}

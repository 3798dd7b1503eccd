package introspect

import (
	"slices"

	"golang.org/x/sys/unix"
)

// VLANDevice is what a VLAN device is told (IFLA_INFO_DATA, IFLA_VLAN_*); Link.Lower is the device that it stands on.
type VLANDevice struct {
	ID       uint16
	Protocol uint16 // ETH_P_8021Q or ETH_P_8021AD, host byte order
	Flags    uint32 // VLAN_FLAG_*
	Mapped   bool   // some priority of packets, or of tags, is mapped to another than 0
	Unknown  []string
}

// Equal tells whether two VLANDevices are the same.
func (v VLANDevice) Equal(o VLANDevice) bool {
	return slices.Equal(v.Unknown, o.Unknown) && v.ID == o.ID && v.Protocol == o.Protocol && v.Flags == o.Flags &&
		v.Mapped == o.Mapped
}

// attribute reads one of what the kernel sends: always the VLAN and its protocol, the rest where there is some.
func (v *VLANDevice) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.IFLA_VLAN_ID:
		return set(&v.ID, readU16, data)
	case unix.IFLA_VLAN_PROTOCOL:
		return set(&v.Protocol, readBigU16, data)
	case unix.IFLA_VLAN_FLAGS: // struct ifla_vlan_flags: of the mask behind them the kernel sends all bits
		if err := wantSize(data, 8); err != nil {
			return err
		}
		v.Flags = native.Uint32(data)
		return nil
	case unix.IFLA_VLAN_EGRESS_QOS, unix.IFLA_VLAN_INGRESS_QOS:
		return attributes(data, func(uint16, []byte) error {
			v.Mapped = true
			return nil
		})
	}
	v.Unknown = append(v.Unknown, unknownAttribute(kind))
	return nil
}

func (v *VLANDevice) fields(t *text) {
	num(t, "vlan-id", &v.ID)
	bits(t, "vlan-protocol", &v.Protocol)
	bits(t, "vlan-flags", &v.Flags)
	t.flag("vlan-mapped", &v.Mapped)
	t.words("vlan-unknown", &v.Unknown)
}

// isVLAN tells whether a link is a VLAN device on another link of this network namespace.
func (l Link) isVLAN() bool { return l.Kind == "vlan" && l.PeerNS < 0 }

// vlanDevices tells whether there is one.
func (s *Snapshot) vlanDevices() bool { return len(s.belowVLANs()) > 0 }

// silentVLANs is what only netlink announces, and that only of devices that are up.
const silentVLANs = "flags or a map of priorities of a VLAN device are set by ioctl (vconfig)"

// readVLANs reads the links anew where there is a VLAN device, unless that is done for bridges.
func (w *Watcher) readVLANs(s *Snapshot) (*Snapshot, error) {
	if !s.vlanDevices() || s.bridges() {
		return s, nil
	}
	return s.reload(w.route, Links)
}

// belowVLANs are the links of this network namespace that VLAN devices stand on.
func (s *Snapshot) belowVLANs() map[Index]bool {
	below := map[Index]bool{}
	for _, l := range s.Links.All() {
		if l.isVLAN() {
			below[l.Lower] = true
		}
	}
	return below
}

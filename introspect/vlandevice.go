package introspect

import "slices"

// VLANDevice is what a VLAN device is set to.
type VLANDevice struct {
	ID       uint16
	Protocol uint16
	Flags    uint32
	Mapped   bool
	Unknown  []string
}

// Equal tells whether two VLANDevices are the same.
func (v VLANDevice) Equal(o VLANDevice) bool {
	return v.ID == o.ID && v.Protocol == o.Protocol && v.Flags == o.Flags && v.Mapped == o.Mapped && slices.Equal(v.Unknown, o.Unknown)
}

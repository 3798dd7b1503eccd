package introspect

import (
	"bytes"
	"cmp"
	"slices"
)

// Bridge is what a bridge device is told (IFLA_INFO_DATA, IFLA_BR_*). Times are in hundredths of a second.
type Bridge struct {
	Ageing        uint32 // how long the bridge remembers a learned entry
	ForwardDelay  uint32
	STP           uint32 // 0 none, 1 the kernel's, 2 somebody else's
	VLANFiltering bool
	VLANProtocol  uint16 // ETH_P_*, host byte order
	DefaultPVID   uint16
	GroupFwdMask  uint16 // of 01:80:c2:00:00:0X, the X that are forwarded
	MST           bool   // a state for each VLAN of a port
	NFCallIP      bool
	NFCallIP6     bool
	NFCallARP     bool
	FDBMaxLearned uint32 // 0 without a limit
	Unknown       []string
}

// Equal tells whether two Bridges are the same.
func (b Bridge) Equal(o Bridge) bool {
	return slices.Equal(b.Unknown, o.Unknown) && b.Ageing == o.Ageing && b.ForwardDelay == o.ForwardDelay && b.STP == o.STP &&
		b.VLANFiltering == o.VLANFiltering && b.VLANProtocol == o.VLANProtocol && b.DefaultPVID == o.DefaultPVID &&
		b.GroupFwdMask == o.GroupFwdMask && b.MST == o.MST && b.NFCallIP == o.NFCallIP &&
		b.NFCallIP6 == o.NFCallIP6 && b.NFCallARP == o.NFCallARP && b.FDBMaxLearned == o.FDBMaxLearned
}

// The states of a port of a bridge (BR_STATE_*).
const (
	PortDisabled uint8 = iota
	PortListening
	PortLearning
	PortForwarding
	PortBlocking
)

// BridgePort is what a bridge does with a port (IFLA_BRPORT_*, in IFLA_INFO_SLAVE_DATA of a link and in IFLA_PROTINFO of
// what a bridge announces itself).
type BridgePort struct {
	State         uint8 // Port*
	Learning      bool
	Flood         bool // unicast to nobody that is known
	Hairpin       bool
	Isolated      bool
	Locked        bool
	MAB           bool
	Guard         bool // BPDU guard
	VLANTunnel    bool
	NeighSuppress bool // by itself, or for some VLANs
	ProxyARP      bool // either form
	BackupPort    Index
	BackupNHID    uint32
	Unknown       []string
}

// Equal tells whether two BridgePorts are the same.
func (p BridgePort) Equal(o BridgePort) bool {
	return slices.Equal(p.Unknown, o.Unknown) && p.State == o.State && p.Learning == o.Learning && p.Flood == o.Flood &&
		p.Hairpin == o.Hairpin && p.Isolated == o.Isolated && p.Locked == o.Locked && p.MAB == o.MAB && p.Guard == o.Guard &&
		p.VLANTunnel == o.VLANTunnel && p.NeighSuppress == o.NeighSuppress && p.ProxyARP == o.ProxyARP &&
		p.BackupPort == o.BackupPort && p.BackupNHID == o.BackupNHID
}

// FDBKey identifies an entry of the forwarding database of a bridge.
type FDBKey struct {
	Bridge Index
	MAC    MAC
	VLAN   uint16 // 0 where the bridge does not filter VLANs
}

// Compare orders FDBKeys.
func (k FDBKey) Compare(o FDBKey) int {
	return cmp.Or(k.Bridge.Compare(o.Bridge), cmp.Compare(k.VLAN, o.VLAN), bytes.Compare(k.MAC[:], o.MAC[:]))
}

// FDBEntry is an entry of the forwarding database of a bridge (RTM_NEWNEIGH of AF_BRIDGE). One that is neither local nor
// static was learned, or made as if, and ages.
type FDBEntry struct {
	Key      FDBKey
	Port     Index // 0 of a local entry: the kernel changes it in silence, and nothing depends on it
	Local    bool  // frames to it are for the host
	Static   bool  // it does not age
	Sticky   bool  // it does not move to another port
	External bool  // somebody else learned it, such as a switch chip
	Locked   bool  // it was learned on a locked port, which does not forward from it
	Unknown  []string
}

// Equal tells whether two FDBEntries are the same.
func (e FDBEntry) Equal(o FDBEntry) bool {
	return e.Key == o.Key && e.Port == o.Port && e.Local == o.Local && e.Static == o.Static && e.Sticky == o.Sticky &&
		e.External == o.External && e.Locked == o.Locked && slices.Equal(e.Unknown, o.Unknown)
}

// VLANKey identifies a VLAN of a port or of a bridge itself.
type VLANKey struct {
	Index Index
	VID   uint16
}

// Compare orders VLANKeys.
func (k VLANKey) Compare(o VLANKey) int {
	return cmp.Or(k.Index.Compare(o.Index), cmp.Compare(k.VID, o.VID))
}

// VLAN is a VLAN that a port, or a bridge itself, is a member of.
type VLAN struct {
	Key           VLANKey
	PVID          bool  // untagged frames belong to it
	Untagged      bool  // its frames leave without a tag
	State         uint8 // Port*, where the bridge has a state for each
	Tunnel        bool  // it is mapped to a tunnel
	NeighSuppress bool
	Unknown       []string
}

// Equal tells whether two VLANs are the same.
func (v VLAN) Equal(o VLAN) bool {
	return v.Key == o.Key && v.PVID == o.PVID && v.Untagged == o.Untagged && v.State == o.State && v.Tunnel == o.Tunnel &&
		v.NeighSuppress == o.NeighSuppress && slices.Equal(v.Unknown, o.Unknown)
}

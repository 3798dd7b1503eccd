package introspect

import (
	"cmp"
	"net/netip"
	"slices"
)

// Index is an interface index or the id of a nexthop object.
type Index int

// AllDevices is the Index of net/ipv4/conf/all in Snapshot.Netconf (NETCONFA_IFINDEX_ALL).
const AllDevices Index = -1

// Compare orders Indexes.
func (i Index) Compare(o Index) int { return cmp.Compare(i, o) }

// Name keys objects by their name.
type Name string

// Compare orders Names.
func (n Name) Compare(o Name) int { return cmp.Compare(n, o) }

// Link is a network interface (RTM_NEWLINK, and xdp_features of the netdev generic netlink family).
type Link struct {
	Index       Index
	Name        string
	AltNames    []string // IFLA_PROP_LIST
	Alias       string   // IFLA_IFALIAS
	Type        uint16   // ARPHRD_*
	Flags       uint32   // IFF_*
	Kind        string   // IFLA_INFO_KIND; "" for a plain device
	Bus         string   // IFLA_PARENT_DEV_BUS_NAME: what the hardware is on, such as "pci"
	SlaveKind   string   // IFLA_INFO_SLAVE_KIND
	Master      Index    // IFLA_MASTER
	Lower       Index    // IFLA_LINK
	PeerNS      int32    // IFLA_LINK_NETNSID, -1 where absent
	MTU         uint32
	Group       uint32 // IFLA_GROUP
	MAC         MAC    // zero unless the address has six bytes
	Broadcast   MAC
	Carrier     bool       // IFLA_CARRIER of a device that is up
	OperState   uint8      // IFLA_OPERSTATE, RFC 2863
	Promiscuity uint32     // IFLA_PROMISCUITY
	AllMulti    uint32     // IFLA_ALLMULTI
	XDPMode     uint8      // IFLA_XDP_ATTACHED: XDP_ATTACHED_*
	XDPProgID   uint32     // id of the attached program, of whichever mode; 0 without
	XDPFeatures uint64     // NETDEV_XDP_ACT_*
	StripsVLAN  bool       // ethtool feature rx-vlan-hw-parse is active
	GRO         GRO        // which packets the kernel may join before anybody sees them
	KeepsTags   bool       // of a port of a bridge: it is known that no VLAN device, in whichever namespace, takes tagged frames off it
	Taken       bool       // somebody, in whichever namespace, is given its frames before IP, such as a macvlan; not of ports
	Sieved      bool       // of a tap: its reader has some of the frames to it dropped
	FarMTU      uint32     // of a veth that is a port of a bridge or has VLAN devices: MTU of its far end in another network namespace; 0 where that is not known
	VRFTable    uint32     // IFLA_VRF_TABLE of a VRF device, 0 without
	Switch      string     // IFLA_PHYS_SWITCH_ID in hexadecimal: a port of a switch chip
	Bridge      Bridge     // of a bridge
	Port        BridgePort // of a port of a bridge
	VLAN        VLANDevice // of a VLAN device
	Unknown     []string
}

// GRO is what generic receive offload joins.
type GRO uint8

const (
	GROOff GRO = iota
	GROOn      // segments of TCP, also within tunnels (ethtool feature rx-gro)
	GROUDP     // datagrams of UDP, too (rx-udp-gro-forwarding, rx-gro-list)
)

// Equal tells whether two Links are the same.
func (l Link) Equal(o Link) bool {
	altNames, unknown := slices.Equal(l.AltNames, o.AltNames), slices.Equal(l.Unknown, o.Unknown)
	return altNames && unknown && l.Index == o.Index && l.Name == o.Name && l.Alias == o.Alias && l.Type == o.Type &&
		l.Flags == o.Flags && l.Kind == o.Kind && l.Bus == o.Bus && l.SlaveKind == o.SlaveKind && l.Master == o.Master && l.Lower == o.Lower &&
		l.PeerNS == o.PeerNS && l.MTU == o.MTU && l.Group == o.Group && l.MAC == o.MAC && l.Broadcast == o.Broadcast && l.Carrier == o.Carrier &&
		l.OperState == o.OperState && l.Promiscuity == o.Promiscuity && l.AllMulti == o.AllMulti && l.XDPMode == o.XDPMode &&
		l.XDPProgID == o.XDPProgID && l.XDPFeatures == o.XDPFeatures && l.StripsVLAN == o.StripsVLAN && l.GRO == o.GRO && l.KeepsTags == o.KeepsTags && l.Taken == o.Taken && l.Sieved == o.Sieved &&
		l.FarMTU == o.FarMTU &&
		l.VRFTable == o.VRFTable && l.Switch == o.Switch && l.Bridge.Equal(o.Bridge) && l.Port.Equal(o.Port) &&
		l.VLAN.Equal(o.VLAN)
}

// AddrKey identifies an address of an interface.
type AddrKey struct {
	Index Index
	Local netip.Prefix // IFA_LOCAL and prefix length
	Peer  netip.Addr   // IFA_ADDRESS; of an IPv6 address without a peer the address itself
}

// Compare orders AddrKeys.
func (k AddrKey) Compare(o AddrKey) int {
	return cmp.Or(k.Index.Compare(o.Index), k.Local.Compare(o.Local), k.Peer.Compare(o.Peer))
}

// Addr is an address of either family (RTM_NEWADDR).
type Addr struct {
	Key       AddrKey
	Broadcast netip.Addr
	Flags     uint32
	Scope     uint8
}

// Equal tells whether two Addrs are the same.
func (a Addr) Equal(o Addr) bool { return a == o }

// RouteKey identifies a route as the kernel does; routes that are equal in all of it differ in Seq, their order.
type RouteKey struct {
	Dst      netip.Prefix
	Table    uint32
	TOS      uint8
	Priority uint32
	Seq      uint32
}

// Compare orders RouteKeys: by prefix first, so that the routes to one prefix stand together.
func (k RouteKey) Compare(o RouteKey) int {
	return cmp.Or(k.Dst.Addr().Compare(o.Dst.Addr()), cmp.Compare(k.Dst.Bits(), o.Dst.Bits()), cmp.Compare(k.Table, o.Table),
		cmp.Compare(k.TOS, o.TOS), cmp.Compare(k.Priority, o.Priority), cmp.Compare(k.Seq, o.Seq))
}

// Hop is one way that a route or nexthop object takes.
type Hop struct {
	Index  Index      // outgoing interface, 0 without
	Via    netip.Addr // gateway of either family; the zero Addr on link
	Flags  uint8      // RTNH_F_*
	Weight uint8      // rtnh_hops: the weight less one
	Encap  uint16     // LWTUNNEL_ENCAP_*, 0 without
	Object uint32     // id of the nexthop object that it came from, 0 without
}

// Route is a route of either family (RTM_NEWROUTE). The IPv6 routes that make one multipath route are one Route.
type Route struct {
	Key      RouteKey
	Type     uint8 // RTN_*
	Scope    uint8 // RT_SCOPE_*
	Protocol uint8 // RTPROT_*
	Flags    uint32
	PrefSrc  netip.Addr
	Object   uint32 // RTA_NH_ID: the hops are the object's; that of a blackhole makes the route one, too
	Hops     []Hop
	MTU      uint32 // RTAX_MTU, 0 without
	MTULock  bool   // RTAX_LOCK of the MTU
	Metrics  bool   // it has metrics beside the MTU (harmless to forwarding)
	Realm    uint32 // RTA_FLOW
	Pref     uint8  // RTA_PREF: ICMPV6_ROUTER_PREF_*
	Expires  bool   // it ends by itself, and the kernel stops using it before it says so
	Unknown  []string
}

// Equal tells whether two Routes are the same.
func (r Route) Equal(o Route) bool {
	return r.Key == o.Key && r.Type == o.Type && r.Scope == o.Scope && r.Protocol == o.Protocol && r.Flags == o.Flags &&
		r.PrefSrc == o.PrefSrc && r.Object == o.Object && slices.Equal(r.Hops, o.Hops) && r.MTU == o.MTU && r.MTULock == o.MTULock &&
		r.Metrics == o.Metrics && r.Realm == o.Realm && r.Pref == o.Pref && r.Expires == o.Expires && slices.Equal(r.Unknown, o.Unknown)
}

// Nexthop is a nexthop object (RTM_NEWNEXTHOP).
type Nexthop struct {
	ID        uint32
	Blackhole bool
	FDB       bool
	Hop       Hop
	Group     []Member // a group's members; empty for a single nexthop
	Resilient bool
	Unknown   []string
}

// Member is one nexthop of a group.
type Member struct {
	ID     uint32
	Weight uint16 // less one
}

// Equal tells whether two Nexthops are the same.
func (n Nexthop) Equal(o Nexthop) bool {
	return n.ID == o.ID && n.Blackhole == o.Blackhole && n.FDB == o.FDB && n.Hop == o.Hop && slices.Equal(n.Group, o.Group) &&
		n.Resilient == o.Resilient && slices.Equal(n.Unknown, o.Unknown)
}

// NeighKey identifies a neighbour entry.
type NeighKey struct {
	Index Index
	Addr  netip.Addr
	Proxy bool // NTF_PROXY, of IPv6 only: the kernel answers for the address
}

// Compare orders NeighKeys.
func (k NeighKey) Compare(o NeighKey) int {
	proxy := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(k.Index.Compare(o.Index), k.Addr.Compare(o.Addr), cmp.Compare(proxy(k.Proxy), proxy(o.Proxy)))
}

// Neigh is a neighbour entry (RTM_NEWNEIGH).
type Neigh struct {
	Key     NeighKey
	MAC     MAC
	HasMAC  bool   // a link-layer address of six bytes is known
	State   uint16 // NUD_*; one in doubt is NUD_STALE, one that cannot be sent to is not there
	Flags   uint8  // NTF_*
	Type    uint8  // RTN_* of the address
	Unknown []string
}

// Equal tells whether two Neighs are the same.
func (n Neigh) Equal(o Neigh) bool {
	return n.Key == o.Key && n.MAC == o.MAC && n.HasMAC == o.HasMAC && n.State == o.State && n.Flags == o.Flags &&
		n.Type == o.Type && slices.Equal(n.Unknown, o.Unknown)
}

// Netconf is what RTM_NEWNETCONF says of one family on one device or on all.
type Netconf struct {
	Index             Index
	Forwarding        bool
	RPFilter          int32
	MCForwarding      bool
	ProxyNeigh        bool
	IgnoreLinkdown    bool // ignore_routes_with_linkdown
	Input, ForceForwd bool
	Unknown           []string
}

// Equal tells whether two Netconfs are the same.
func (n Netconf) Equal(o Netconf) bool {
	return n.Index == o.Index && n.Forwarding == o.Forwarding && n.RPFilter == o.RPFilter && n.MCForwarding == o.MCForwarding &&
		n.ProxyNeigh == o.ProxyNeigh && n.IgnoreLinkdown == o.IgnoreLinkdown &&
		n.Input == o.Input && n.ForceForwd == o.ForceForwd && slices.Equal(n.Unknown, o.Unknown)
}

// QdiscKey identifies a queueing discipline.
type QdiscKey struct {
	Index  Index
	Handle uint32
	Parent uint32
}

// Compare orders QdiscKeys.
func (k QdiscKey) Compare(o QdiscKey) int {
	return cmp.Or(k.Index.Compare(o.Index), cmp.Compare(k.Parent, o.Parent), cmp.Compare(k.Handle, o.Handle))
}

// Qdisc is a queueing discipline (RTM_NEWQDISC).
type Qdisc struct {
	Key   QdiscKey
	Kind  string
	Paced bool // it holds back what is more of a flow than it is to let out, whoever sends it
}

// Equal tells whether two Qdiscs are the same.
func (q Qdisc) Equal(o Qdisc) bool { return q == o }

// FilterKey identifies the tc filters of one kind at one place. TCX programs appear with the kind "tcx".
type FilterKey struct {
	Index  Index
	Parent uint32
	Kind   string
}

// Compare orders FilterKeys.
func (k FilterKey) Compare(o FilterKey) int {
	return cmp.Or(k.Index.Compare(o.Index), cmp.Compare(k.Parent, o.Parent), cmp.Compare(k.Kind, o.Kind))
}

// Filter says that tc filters stand at a place.
type Filter struct{ Key FilterKey }

// Equal tells whether two Filters are the same.
func (f Filter) Equal(o Filter) bool { return f == o }

// Address keys objects by an address.
type Address netip.Addr

// Compare orders Addresses.
func (a Address) Compare(o Address) int { return netip.Addr(a).Compare(netip.Addr(o)) }

// Exception is an address for which routes are not all that counts: a destination of which the kernel has learned something that
// no route says, the MTU of the path to it or a redirect, so that what is forwarded to it is under the same rule; or that of a socket.
type Exception struct{ Dst netip.Addr }

// Equal tells whether two Exceptions are the same.
func (e Exception) Equal(o Exception) bool { return e == o }

// TapKey identifies a packet socket.
type TapKey struct{ Inode uint64 }

// Compare orders TapKeys.
func (k TapKey) Compare(o TapKey) int { return cmp.Compare(k.Inode, o.Inode) }

// Tap is a packet socket (packet_diag).
type Tap struct {
	Key      TapKey
	Index    Index  // bound interface, 0 for all
	Protocol uint16 // ETH_P_*, host byte order; 0 is not bound to any
	Harmless bool   // its classic filter is readable and cannot match packets that are routed
	Groups   bool   // its classic filter is readable and matches no frame to a unicast MAC
}

// Equal tells whether two Taps are the same.
func (t Tap) Equal(o Tap) bool { return t == o }

// Sysctl is a value below /proc/sys/net that no netlink message carries, such as ipv4/conf/all/accept_local.
type Sysctl struct {
	Path  string
	Value string // without trailing white space
}

// Equal tells whether two Sysctls are the same.
func (s Sysctl) Equal(o Sysctl) bool { return s == o }

// Hook is something beside routing that may see forwarded packets. Kind is "nft" (a base chain or flowtable), "conntrack"
// (the kernel tracks the connections of the family), "legacy" (iptables-legacy tables), "ipvs", "xfrm" (a policy) or
// "netfilter" (a hook of unknown owner). Family says of which family: "ip" or "ip6"; anything else, such as "inet" or
// "netdev", is of both, but for "bridge", which only frames pass that a bridge forwards.
type Hook struct {
	Kind   string
	Name   string // such as "ip filter FORWARD"; unique
	Family string
}

// Equal tells whether two Hooks are the same.
func (h Hook) Equal(o Hook) bool { return h == o }

// SeesIPv4 and SeesIPv6 tell whether packets of a family may pass the hook.
func (h Hook) SeesIPv4() bool { return h.Family != hookIPv6 && h.Family != hookBridge }

// SeesIPv6 is SeesIPv4 of the other family.
func (h Hook) SeesIPv6() bool { return h.Family != hookIPv4 && h.Family != hookBridge }

// SeesBridged tells whether the hook is one of bridges. The base chains of that family are not among the Hooks.
func (h Hook) SeesBridged() bool { return h.Family == hookBridge }

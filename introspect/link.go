package introspect

import (
	"cmp"
	"encoding/hex"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const sizeofIfInfomsg = 16

// Attributes that golang.org/x/sys does not name.
const (
	iflaDevlinkPort     = 62
	iflaGSOIPv4MaxSize  = 63
	iflaGROIPv4MaxSize  = 64
	iflaDPLLPin         = 65
	iflaMaxPacing       = 66
	iflaNetnsImmutable  = 67
	iflaHeadroom        = 68
	iflaTailroom        = 69
	iflaXDPExpectedFD   = 8
	iflaInfoSlaveData   = 5
	rtextSkipStatistics = 8
)

// harmlessLink are the attributes of a link that forwarding does not depend on: statistics, queue and offload limits,
// names of hardware, and per-family trees whose IPv4 part RTM_NEWNETCONF repeats.
var harmlessLink = setOf(unix.IFLA_UNSPEC, unix.IFLA_QDISC, unix.IFLA_STATS, unix.IFLA_COST, unix.IFLA_PRIORITY,
	unix.IFLA_WIRELESS, unix.IFLA_TXQLEN, unix.IFLA_MAP, unix.IFLA_WEIGHT, unix.IFLA_LINKMODE, unix.IFLA_NET_NS_PID,
	unix.IFLA_NUM_VF, unix.IFLA_VFINFO_LIST, unix.IFLA_STATS64, unix.IFLA_AF_SPEC, unix.IFLA_NET_NS_FD,
	unix.IFLA_EXT_MASK, unix.IFLA_NUM_TX_QUEUES, unix.IFLA_NUM_RX_QUEUES, unix.IFLA_PHYS_PORT_ID,
	unix.IFLA_CARRIER_CHANGES, unix.IFLA_PHYS_PORT_NAME, unix.IFLA_PROTO_DOWN,
	unix.IFLA_GSO_MAX_SEGS, unix.IFLA_GSO_MAX_SIZE, unix.IFLA_PAD, unix.IFLA_EVENT, unix.IFLA_NEW_NETNSID,
	unix.IFLA_CARRIER_UP_COUNT, unix.IFLA_CARRIER_DOWN_COUNT, unix.IFLA_NEW_IFINDEX, unix.IFLA_MIN_MTU,
	unix.IFLA_MAX_MTU, unix.IFLA_PERM_ADDRESS, unix.IFLA_PROTO_DOWN_REASON, unix.IFLA_PARENT_DEV_NAME,
	unix.IFLA_GRO_MAX_SIZE, unix.IFLA_TSO_MAX_SIZE, unix.IFLA_TSO_MAX_SEGS,
	iflaDevlinkPort, iflaGSOIPv4MaxSize, iflaGROIPv4MaxSize, iflaDPLLPin, iflaMaxPacing, iflaNetnsImmutable, iflaHeadroom,
	iflaTailroom)

// decodeLink reads the payload of RTM_NEWLINK or RTM_DELLINK. Those that a bridge sends about its ports (decodePort) are not ok.
func decodeLink(b []byte) (l Link, ok bool, err error) {
	if len(b) < sizeofIfInfomsg {
		return l, false, errShort
	}
	if b[0] != unix.AF_UNSPEC {
		return l, false, nil
	}
	l = Link{Type: native.Uint16(b[2:]), Index: Index(int32(native.Uint32(b[4:]))), Flags: native.Uint32(b[8:]), PeerNS: -1}
	if l.Index <= 0 {
		return Link{}, false, errShort
	}
	if err := attributes(b[sizeofIfInfomsg:], l.attribute); err != nil {
		return Link{}, false, err
	}
	slices.Sort(l.AltNames)
	l.Carrier = l.Carrier && l.Flags&unix.IFF_UP != 0 // that of a device which is down comes and goes in silence
	return l, true, nil
}

func (l *Link) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.IFLA_IFNAME:
		return set(&l.Name, readString, data)
	case unix.IFLA_IFALIAS:
		return set(&l.Alias, readString, data)
	case unix.IFLA_PROP_LIST:
		return attributes(data, l.property)
	case unix.IFLA_LINKINFO:
		return attributes(data, l.info)
	case unix.IFLA_XDP:
		return l.xdp(data)
	case unix.IFLA_ADDRESS:
		return set(&l.MAC, readMAC, data)
	case unix.IFLA_BROADCAST:
		return set(&l.Broadcast, readMAC, data)
	case unix.IFLA_CARRIER:
		return set(&l.Carrier, readFlag, data)
	case unix.IFLA_OPERSTATE:
		return set(&l.OperState, readU8, data)
	case unix.IFLA_PARENT_DEV_BUS_NAME:
		return set(&l.Bus, readString, data)
	case unix.IFLA_PHYS_SWITCH_ID:
		l.Switch = hex.EncodeToString(data)
		return nil
	}
	return l.number(kind, data)
}

func (l *Link) number(kind uint16, data []byte) error {
	switch kind {
	case unix.IFLA_MASTER:
		return set(&l.Master, readIndex, data)
	case unix.IFLA_LINK:
		return set(&l.Lower, readIndex, data)
	case unix.IFLA_LINK_NETNSID:
		return set(&l.PeerNS, readS32, data)
	case unix.IFLA_GROUP:
		return set(&l.Group, readU32, data)
	case unix.IFLA_MTU:
		return set(&l.MTU, readU32, data)
	case unix.IFLA_PROMISCUITY:
		return set(&l.Promiscuity, readU32, data)
	case unix.IFLA_ALLMULTI:
		return set(&l.AllMulti, readU32, data)
	}
	harmlessLink.note(&l.Unknown, kind)
	return nil
}

func (l *Link) property(kind uint16, data []byte) error {
	name, err := readString(data)
	if kind == unix.IFLA_ALT_IFNAME && err == nil {
		l.AltNames = append(l.AltNames, name)
	}
	return err
}

func (l *Link) info(kind uint16, data []byte) error {
	switch kind {
	case unix.IFLA_INFO_KIND:
		return set(&l.Kind, readString, data)
	case unix.IFLA_INFO_SLAVE_KIND:
		return set(&l.SlaveKind, readString, data)
	case unix.IFLA_INFO_DATA:
		return l.infoData(data)
	case iflaInfoSlaveData:
		if l.SlaveKind != "bridge" {
			return nil
		}
		return attributes(data, l.Port.attribute)
	case unix.IFLA_INFO_UNSPEC, unix.IFLA_INFO_XSTATS:
		return nil // what a kind means is synth's to know, and only plain ones are compiled
	}
	l.Unknown = append(l.Unknown, "info-"+unknownAttribute(kind))
	return nil
}

// infoData reads what is known of the attributes of a kind; the kernel sends the kind before them.
func (l *Link) infoData(data []byte) error {
	switch l.Kind {
	case "bridge":
		return attributes(data, l.Bridge.attribute)
	case "vlan":
		return attributes(data, l.VLAN.attribute)
	case "vrf":
	default:
		return nil
	}
	return attributes(data, func(kind uint16, data []byte) error {
		if kind == unix.IFLA_VRF_TABLE {
			return set(&l.VRFTable, readU32, data)
		}
		return nil
	})
}

func (l *Link) xdp(b []byte) error {
	var any, driver, generic, hardware uint32
	err := attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case unix.IFLA_XDP_ATTACHED:
			return set(&l.XDPMode, readU8, data)
		case unix.IFLA_XDP_PROG_ID:
			return set(&any, readU32, data)
		case unix.IFLA_XDP_DRV_PROG_ID:
			return set(&driver, readU32, data)
		case unix.IFLA_XDP_SKB_PROG_ID:
			return set(&generic, readU32, data)
		case unix.IFLA_XDP_HW_PROG_ID:
			return set(&hardware, readU32, data)
		case unix.IFLA_XDP_FD, unix.IFLA_XDP_FLAGS, iflaXDPExpectedFD:
			return nil // of requests only
		}
		l.Unknown = append(l.Unknown, "xdp-"+unknownAttribute(kind))
		return nil
	})
	l.XDPProgID = cmp.Or(any, driver, generic, hardware)
	return err
}

// foldLink tells the effects of a message by itself and by what the routes take the device for, never by what has changed
// since the last: a dump may have shown the change before its message comes, and before the routes followed.
func foldLink(s *Snapshot, m message, e *Effect) (bool, error) {
	if len(m.data) > 0 && m.data[0] == unix.AF_BRIDGE {
		return foldPort(s, m, e)
	}
	l, ok, err := decodeLink(m.data)
	if err != nil || !ok {
		return false, err
	}
	old, known := s.Links.Get(l.Index)
	if m.gone {
		// The disciplines are shown by the number of the device: a dump of them that is under way passes one over where one goes,
		// and does not say so.
		e.Resync |= Links | Qdiscs | Filters | VLANs | s.rulesOf(old.Name)
		e.affects(s, l.Index, anyState)
		s.forget(l.Index)
		return known, nil
	}
	l.silentFrom(old)
	changes := native.Uint32(m.data[12:]) // ifi_change, all ones for a new device
	if !known || changes == ^uint32(0) {
		e.Resync |= Links | Silent // the first message may precede its pairing with a peer
	}
	if (old.Flags^l.Flags|changes)&unix.IFF_UP != 0 {
		// In silence, a device gets its default queueing discipline the first time up, and the one below it turns promiscuous.
		e.Resync |= Links | Qdiscs
	}
	if known && old.Name != l.Name {
		e.Resync |= s.rulesOf(old.Name) | s.rulesOf(l.Name) // which are told of the interface in silence
	}
	if known && old.MAC != l.MAC {
		e.Resync |= Links // a bridge below listens to all frames from then on, in silence, or one does whose address this is
	}
	if known && old.MTU != l.MTU {
		e.Resync |= s.usedBy(use{id: l.Index}) & Routes6 // those with an MTU of their own follow in silence
	}
	if known && s.changesVRF(old, l) {
		e.affects(s, l.Index, anyState)
	}
	down := changes&unix.IFF_UP != 0 && l.Flags&unix.IFF_UP == 0
	e.affects(s, l.Index, func(state uint8) bool { return down || !follows(l.Flags, state) })
	return put(&s.Links, false, l.Index, l), nil
}

// silentFrom takes over what no message about a link carries.
func (l *Link) silentFrom(old Link) {
	l.XDPFeatures, l.StripsVLAN, l.GRO = old.XDPFeatures, old.StripsVLAN, old.GRO
	l.KeepsTags, l.Taken = old.KeepsTags && l.isPort(), old.Taken && l.mayBeTaken()
	l.Sieved = old.Sieved && l.isTap()
	if l.hasFarEnd() {
		l.FarMTU = old.FarMTU
	}
}

// lowers tells whether a message says of a known link that it went down, and nothing else. The kernel announces that before
// it flushes the routes over the link, which takes it a while where there are many; nothing else gets worse by it.
func (s *Snapshot) lowers(m netlink.Message) bool {
	if m.Header.Type != unix.RTM_NEWLINK {
		return false
	}
	l, ok, err := decodeLink(m.Data)
	old, known := s.Links.Get(l.Index)
	if err != nil || !ok || !known || native.Uint32(m.Data[12:]) == ^uint32(0) {
		return false
	}
	const up = unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP
	lowered := old.Flags&unix.IFF_UP != 0 && l.Flags == old.Flags&^up
	l.Flags, l.Carrier, l.OperState = old.Flags, old.Carrier, old.OperState
	l.silentFrom(old)
	return lowered && l.Equal(old)
}

// changesVRF tells whether a link has another master than it had, of which one may be a VRF: the kernel flushes the IPv4
// routes over a link that enters one or leaves it.
func (s *Snapshot) changesVRF(old, new Link) bool {
	return old.Master != new.Master && (s.mayBeVRF(old.Master) || s.mayBeVRF(new.Master))
}

func (s *Snapshot) mayBeVRF(i Index) bool {
	l, known := s.Links.Get(i)
	return i != 0 && (!known || l.Kind == "vrf")
}

// follows tells whether hops of a state are what the kernel leaves in the routes for a device with these flags. It marks,
// revives and flushes them in silence.
func follows(flags uint32, state uint8) bool {
	switch {
	case state == stateless:
		return flags&unix.IFF_UP != 0
	case flags&unix.IFF_UP == 0:
		return state&unix.RTNH_F_DEAD != 0
	case flags&(unix.IFF_RUNNING|unix.IFF_LOWER_UP) == 0:
		return state&unix.RTNH_F_LINKDOWN != 0
	}
	return state == 0
}

// affects notes what depends on a device and takes it for a state of which f is true.
func (e *Effect) affects(s *Snapshot, i Index, f func(state uint8) bool) {
	e.Resync |= s.affectedObjects(i, f)
	routes := s.usedIn(use{id: i}, f)
	e.Resync |= routes &^ Routes4
	if routes&Routes4 != 0 {
		e.Over = append(e.Over, i)
	}
}

// affectedObjects tells which kinds hold nexthop objects that depend on a device and take it for such a state, or what
// uses those.
func (s *Snapshot) affectedObjects(i Index, f func(state uint8) bool) (kinds Kind) {
	for id, n := range s.Nexthops.All() {
		if n.Hop.Index == i && f(n.Hop.Flags&hopState) {
			kinds |= Nexthops | s.using(uint32(id))
		}
	}
	return kinds
}

// forget removes everything that cannot outlive its device.
func (s *Snapshot) forget(i Index) {
	s.Links = s.Links.Without(i)
	s.Netconf = s.Netconf.Without(i)
	s.Netconf6 = s.Netconf6.Without(i)
	s.Addrs = keep(s.Addrs, func(k AddrKey) bool { return k.Index != i })
	s.Neighs = keep(s.Neighs, func(k NeighKey) bool { return k.Index != i })
	s.forgetBridge(i)
	s.Qdiscs = keep(s.Qdiscs, func(k QdiscKey) bool { return k.Index != i })
	s.Filters = keep(s.Filters, func(k FilterKey) bool { return k.Index != i })
}

// forgetBridge removes what a bridge knows, and the VLANs of the device.
func (s *Snapshot) forgetBridge(i Index) {
	for k := range s.FDB.From(FDBKey{Bridge: i}) {
		if k.Bridge != i {
			break
		}
		s.FDB = s.FDB.Without(k)
	}
	for k := range s.VLANs.From(VLANKey{Index: i}) {
		if k.Index != i {
			break
		}
		s.VLANs = s.VLANs.Without(k)
	}
}

package introspect

import "golang.org/x/sys/unix"

// harmlessBridge are the attributes of a bridge that forwarding of unicast does not depend on: STP's own, timers, what is
// read only, and multicast.
var harmlessBridge = setOf(unix.IFLA_BR_UNSPEC, unix.IFLA_BR_HELLO_TIME, unix.IFLA_BR_MAX_AGE, unix.IFLA_BR_PRIORITY,
	unix.IFLA_BR_ROOT_ID, unix.IFLA_BR_BRIDGE_ID, unix.IFLA_BR_ROOT_PORT, unix.IFLA_BR_ROOT_PATH_COST,
	unix.IFLA_BR_TOPOLOGY_CHANGE, unix.IFLA_BR_TOPOLOGY_CHANGE_DETECTED, unix.IFLA_BR_HELLO_TIMER, unix.IFLA_BR_TCN_TIMER,
	unix.IFLA_BR_TOPOLOGY_CHANGE_TIMER, unix.IFLA_BR_GC_TIMER, unix.IFLA_BR_GROUP_ADDR, unix.IFLA_BR_FDB_FLUSH,
	unix.IFLA_BR_MCAST_ROUTER, unix.IFLA_BR_MCAST_SNOOPING, unix.IFLA_BR_MCAST_QUERY_USE_IFADDR, unix.IFLA_BR_MCAST_QUERIER,
	unix.IFLA_BR_MCAST_HASH_ELASTICITY, unix.IFLA_BR_MCAST_HASH_MAX, unix.IFLA_BR_MCAST_LAST_MEMBER_CNT,
	unix.IFLA_BR_MCAST_STARTUP_QUERY_CNT, unix.IFLA_BR_MCAST_LAST_MEMBER_INTVL, unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL,
	unix.IFLA_BR_MCAST_QUERIER_INTVL, unix.IFLA_BR_MCAST_QUERY_INTVL, unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL,
	unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL, unix.IFLA_BR_PAD, unix.IFLA_BR_VLAN_STATS_ENABLED, unix.IFLA_BR_MCAST_STATS_ENABLED,
	unix.IFLA_BR_MCAST_IGMP_VERSION, unix.IFLA_BR_MCAST_MLD_VERSION, unix.IFLA_BR_VLAN_STATS_PER_PORT,
	unix.IFLA_BR_MCAST_QUERIER_STATE, unix.IFLA_BR_FDB_N_LEARNED)

// Options of IFLA_BR_MULTI_BOOLOPT (BR_BOOLOPT_*) by their bits. The harmless ones are about link-local frames, multicast
// and notifications.
const (
	optionMST       = 1 << 2
	optionsHarmless = 1<<0 | 1<<1 | 1<<3
)

func (v *Bridge) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.IFLA_BR_FORWARD_DELAY:
		return set(&v.ForwardDelay, readU32, data)
	case unix.IFLA_BR_AGEING_TIME:
		return set(&v.Ageing, readU32, data)
	case unix.IFLA_BR_STP_STATE:
		return set(&v.STP, readU32, data)
	case unix.IFLA_BR_VLAN_FILTERING:
		return set(&v.VLANFiltering, readFlag, data)
	case unix.IFLA_BR_VLAN_PROTOCOL:
		return set(&v.VLANProtocol, readBigU16, data)
	case unix.IFLA_BR_VLAN_DEFAULT_PVID:
		return set(&v.DefaultPVID, readU16, data)
	case unix.IFLA_BR_GROUP_FWD_MASK:
		return set(&v.GroupFwdMask, readU16, data)
	case unix.IFLA_BR_NF_CALL_IPTABLES:
		return set(&v.NFCallIP, readFlag, data)
	case unix.IFLA_BR_NF_CALL_IP6TABLES:
		return set(&v.NFCallIP6, readFlag, data)
	case unix.IFLA_BR_NF_CALL_ARPTABLES:
		return set(&v.NFCallARP, readFlag, data)
	case unix.IFLA_BR_FDB_MAX_LEARNED:
		return set(&v.FDBMaxLearned, readU32, data)
	case unix.IFLA_BR_MULTI_BOOLOPT:
		return v.options(data)
	}
	harmlessBridge.note(&v.Unknown, kind)
	return nil
}

// options reads a struct br_boolopt_multi: the values, and which of them the kernel has.
func (v *Bridge) options(data []byte) error {
	if err := wantSize(data, 8); err != nil {
		return err
	}
	values := native.Uint32(data) & native.Uint32(data[4:])
	v.MST = values&optionMST != 0
	for bit := range uint16(32) {
		if (values&^(optionMST|optionsHarmless))>>bit&1 != 0 {
			v.Unknown = append(v.Unknown, "option-"+unknownAttribute(bit))
		}
	}
	return nil
}

// harmlessPort are the attributes of a port that forwarding of unicast does not depend on.
var harmlessPort = setOf(unix.IFLA_BRPORT_UNSPEC, unix.IFLA_BRPORT_PRIORITY, unix.IFLA_BRPORT_COST, unix.IFLA_BRPORT_PROTECT,
	unix.IFLA_BRPORT_FAST_LEAVE, unix.IFLA_BRPORT_LEARNING_SYNC, unix.IFLA_BRPORT_ROOT_ID, unix.IFLA_BRPORT_BRIDGE_ID,
	unix.IFLA_BRPORT_DESIGNATED_PORT, unix.IFLA_BRPORT_DESIGNATED_COST, unix.IFLA_BRPORT_ID, unix.IFLA_BRPORT_NO,
	unix.IFLA_BRPORT_TOPOLOGY_CHANGE_ACK, unix.IFLA_BRPORT_CONFIG_PENDING, unix.IFLA_BRPORT_MESSAGE_AGE_TIMER,
	unix.IFLA_BRPORT_FORWARD_DELAY_TIMER, unix.IFLA_BRPORT_HOLD_TIMER, unix.IFLA_BRPORT_FLUSH, unix.IFLA_BRPORT_MULTICAST_ROUTER,
	unix.IFLA_BRPORT_PAD, unix.IFLA_BRPORT_MCAST_FLOOD, unix.IFLA_BRPORT_MCAST_TO_UCAST, unix.IFLA_BRPORT_BCAST_FLOOD,
	unix.IFLA_BRPORT_GROUP_FWD_MASK, unix.IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, unix.IFLA_BRPORT_MCAST_EHT_HOSTS_CNT,
	unix.IFLA_BRPORT_MCAST_N_GROUPS, unix.IFLA_BRPORT_MCAST_MAX_GROUPS)

func (p *BridgePort) attribute(kind uint16, data []byte) error {
	if flag := p.flag(kind); flag != nil {
		on, err := readFlag(data)
		*flag = *flag || on
		return err
	}
	switch kind {
	case unix.IFLA_BRPORT_STATE:
		return set(&p.State, readU8, data)
	case unix.IFLA_BRPORT_BACKUP_PORT:
		return set(&p.BackupPort, readIndex, data)
	case unix.IFLA_BRPORT_BACKUP_NHID:
		return set(&p.BackupNHID, readU32, data)
	case unix.IFLA_BRPORT_MRP_RING_OPEN, unix.IFLA_BRPORT_MRP_IN_OPEN:
		open, err := readFlag(data)
		if open {
			p.Unknown = append(p.Unknown, unknownAttribute(kind))
		}
		return err
	}
	harmlessPort.note(&p.Unknown, kind)
	return nil
}

// flag is where an attribute of one truth belongs, nil for others.
func (p *BridgePort) flag(kind uint16) *bool {
	switch kind {
	case unix.IFLA_BRPORT_LEARNING:
		return &p.Learning
	case unix.IFLA_BRPORT_UNICAST_FLOOD:
		return &p.Flood
	case unix.IFLA_BRPORT_MODE:
		return &p.Hairpin
	case unix.IFLA_BRPORT_ISOLATED:
		return &p.Isolated
	case unix.IFLA_BRPORT_LOCKED:
		return &p.Locked
	case unix.IFLA_BRPORT_MAB:
		return &p.MAB
	case unix.IFLA_BRPORT_GUARD:
		return &p.Guard
	case unix.IFLA_BRPORT_VLAN_TUNNEL:
		return &p.VLANTunnel
	case unix.IFLA_BRPORT_NEIGH_SUPPRESS, unix.IFLA_BRPORT_NEIGH_VLAN_SUPPRESS:
		return &p.NeighSuppress
	case unix.IFLA_BRPORT_PROXYARP, unix.IFLA_BRPORT_PROXYARP_WIFI:
		return &p.ProxyARP
	}
	return nil
}

package introspect

// Snapshot is the configuration of one network namespace at one moment. It is immutable, comparable, prints and parses.
type Snapshot struct {
	Links    Map[Index, Link]        // by ifindex
	Addrs    Map[AddrKey, Addr]      // addresses of IPv4 and IPv6
	Routes4  Map[RouteKey, Route]    // IPv4 routes of all tables
	Routes6  Map[RouteKey, Route]    // IPv6 routes of all tables
	Rules4   Map[RuleKey, Rule]      // IPv4 policy rules
	Rules6   Map[RuleKey, Rule]      // IPv6 policy rules
	Nexthops Map[Index, Nexthop]     // nexthop objects by id
	Neighs   Map[NeighKey, Neigh]    // neighbour entries of IPv4 and IPv6
	FDB      Map[FDBKey, FDBEntry]   // forwarding databases of bridges
	VLANs    Map[VLANKey, VLAN]      // of the ports of bridges, and of bridges
	Netconf  Map[Index, Netconf]     // IPv4 netconf by ifindex; AllDevices for conf/all
	Netconf6 Map[Index, Netconf]     // IPv6 netconf likewise
	Qdiscs   Map[QdiscKey, Qdisc]    // queueing disciplines
	Filters  Map[FilterKey, Filter]  // tc filters (one entry for a device, parent and kind is enough)
	Taps     Map[TapKey, Tap]        // packet sockets
	Sysctls  Map[Name, Sysctl]       // sysctls that netconf does not carry, by path below /proc/sys/net
	Learned4 Map[Address, Exception] // IPv4 destinations of which the kernel was told a path MTU below route/min_pmtu
	Learned6 Map[Address, Exception] // IPv6 destinations of which the kernel has learned something by itself
	Bound    Map[Address, Exception] // addresses of connected sockets that are none of the host's
	Hooks    Map[Name, Hook]         // what may see forwarded packets beside routing: netfilter, iptables-legacy, IPVS, XFRM

	Tables     Map[TableKey, Table]           // nftables: tables,
	Chains     Map[ChainKey, Chain]           // chains with their rules,
	Sets       Map[SetKey, Set]               // sets and maps with their elements,
	Objects    Map[ObjectKey, StatefulObject] // stateful objects,
	Flowtables Map[FlowtableKey, Flowtable]   // and flowtables

	uses4, uses6 uses // of Routes4 and Routes6
	hidden6      bool // Routes6 lack some that the kernel counts
	pieces6      bool // they came in pieces, which may not fit together
	piecesFDB    bool // so did FDB
}

// Equal tells whether two Snapshots say the same.
func (s *Snapshot) Equal(o *Snapshot) bool {
	return s.Links.Equal(o.Links) && s.Addrs.Equal(o.Addrs) && s.Routes4.Equal(o.Routes4) && s.Routes6.Equal(o.Routes6) &&
		s.Rules4.Equal(o.Rules4) && s.Rules6.Equal(o.Rules6) && s.Netconf6.Equal(o.Netconf6) &&
		s.Nexthops.Equal(o.Nexthops) && s.Neighs.Equal(o.Neighs) && s.FDB.Equal(o.FDB) && s.VLANs.Equal(o.VLANs) &&
		s.Netconf.Equal(o.Netconf) && s.Qdiscs.Equal(o.Qdiscs) &&
		s.Filters.Equal(o.Filters) && s.Taps.Equal(o.Taps) && s.Sysctls.Equal(o.Sysctls) &&
		s.Learned4.Equal(o.Learned4) && s.Learned6.Equal(o.Learned6) && s.Bound.Equal(o.Bound) && s.Hooks.Equal(o.Hooks) && s.SameRuleset(o)
}

// SameRuleset compares what nftables is told to do.
func (s *Snapshot) SameRuleset(o *Snapshot) bool {
	return s.Tables.Equal(o.Tables) && s.Chains.Equal(o.Chains) && s.Sets.Equal(o.Sets) && s.Objects.Equal(o.Objects) &&
		s.Flowtables.Equal(o.Flowtables)
}

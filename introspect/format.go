package introspect

import "net/netip"

// The texts of the objects. A name here is part of the format that a user may have kept in a file.

var linkFormat = format[Link]{"link", Link{PeerNS: -1}, []field[Link]{
	num("index", func(v *Link) *Index { return &v.Index }),
	word("name", func(v *Link) *string { return &v.Name }),
	words("altname", func(v *Link) *[]string { return &v.AltNames }),
	word("alias", func(v *Link) *string { return &v.Alias }),
	num("type", func(v *Link) *uint16 { return &v.Type }),
	bits("flags", func(v *Link) *uint32 { return &v.Flags }),
	word("kind", func(v *Link) *string { return &v.Kind }),
	word("slave", func(v *Link) *string { return &v.SlaveKind }),
	num("master", func(v *Link) *Index { return &v.Master }),
	num("lower", func(v *Link) *Index { return &v.Lower }),
	num("peer-ns", func(v *Link) *int32 { return &v.PeerNS }),
	num("mtu", func(v *Link) *uint32 { return &v.MTU }),
	text("mac", func(v *Link) *MAC { return &v.MAC }),
	text("broadcast", func(v *Link) *MAC { return &v.Broadcast }),
	flag("carrier", func(v *Link) *bool { return &v.Carrier }),
	num("oper", func(v *Link) *uint8 { return &v.OperState }),
	num("promiscuity", func(v *Link) *uint32 { return &v.Promiscuity }),
	num("allmulti", func(v *Link) *uint32 { return &v.AllMulti }),
	num("xdp", func(v *Link) *uint8 { return &v.XDPMode }),
	num("xdp-id", func(v *Link) *uint32 { return &v.XDPProgID }),
	bits("xdp-features", func(v *Link) *uint64 { return &v.XDPFeatures }),
	flag("strips-vlan", func(v *Link) *bool { return &v.StripsVLAN }),
	words("unknown", func(v *Link) *[]string { return &v.Unknown }),
}}

var addrFormat = format[Addr]{"addr", Addr{}, []field[Addr]{
	num("dev", func(v *Addr) *Index { return &v.Key.Index }),
	text("local", func(v *Addr) *netip.Prefix { return &v.Key.Local }),
	text("peer", func(v *Addr) *netip.Addr { return &v.Key.Peer }),
	text("broadcast", func(v *Addr) *netip.Addr { return &v.Broadcast }),
	bits("flags", func(v *Addr) *uint32 { return &v.Flags }),
	num("scope", func(v *Addr) *uint8 { return &v.Scope }),
}}

var netconfFormat = format[Netconf]{"netconf", Netconf{}, []field[Netconf]{
	num("dev", func(v *Netconf) *Index { return &v.Index }),
	flag("forwarding", func(v *Netconf) *bool { return &v.Forwarding }),
	num("rp-filter", func(v *Netconf) *int32 { return &v.RPFilter }),
	flag("mc-forwarding", func(v *Netconf) *bool { return &v.MCForwarding }),
	flag("proxy-neigh", func(v *Netconf) *bool { return &v.ProxyNeigh }),
	flag("ignore-linkdown", func(v *Netconf) *bool { return &v.IgnoreLinkdown }),
	flag("bc-forwarding", func(v *Netconf) *bool { return &v.BCForwarding }),
	flag("input", func(v *Netconf) *bool { return &v.Input }),
	flag("force-forwarding", func(v *Netconf) *bool { return &v.ForceForwd }),
	words("unknown", func(v *Netconf) *[]string { return &v.Unknown }),
}}

var ruleFormat = format[Rule]{"rule", Rule{}, []field[Rule]{
	num("pref", func(v *Rule) *uint32 { return &v.Key.Priority }),
	num("seq", func(v *Rule) *uint32 { return &v.Key.Seq }),
	num("action", func(v *Rule) *uint8 { return &v.Action }),
	num("table", func(v *Rule) *uint32 { return &v.Table }),
	text("from", func(v *Rule) *netip.Prefix { return &v.Src }),
	text("to", func(v *Rule) *netip.Prefix { return &v.Dst }),
	word("iif", func(v *Rule) *string { return &v.IIF }),
	word("oif", func(v *Rule) *string { return &v.OIF }),
	bits("mark", func(v *Rule) *uint32 { return &v.Mark }),
	bits("mark-mask", func(v *Rule) *uint32 { return &v.MarkMask }),
	num("tos", func(v *Rule) *uint8 { return &v.TOS }),
	flag("l3mdev", func(v *Rule) *bool { return &v.L3MDev }),
	flag("invert", func(v *Rule) *bool { return &v.Invert }),
	words("unknown", func(v *Rule) *[]string { return &v.Unknown }),
}}

var hopFormat = format[Hop]{"", Hop{}, []field[Hop]{
	num("dev", func(v *Hop) *Index { return &v.Index }),
	text("via", func(v *Hop) *netip.Addr { return &v.Via }),
	bits("flags", func(v *Hop) *uint8 { return &v.Flags }),
	num("weight", func(v *Hop) *uint8 { return &v.Weight }),
	num("encap", func(v *Hop) *uint16 { return &v.Encap }),
	num("object", func(v *Hop) *uint32 { return &v.Object }),
}}

var routeFormat = format[Route]{"route", Route{}, []field[Route]{
	text("dst", func(v *Route) *netip.Prefix { return &v.Key.Dst }),
	num("table", func(v *Route) *uint32 { return &v.Key.Table }),
	num("tos", func(v *Route) *uint8 { return &v.Key.TOS }),
	num("metric", func(v *Route) *uint32 { return &v.Key.Priority }),
	num("seq", func(v *Route) *uint32 { return &v.Key.Seq }),
	num("type", func(v *Route) *uint8 { return &v.Type }),
	num("scope", func(v *Route) *uint8 { return &v.Scope }),
	num("proto", func(v *Route) *uint8 { return &v.Protocol }),
	bits("flags", func(v *Route) *uint32 { return &v.Flags }),
	text("src", func(v *Route) *netip.Addr { return &v.PrefSrc }),
	num("nhid", func(v *Route) *uint32 { return &v.Object }),
	list("hop", func(v *Route) *[]Hop { return &v.Hops }, printHop, parseHop),
	num("mtu", func(v *Route) *uint32 { return &v.MTU }),
	flag("mtu-lock", func(v *Route) *bool { return &v.MTULock }),
	flag("metrics", func(v *Route) *bool { return &v.Metrics }),
	num("realm", func(v *Route) *uint32 { return &v.Realm }),
	words("unknown", func(v *Route) *[]string { return &v.Unknown }),
}}

var nexthopFormat = format[Nexthop]{"nexthop", Nexthop{}, []field[Nexthop]{
	num("id", func(v *Nexthop) *uint32 { return &v.ID }),
	flag("blackhole", func(v *Nexthop) *bool { return &v.Blackhole }),
	flag("fdb", func(v *Nexthop) *bool { return &v.FDB }),
	num("dev", func(v *Nexthop) *Index { return &v.Hop.Index }),
	text("via", func(v *Nexthop) *netip.Addr { return &v.Hop.Via }),
	bits("flags", func(v *Nexthop) *uint8 { return &v.Hop.Flags }),
	num("weight", func(v *Nexthop) *uint8 { return &v.Hop.Weight }),
	num("encap", func(v *Nexthop) *uint16 { return &v.Hop.Encap }),
	num("object", func(v *Nexthop) *uint32 { return &v.Hop.Object }),
	list("member", func(v *Nexthop) *[]Member { return &v.Group }, printMember, parseMember),
	flag("resilient", func(v *Nexthop) *bool { return &v.Resilient }),
	words("unknown", func(v *Nexthop) *[]string { return &v.Unknown }),
}}

var neighFormat = format[Neigh]{"neigh", Neigh{}, []field[Neigh]{
	num("dev", func(v *Neigh) *Index { return &v.Key.Index }),
	text("addr", func(v *Neigh) *netip.Addr { return &v.Key.Addr }),
	flag("proxy", func(v *Neigh) *bool { return &v.Key.Proxy }),
	text("mac", func(v *Neigh) *MAC { return &v.MAC }),
	flag("has-mac", func(v *Neigh) *bool { return &v.HasMAC }),
	bits("state", func(v *Neigh) *uint16 { return &v.State }),
	bits("flags", func(v *Neigh) *uint8 { return &v.Flags }),
	num("type", func(v *Neigh) *uint8 { return &v.Type }),
	words("unknown", func(v *Neigh) *[]string { return &v.Unknown }),
}}

var qdiscFormat = format[Qdisc]{"qdisc", Qdisc{}, []field[Qdisc]{
	num("dev", func(v *Qdisc) *Index { return &v.Key.Index }),
	bits("handle", func(v *Qdisc) *uint32 { return &v.Key.Handle }),
	bits("parent", func(v *Qdisc) *uint32 { return &v.Key.Parent }),
	word("kind", func(v *Qdisc) *string { return &v.Kind }),
}}

var filterFormat = format[Filter]{"filter", Filter{}, []field[Filter]{
	num("dev", func(v *Filter) *Index { return &v.Key.Index }),
	bits("parent", func(v *Filter) *uint32 { return &v.Key.Parent }),
	word("kind", func(v *Filter) *string { return &v.Key.Kind }),
}}

var tapFormat = format[Tap]{"tap", Tap{}, []field[Tap]{
	num("inode", func(v *Tap) *uint64 { return &v.Key.Inode }),
	num("dev", func(v *Tap) *Index { return &v.Index }),
	bits("protocol", func(v *Tap) *uint16 { return &v.Protocol }),
	flag("harmless", func(v *Tap) *bool { return &v.Harmless }),
}}

var sysctlFormat = format[Sysctl]{"sysctl", Sysctl{}, []field[Sysctl]{
	word("path", func(v *Sysctl) *string { return &v.Path }),
	word("value", func(v *Sysctl) *string { return &v.Value }),
}}

var hookFormat = format[Hook]{"hook", Hook{}, []field[Hook]{
	word("kind", func(v *Hook) *string { return &v.Kind }),
	word("name", func(v *Hook) *string { return &v.Name }),
}}

package introspect

import "net/netip"

// The texts of the objects. A name here is part of the format that a user may have kept in a file.

var linkFormat = format[Link]{"link", Link{PeerNS: -1}, []field[Link]{
	numField("index", func(v *Link) *Index { return &v.Index }),
	wordField("name", func(v *Link) *string { return &v.Name }),
	wordsField("altname", func(v *Link) *[]string { return &v.AltNames }),
	wordField("alias", func(v *Link) *string { return &v.Alias }),
	numField("type", func(v *Link) *uint16 { return &v.Type }),
	bitsField("flags", func(v *Link) *uint32 { return &v.Flags }),
	wordField("kind", func(v *Link) *string { return &v.Kind }),
	wordField("slave", func(v *Link) *string { return &v.SlaveKind }),
	numField("master", func(v *Link) *Index { return &v.Master }),
	numField("lower", func(v *Link) *Index { return &v.Lower }),
	numField("peer-ns", func(v *Link) *int32 { return &v.PeerNS }),
	numField("mtu", func(v *Link) *uint32 { return &v.MTU }),
	numField("group", func(v *Link) *uint32 { return &v.Group }),
	textField("mac", func(v *Link) *MAC { return &v.MAC }),
	textField("broadcast", func(v *Link) *MAC { return &v.Broadcast }),
	boolField("carrier", func(v *Link) *bool { return &v.Carrier }),
	numField("oper", func(v *Link) *uint8 { return &v.OperState }),
	numField("promiscuity", func(v *Link) *uint32 { return &v.Promiscuity }),
	numField("allmulti", func(v *Link) *uint32 { return &v.AllMulti }),
	numField("xdp", func(v *Link) *uint8 { return &v.XDPMode }),
	numField("xdp-id", func(v *Link) *uint32 { return &v.XDPProgID }),
	bitsField("xdp-features", func(v *Link) *uint64 { return &v.XDPFeatures }),
	boolField("strips-vlan", func(v *Link) *bool { return &v.StripsVLAN }),
	numField("vrf-table", func(v *Link) *uint32 { return &v.VRFTable }),
	wordsField("unknown", func(v *Link) *[]string { return &v.Unknown }),
}}

var addrFormat = format[Addr]{"addr", Addr{}, []field[Addr]{
	numField("dev", func(v *Addr) *Index { return &v.Key.Index }),
	textField("local", func(v *Addr) *netip.Prefix { return &v.Key.Local }),
	textField("peer", func(v *Addr) *netip.Addr { return &v.Key.Peer }),
	textField("broadcast", func(v *Addr) *netip.Addr { return &v.Broadcast }),
	bitsField("flags", func(v *Addr) *uint32 { return &v.Flags }),
	numField("scope", func(v *Addr) *uint8 { return &v.Scope }),
}}

var netconfFormat = format[Netconf]{"netconf", Netconf{}, []field[Netconf]{
	numField("dev", func(v *Netconf) *Index { return &v.Index }),
	boolField("forwarding", func(v *Netconf) *bool { return &v.Forwarding }),
	numField("rp-filter", func(v *Netconf) *int32 { return &v.RPFilter }),
	boolField("mc-forwarding", func(v *Netconf) *bool { return &v.MCForwarding }),
	boolField("proxy-neigh", func(v *Netconf) *bool { return &v.ProxyNeigh }),
	boolField("ignore-linkdown", func(v *Netconf) *bool { return &v.IgnoreLinkdown }),
	boolField("input", func(v *Netconf) *bool { return &v.Input }),
	boolField("force-forwarding", func(v *Netconf) *bool { return &v.ForceForwd }),
	wordsField("unknown", func(v *Netconf) *[]string { return &v.Unknown }),
}}

var ruleFormat = format[Rule]{"rule", Rule{SuppressPrefix: Nothing, SuppressGroup: Nothing}, []field[Rule]{
	numField("pref", func(v *Rule) *uint32 { return &v.Key.Priority }),
	numField("seq", func(v *Rule) *uint32 { return &v.Key.Seq }),
	numField("action", func(v *Rule) *uint8 { return &v.Action }),
	numField("table", func(v *Rule) *uint32 { return &v.Table }),
	textField("from", func(v *Rule) *netip.Prefix { return &v.Src }),
	textField("to", func(v *Rule) *netip.Prefix { return &v.Dst }),
	wordField("iif", func(v *Rule) *string { return &v.IIF }),
	wordField("oif", func(v *Rule) *string { return &v.OIF }),
	bitsField("mark", func(v *Rule) *uint32 { return &v.Mark }),
	bitsField("mark-mask", func(v *Rule) *uint32 { return &v.MarkMask }),
	numField("tos", func(v *Rule) *uint8 { return &v.TOS }),
	numField("dscp", func(v *Rule) *uint8 { return &v.DSCP }),
	bitsField("dscp-mask", func(v *Rule) *uint8 { return &v.DSCPMask }),
	bitsField("flowlabel", func(v *Rule) *uint32 { return &v.FlowLabel }),
	bitsField("flowlabel-mask", func(v *Rule) *uint32 { return &v.FlowLabelMask }),
	numField("ipproto", func(v *Rule) *uint8 { return &v.IPProto }),
	portsField("sport", func(v *Rule) *[2]uint16 { return &v.SPort }),
	portsField("dport", func(v *Rule) *[2]uint16 { return &v.DPort }),
	bitsField("sport-mask", func(v *Rule) *uint16 { return &v.SPortMask }),
	bitsField("dport-mask", func(v *Rule) *uint16 { return &v.DPortMask }),
	numField("tun-id", func(v *Rule) *uint64 { return &v.TunID }),
	boolField("uidrange", func(v *Rule) *bool { return &v.UIDRange }),
	numField("suppress-prefix", func(v *Rule) *int32 { return &v.SuppressPrefix }),
	numField("suppress-group", func(v *Rule) *int32 { return &v.SuppressGroup }),
	numField("goto", func(v *Rule) *uint32 { return &v.Goto }),
	boolField("l3mdev", func(v *Rule) *bool { return &v.L3MDev }),
	boolField("invert", func(v *Rule) *bool { return &v.Invert }),
	wordsField("unknown", func(v *Rule) *[]string { return &v.Unknown }),
}}

var hopFormat = format[Hop]{"", Hop{}, []field[Hop]{
	numField("dev", func(v *Hop) *Index { return &v.Index }),
	textField("via", func(v *Hop) *netip.Addr { return &v.Via }),
	bitsField("flags", func(v *Hop) *uint8 { return &v.Flags }),
	numField("weight", func(v *Hop) *uint8 { return &v.Weight }),
	numField("encap", func(v *Hop) *uint16 { return &v.Encap }),
	numField("object", func(v *Hop) *uint32 { return &v.Object }),
}}

var routeFormat = format[Route]{"route", Route{}, []field[Route]{
	textField("dst", func(v *Route) *netip.Prefix { return &v.Key.Dst }),
	numField("table", func(v *Route) *uint32 { return &v.Key.Table }),
	numField("tos", func(v *Route) *uint8 { return &v.Key.TOS }),
	numField("metric", func(v *Route) *uint32 { return &v.Key.Priority }),
	numField("seq", func(v *Route) *uint32 { return &v.Key.Seq }),
	numField("type", func(v *Route) *uint8 { return &v.Type }),
	numField("scope", func(v *Route) *uint8 { return &v.Scope }),
	numField("proto", func(v *Route) *uint8 { return &v.Protocol }),
	bitsField("flags", func(v *Route) *uint32 { return &v.Flags }),
	textField("src", func(v *Route) *netip.Addr { return &v.PrefSrc }),
	numField("nhid", func(v *Route) *uint32 { return &v.Object }),
	listField("hop", func(v *Route) *[]Hop { return &v.Hops }, printHop, parseHop),
	numField("mtu", func(v *Route) *uint32 { return &v.MTU }),
	boolField("mtu-lock", func(v *Route) *bool { return &v.MTULock }),
	boolField("metrics", func(v *Route) *bool { return &v.Metrics }),
	numField("realm", func(v *Route) *uint32 { return &v.Realm }),
	numField("router-pref", func(v *Route) *uint8 { return &v.Pref }),
	boolField("expires", func(v *Route) *bool { return &v.Expires }),
	wordsField("unknown", func(v *Route) *[]string { return &v.Unknown }),
}}

var nexthopFormat = format[Nexthop]{"nexthop", Nexthop{}, []field[Nexthop]{
	numField("id", func(v *Nexthop) *uint32 { return &v.ID }),
	boolField("blackhole", func(v *Nexthop) *bool { return &v.Blackhole }),
	boolField("fdb", func(v *Nexthop) *bool { return &v.FDB }),
	numField("dev", func(v *Nexthop) *Index { return &v.Hop.Index }),
	textField("via", func(v *Nexthop) *netip.Addr { return &v.Hop.Via }),
	bitsField("flags", func(v *Nexthop) *uint8 { return &v.Hop.Flags }),
	numField("weight", func(v *Nexthop) *uint8 { return &v.Hop.Weight }),
	numField("encap", func(v *Nexthop) *uint16 { return &v.Hop.Encap }),
	numField("object", func(v *Nexthop) *uint32 { return &v.Hop.Object }),
	listField("member", func(v *Nexthop) *[]Member { return &v.Group }, printMember, parseMember),
	boolField("resilient", func(v *Nexthop) *bool { return &v.Resilient }),
	wordsField("unknown", func(v *Nexthop) *[]string { return &v.Unknown }),
}}

var neighFormat = format[Neigh]{"neigh", Neigh{}, []field[Neigh]{
	numField("dev", func(v *Neigh) *Index { return &v.Key.Index }),
	textField("addr", func(v *Neigh) *netip.Addr { return &v.Key.Addr }),
	boolField("proxy", func(v *Neigh) *bool { return &v.Key.Proxy }),
	textField("mac", func(v *Neigh) *MAC { return &v.MAC }),
	boolField("has-mac", func(v *Neigh) *bool { return &v.HasMAC }),
	bitsField("state", func(v *Neigh) *uint16 { return &v.State }),
	bitsField("flags", func(v *Neigh) *uint8 { return &v.Flags }),
	numField("type", func(v *Neigh) *uint8 { return &v.Type }),
	wordsField("unknown", func(v *Neigh) *[]string { return &v.Unknown }),
}}

var qdiscFormat = format[Qdisc]{"qdisc", Qdisc{}, []field[Qdisc]{
	numField("dev", func(v *Qdisc) *Index { return &v.Key.Index }),
	bitsField("handle", func(v *Qdisc) *uint32 { return &v.Key.Handle }),
	bitsField("parent", func(v *Qdisc) *uint32 { return &v.Key.Parent }),
	wordField("kind", func(v *Qdisc) *string { return &v.Kind }),
}}

var filterFormat = format[Filter]{"filter", Filter{}, []field[Filter]{
	numField("dev", func(v *Filter) *Index { return &v.Key.Index }),
	bitsField("parent", func(v *Filter) *uint32 { return &v.Key.Parent }),
	wordField("kind", func(v *Filter) *string { return &v.Key.Kind }),
}}

var exceptionFormat = format[Exception]{"learned6", Exception{}, []field[Exception]{
	textField("dst", func(v *Exception) *netip.Addr { return &v.Dst }),
}}

var tapFormat = format[Tap]{"tap", Tap{}, []field[Tap]{
	numField("inode", func(v *Tap) *uint64 { return &v.Key.Inode }),
	numField("dev", func(v *Tap) *Index { return &v.Index }),
	bitsField("protocol", func(v *Tap) *uint16 { return &v.Protocol }),
	boolField("harmless", func(v *Tap) *bool { return &v.Harmless }),
}}

var sysctlFormat = format[Sysctl]{"sysctl", Sysctl{}, []field[Sysctl]{
	wordField("path", func(v *Sysctl) *string { return &v.Path }),
	wordField("value", func(v *Sysctl) *string { return &v.Value }),
}}

var hookFormat = format[Hook]{"hook", Hook{}, []field[Hook]{
	wordField("kind", func(v *Hook) *string { return &v.Kind }),
	wordField("name", func(v *Hook) *string { return &v.Name }),
	wordField("family", func(v *Hook) *string { return &v.Family }),
}}

// as is the same format of another kind of object.
func (f format[T]) as(kind string) format[T] {
	f.kind = kind
	return f
}

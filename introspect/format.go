package introspect

// The texts of the objects. A name here is part of the format that a user may have kept in a file.

func (v *Link) fields(t *text) {
	num(t, "index", &v.Index)
	t.word("name", &v.Name)
	t.words("altname", &v.AltNames)
	t.word("alias", &v.Alias)
	num(t, "type", &v.Type)
	bits(t, "flags", &v.Flags)
	t.word("kind", &v.Kind)
	t.word("bus", &v.Bus)
	t.word("slave", &v.SlaveKind)
	num(t, "master", &v.Master)
	num(t, "lower", &v.Lower)
	num(t, "peer-ns", &v.PeerNS)
	num(t, "mtu", &v.MTU)
	num(t, "group", &v.Group)
	t.own("mac", &v.MAC)
	t.own("broadcast", &v.Broadcast)
	t.flag("carrier", &v.Carrier)
	num(t, "oper", &v.OperState)
	num(t, "promiscuity", &v.Promiscuity)
	num(t, "allmulti", &v.AllMulti)
	num(t, "xdp", &v.XDPMode)
	num(t, "xdp-id", &v.XDPProgID)
	bits(t, "xdp-features", &v.XDPFeatures)
	t.flag("strips-vlan", &v.StripsVLAN)
	num(t, "gro", &v.GRO)
	t.flag("keeps-tags", &v.KeepsTags)
	t.flag("taken", &v.Taken)
	t.flag("sieved", &v.Sieved)
	num(t, "far-mtu", &v.FarMTU)
	num(t, "vrf-table", &v.VRFTable)
	t.word("switch", &v.Switch)
	v.Bridge.fields(t)
	v.Port.fields(t)
	v.VLAN.fields(t)
	t.words("unknown", &v.Unknown)
}

func (v *Addr) fields(t *text) {
	num(t, "dev", &v.Key.Index)
	t.own("local", &v.Key.Local)
	t.own("peer", &v.Key.Peer)
	t.own("broadcast", &v.Broadcast)
	bits(t, "flags", &v.Flags)
	num(t, "scope", &v.Scope)
}

func (v *Netconf) fields(t *text) {
	num(t, "dev", &v.Index)
	t.flag("forwarding", &v.Forwarding)
	num(t, "rp-filter", &v.RPFilter)
	t.flag("mc-forwarding", &v.MCForwarding)
	t.flag("proxy-neigh", &v.ProxyNeigh)
	t.flag("ignore-linkdown", &v.IgnoreLinkdown)
	t.flag("input", &v.Input)
	t.flag("force-forwarding", &v.ForceForwd)
	t.words("unknown", &v.Unknown)
}

func (v *Rule) fields(t *text) {
	num(t, "pref", &v.Key.Priority)
	num(t, "seq", &v.Key.Seq)
	num(t, "action", &v.Action)
	num(t, "table", &v.Table)
	t.own("from", &v.Src)
	t.own("to", &v.Dst)
	t.word("iif", &v.IIF)
	t.word("oif", &v.OIF)
	bits(t, "mark", &v.Mark)
	bits(t, "mark-mask", &v.MarkMask)
	num(t, "tos", &v.TOS)
	num(t, "dscp", &v.DSCP)
	bits(t, "dscp-mask", &v.DSCPMask)
	bits(t, "flowlabel", &v.FlowLabel)
	bits(t, "flowlabel-mask", &v.FlowLabelMask)
	num(t, "ipproto", &v.IPProto)
	t.ports("sport", &v.SPort)
	t.ports("dport", &v.DPort)
	bits(t, "sport-mask", &v.SPortMask)
	bits(t, "dport-mask", &v.DPortMask)
	num(t, "tun-id", &v.TunID)
	t.flag("uidrange", &v.UIDRange)
	num(t, "suppress-prefix", &v.SuppressPrefix)
	num(t, "suppress-group", &v.SuppressGroup)
	num(t, "goto", &v.Goto)
	t.flag("attached", &v.Attached)
	t.flag("l3mdev", &v.L3MDev)
	t.flag("invert", &v.Invert)
	t.words("unknown", &v.Unknown)
}

func (v *Hop) fields(t *text) {
	num(t, "dev", &v.Index)
	t.own("via", &v.Via)
	bits(t, "flags", &v.Flags)
	num(t, "weight", &v.Weight)
	num(t, "encap", &v.Encap)
	num(t, "object", &v.Object)
}

func (v *Route) fields(t *text) {
	t.own("dst", &v.Key.Dst)
	num(t, "table", &v.Key.Table)
	num(t, "tos", &v.Key.TOS)
	num(t, "metric", &v.Key.Priority)
	num(t, "seq", &v.Key.Seq)
	num(t, "type", &v.Type)
	num(t, "scope", &v.Scope)
	num(t, "proto", &v.Protocol)
	bits(t, "flags", &v.Flags)
	t.own("src", &v.PrefSrc)
	num(t, "nhid", &v.Object)
	list(t, "hop", &v.Hops, printHop, parseHop)
	num(t, "mtu", &v.MTU)
	t.flag("mtu-lock", &v.MTULock)
	t.flag("metrics", &v.Metrics)
	num(t, "realm", &v.Realm)
	num(t, "router-pref", &v.Pref)
	t.flag("expires", &v.Expires)
	t.words("unknown", &v.Unknown)
}

func (v *Nexthop) fields(t *text) {
	num(t, "id", &v.ID)
	t.flag("blackhole", &v.Blackhole)
	t.flag("fdb", &v.FDB)
	num(t, "dev", &v.Hop.Index)
	t.own("via", &v.Hop.Via)
	bits(t, "flags", &v.Hop.Flags)
	num(t, "weight", &v.Hop.Weight)
	num(t, "encap", &v.Hop.Encap)
	num(t, "object", &v.Hop.Object)
	list(t, "member", &v.Group, printMember, parseMember)
	t.flag("resilient", &v.Resilient)
	t.words("unknown", &v.Unknown)
}

func (v *Neigh) fields(t *text) {
	num(t, "dev", &v.Key.Index)
	t.own("addr", &v.Key.Addr)
	t.flag("proxy", &v.Key.Proxy)
	t.own("mac", &v.MAC)
	t.flag("has-mac", &v.HasMAC)
	bits(t, "state", &v.State)
	bits(t, "flags", &v.Flags)
	num(t, "type", &v.Type)
	t.words("unknown", &v.Unknown)
}

func (v *Qdisc) fields(t *text) {
	num(t, "dev", &v.Key.Index)
	bits(t, "handle", &v.Key.Handle)
	bits(t, "parent", &v.Key.Parent)
	t.word("kind", &v.Kind)
	t.flag("paced", &v.Paced)
}

func (v *Filter) fields(t *text) {
	num(t, "dev", &v.Key.Index)
	bits(t, "parent", &v.Key.Parent)
	t.word("kind", &v.Key.Kind)
}

func (v *Exception) fields(t *text) {
	t.own("dst", &v.Dst)
}

func (v *Tap) fields(t *text) {
	num(t, "inode", &v.Key.Inode)
	num(t, "dev", &v.Index)
	bits(t, "protocol", &v.Protocol)
	t.flag("harmless", &v.Harmless)
	t.flag("groups", &v.Groups)
}

func (v *Sysctl) fields(t *text) {
	t.word("path", &v.Path)
	t.word("value", &v.Value)
}

func (v *Hook) fields(t *text) {
	t.word("kind", &v.Kind)
	t.word("name", &v.Name)
	t.word("family", &v.Family)
}
